"""Turns of providers that cache by themselves, translated turns, and such as were not sent, as `explain` tells them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from synrouter_cli.cli import main
from synrouter_cli.commands import own_cache, translated
from synrouter_cli.commands.explaining import as_object, explanation, overview
from synrouter_cli.ledger.pending import Batch
from synrouter_cli.ledger.rows import OWN_CACHE, Turn
from synrouter_cli.ledger.store import Store
from synrouter_cli.paths import find_paths
from synrouter_cli.wire.losses import LOSSES
from synrouter_cli.wire.usage import Usage

NOW = 1_763_726_400.0
SESSION = "a1b2c3d4e5f6"


def turn(number: int, read: int | None, *, prompt: int = 10_000, after: float = 60.0, **more: Any) -> Turn:
    values: dict[str, Any] = {
        "status": "ok",
        "provider": "openai",
        "dialect": "responses",
        "model": "gpt-5.5",
        "client": "codex",
        "level": "safe",
        "plan": f"safe; {OWN_CACHE}",
        "usage": None if read is None else Usage(prompt - read, read, 0, 0, 70),
        "usage_quality": "exact",
        "cost_pusd": 10**10,
        "baseline_no_cache_pusd": 2 * 10**10,
        "baseline_client_pusd": 10**10,
    }
    return Turn(SESSION, number, NOW + after * number, **{**values, **more})


READ, NONE = turn(1, 8_192), turn(1, 0)


@pytest.mark.parametrize(
    ("last", "this", "label", "said"),
    [
        (None, turn(2, 0), "own cache", "Nothing was read from the provider's own cache: this is the session's first"),
        (NONE, turn(2, 0), "own cache", "Nothing was read from the provider's own cache, nor in the turn before."),
        (READ, turn(2, 9_100), "own hit", "The provider caches by itself: it read 91% of the prompt from its cache."),
        (READ, turn(2, 10), "own hit", "The provider caches by itself: it read 0% of the prompt"),
        (READ, turn(2, 0), "own miss", "the turn before, 1 minute earlier, had read 8.19k tokens."),
        (READ, turn(2, 0, after=2000), "own miss", "the turn before, 1 hour earlier, had read 8.19k tokens."),
    ],
)
def test_what_a_providers_own_cache_did_is_told_by_the_turn_before(last, this, label, said):
    assert own_cache.label(this, last) == label
    assert said in own_cache.happened(this, last)
    lines = explanation(this, last=last, width=200)
    assert lines[1].startswith(label) and said in lines[1]
    assert "expected" not in "\n".join(lines), "nothing was predicted"


def test_a_turn_without_a_report_or_of_planned_caching_is_not_spoken_of():
    for other in (turn(2, None), turn(2, 9_000, plan="safe; marks=2; ttl=1h,5m", verdict="hit")):
        assert own_cache.label(other, READ) == own_cache.happened(other, READ) == own_cache.advice(other, READ) == ""
    assert own_cache.summary([turn(1, 5, plan="safe; marks=0")]) == ""


def test_a_turn_is_compared_with_the_last_one_before_it_that_has_a_report():
    turns = [turn(1, 8_000), turn(2, 9_000), turn(3, None, status="error"), turn(4, 0), turn(5, 9_000)]
    assert own_cache.before(turns, turns[3]) is turns[1]
    assert own_cache.before(turns, turns[0]) is None
    shown = overview(turns)
    assert [line[18:28].strip() for line in shown[2:]] == ["own hit", "own hit", "error", "own miss", "own hit"]


def test_what_was_asked_elsewhere_says_nothing_of_a_cache():
    turns = [turn(1, 8_000), turn(2, 0, model="gpt-6"), turn(3, 0, provider="azure"), turn(4, 0)]
    assert [own_cache.before(turns, one) for one in turns] == [None, None, None, turns[0]]
    shown = [line[18:28].strip() or line for line in overview(turns)[2:]]
    assert shown[1::2] == ["own hit", "own cache", "own cache", "own miss"]
    assert shown[::2] == ["  openai/gpt-5.5", "  openai/gpt-6", "  azure/gpt-5.5", "  openai/gpt-5.5"]


def test_the_summary_of_a_session_says_what_was_read_of_all_prompts():
    turns = [turn(1, 0), turn(2, 8_000), turn(3, 0), turn(4, 8_000)]
    assert own_cache.summary(turns) == (
        "The provider caches by itself: it read 40% of all prompts from its cache;"
        " 1 of 4 turns read nothing after one that had."
    )


def test_where_others_answered_too_the_summary_says_whose_cache_it_is_about():
    others = [turn(number, 0, provider="anthropic", plan="safe; marks=2") for number in (1, 2)]
    assert own_cache.summary([*others, turn(3, 0)]) == (
        "Caching by itself, openai read 0% of the prompts of 1 turn from its cache."
    )
    assert own_cache.summary([*others, turn(3, 8_000), turn(4, 0, provider="xai"), turn(5, 8_000)]) == (
        "Caching by itself, openai and xai read 53% of the prompts of 3 turns from its cache."
    )


def explained(capsys, *arguments: str) -> str:
    assert main(["explain", *arguments]) == 0
    return capsys.readouterr().out


def write(*turns: Turn) -> None:
    paths = find_paths()
    paths.create()
    store = Store.open(paths.ledger_file)
    store.write(Batch({(one.session, one.turn): one for one in turns}))
    store.close()


def test_explain_shows_such_a_session_and_its_turns(capsys):
    write(turn(1, 8_000), turn(2, 0))
    assert "The provider caches by itself: it read 40% of all prompts" in explained(capsys, SESSION[:4])
    said = " ".join(explained(capsys, SESSION[:4], "--turn", "2").split())
    assert "own miss Nothing was read from the provider's own cache; the turn before, 1 minute earlier" in said
    assert "advice Nothing to do: such caches drop" in said
    answer = json.loads(explained(capsys, SESSION[:4], "--turn", "2", "--json"))
    assert (answer["own_cache"], answer["verdict"], answer["missed_usd"]) == (True, None, None)
    assert answer["advice"].startswith("Nothing to do: such caches drop")


# ── translated ──


def test_a_translated_turn_says_from_where_to_where_and_what_was_left_out():
    detail = json.dumps({"upstream_dialect": "chat", "losses": {"top_k": 1, "citations": 3, "field:seed": 1}})
    lines = explanation(turn(1, 0, dialect="anthropic", provider="google", detail=detail), width=120)
    assert lines[4:8] == [
        "translated  from Anthropic Messages to Chat Completions (google)",
        f"left out    {LOSSES['top_k']}",
        f"left out    {LOSSES['citations']} (3 times)",
        "left out    The target does not know the field seed.",
    ]
    value = as_object(turn(1, 0, dialect="anthropic", detail=detail), None)
    assert (value["dialect"], value["upstream_dialect"]) == ("anthropic", "chat")
    assert value["losses"][1] == {"code": "citations", "count": 3, "sentence": LOSSES["citations"]}


def test_what_was_left_out_is_told_where_both_ends_speak_the_same_dialect_too():
    shown = "\n".join(explanation(turn(1, 0, detail='{"losses": {"foreign_thinking": 2}}'), width=120))
    assert "translated" not in shown
    assert f"left out    {LOSSES['foreign_thinking']} (2 times)" in shown


@pytest.mark.parametrize(
    "detail", [None, "{}", '{"losses": 3}', '{"losses": {"a": "b"}}', '{"upstream_dialect": 7}', "no JSON"]
)
def test_a_detail_of_another_version_is_left_out(detail):
    shown = "\n".join(explanation(turn(1, 0, detail=detail)))
    assert "translated" not in shown and "left out" not in shown
    assert translated.losses(turn(1, 0, detail=detail)) == []


def test_names_of_fields_can_not_reach_the_terminal():
    detail = json.dumps({"upstream_dialect": "ch\x1b[2Jat", "losses": {"field:\x1b[2J\x07": 1}})
    assert all(line.isprintable() for line in explanation(turn(1, 0, detail=detail)))


# ── not sent ──


def test_a_turn_that_was_not_sent_says_why_and_what_to_do():
    reason = "The daily budget is used up: $10.02 of $10.00 spent today (UTC). This request was not sent."
    row = turn(3, None, status="error", http_status=402, error_type="billing_error", attempts=0, reason=reason)
    said = " ".join(" ".join(explanation(row, last=READ)).split())
    assert f"error {reason} " in said
    assert "advice Raise the limit under [budget] in config.toml" in said
