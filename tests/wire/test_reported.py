"""A usage object's meaning, and the SDK's types as the oracle of its shape."""

from __future__ import annotations

import anthropic.types
import anthropic.types.beta
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.wire.reported import UNKNOWN, Reported
from synrouter_cli.wire.usage import Usage


def read(**fields) -> Usage:
    return msgspec.json.decode(msgspec.json.encode(fields), type=Reported).usage()


def test_an_empty_report_is_all_zero():
    assert read() == Usage()


def test_writes_without_a_breakdown_are_for_five_minutes():
    assert read(cache_creation_input_tokens=40) == Usage(cache_write_5m_tokens=40)
    assert read(cache_creation_input_tokens=40, cache_creation=None) == Usage(cache_write_5m_tokens=40)


def test_a_breakdown_splits_the_writes():
    usage = read(
        cache_creation_input_tokens=50,
        cache_creation={"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30},
    )
    assert usage == Usage(cache_write_5m_tokens=20, cache_write_1h_tokens=30)


@pytest.mark.parametrize(
    ("total", "short", "long", "expected"),
    [
        (50, 0, 30, (20, 30)),  # the API wrote 20 more by itself, later
        (0, 20, 30, (20, 30)),  # no total
        (10, 20, 30, (20, 30)),  # a total that is older than the breakdown
        (50, None, 30, (20, 30)),
        (50, 20, None, (50, 0)),
    ],
)
def test_what_a_breakdown_leaves_of_the_total_is_for_five_minutes(total, short, long, expected):
    usage = read(
        cache_creation_input_tokens=total,
        cache_creation={"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
    )
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == expected


def test_names_are_kept_as_reported_and_what_is_no_name_has_no_price():
    usage = read(service_tier="priority", speed="fast", inference_geo={"region": "us"})
    assert (usage.service_tier, usage.speed, usage.inference_geo) == ("priority", "fast", UNKNOWN)


def test_only_server_tools_that_were_used_are_kept():
    usage = read(server_tool_use={"web_search_requests": 2, "web_fetch_requests": 0, "note": "x", "gone": None})
    assert usage.server_tools == {"web_search_requests": 2}


MESSAGE = {"type": "message", "input_tokens": 10, "output_tokens": 5}


@pytest.mark.parametrize(
    ("iterations", "expected"),
    [
        (None, False),
        ([], False),
        ([MESSAGE], False),
        ([{"type": "compaction", "input_tokens": 9, "output_tokens": 1}, MESSAGE], True),
        ([{"type": "compaction", "input_tokens": 0, "output_tokens": 0}, MESSAGE], False),
        ([MESSAGE, {"type": "advisor_message", "model": "claude-opus-5", "cache_read_input_tokens": 9}], True),
        ([MESSAGE, MESSAGE], True),
        ([{"type": "something_new", "output_tokens": 1}], True),
    ],
)
def test_iterations_count_where_they_add_to_the_top_level(iterations, expected):
    assert read(input_tokens=10, output_tokens=5, iterations=iterations).has_iterations is expected


def test_the_last_value_wins_and_null_is_no_value():
    report = Reported(input_tokens=3, cache_read_input_tokens=90, output_tokens=1, service_tier="standard")
    report.update(Reported(output_tokens=10))
    report.update(Reported(input_tokens=5, output_tokens=25))
    assert report.usage() == Usage(input_tokens=5, cache_read_tokens=90, output_tokens=25, service_tier="standard")


@pytest.mark.parametrize("value", ["12", -1, 1.5, True, [1]])
def test_a_count_that_is_none_is_refused(value):
    with pytest.raises(msgspec.ValidationError):
        read(input_tokens=value)


counts = st.integers(0, 10**9)
sdk_usage = st.fixed_dictionaries(
    {"input_tokens": counts, "output_tokens": counts},
    optional={
        "cache_read_input_tokens": st.none() | counts,
        "cache_creation": st.none()
        | st.fixed_dictionaries({"ephemeral_5m_input_tokens": counts, "ephemeral_1h_input_tokens": counts}),
        "service_tier": st.sampled_from([None, "standard", "priority", "batch"]),
        "speed": st.sampled_from([None, "standard", "fast"]),
        "inference_geo": st.sampled_from([None, "us", "global"]),
        "server_tool_use": st.none()
        | st.fixed_dictionaries({"web_search_requests": counts, "web_fetch_requests": counts}),
    },
)


@given(sdk_usage)
def test_every_usage_of_the_sdk_reads_as_the_sdk_reads_it(fields):
    writes = fields.get("cache_creation")
    fields["cache_creation_input_tokens"] = sum(writes.values()) if writes else None
    theirs = anthropic.types.Usage.model_validate(fields)
    ours = read(**theirs.model_dump())
    assert ours.input_tokens == theirs.input_tokens
    assert ours.output_tokens == theirs.output_tokens
    assert ours.cache_read_tokens == (theirs.cache_read_input_tokens or 0)
    assert ours.cache_write_tokens == (theirs.cache_creation_input_tokens or 0)
    if theirs.cache_creation is not None:
        assert ours.cache_write_1h_tokens == theirs.cache_creation.ephemeral_1h_input_tokens
        assert ours.cache_write_5m_tokens == theirs.cache_creation.ephemeral_5m_input_tokens
    assert (ours.service_tier, ours.speed, ours.inference_geo) == (
        theirs.service_tier,
        theirs.speed,
        theirs.inference_geo,
    )


def test_every_field_of_the_sdks_usage_is_known_here_or_known_to_cost_nothing():
    known = {"fallback_credit", "output_tokens_details", *Reported.__struct_fields__}
    for theirs in (anthropic.types.Usage, anthropic.types.beta.BetaUsage, anthropic.types.beta.BetaMessageDeltaUsage):
        assert set(theirs.model_fields) <= known
