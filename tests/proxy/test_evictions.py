"""A provider that loses entries, and faults of our own: what the breaker does, and what the books say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from support.books import MODEL, WORDS, Bench, picodollars
from synrouter_cli.commands.explaining import explanation
from synrouter_cli.demo.judge import Judge
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.prompt.body import Edit
from synrouter_cli.proxy import shaping, turns

SHARE = 0.005
TURNS = 400
COUNTED = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens")


def unmarked(_: dict[str, Any]) -> None:
    """A client that marks nothing."""


def like_claude_code(made: dict[str, Any]) -> None:
    made["system"][-1]["cache_control"] = {"type": "ephemeral"}
    made["messages"][-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}


def at_its_first_message(made: dict[str, Any]) -> None:
    made["messages"][0]["content"][0]["cache_control"] = {"type": "ephemeral"}


Mark = Callable[[dict[str, Any]], None]


def session(
    seed: int, turns: int = TURNS, sizes: tuple[int, ...] = (1, 2, 4, 8, 24), compacts: int = 70
) -> Iterator[dict[str, Any]]:
    """A coding session that grows by a call and its result a turn, now and then by a person's next request, and is
    replaced by a summary when it has become long."""
    chance = Random(seed)
    messages = [_user("begin " + WORDS * 30)]
    for i in range(turns):
        if i and not i % compacts:
            messages = [_user(f"begin again after {i}: " + WORDS * 40)]
        yield {
            "model": MODEL,
            "max_tokens": 100,
            "system": [{"type": "text", "text": WORDS * 60}],
            "tools": [{"name": "Bash", "description": WORDS * 30, "input_schema": {"type": "object"}}],
            "messages": [{**message, "content": [dict(block) for block in message["content"]]} for message in messages],
        }
        if chance.random() < 0.1:
            messages += [
                {"role": "assistant", "content": [{"type": "text", "text": f"Done with {i}."}]},
                _user(f"Now {i}: " + WORDS),
            ]
            continue
        call = {"type": "tool_use", "id": f"t{i}", "name": "Bash", "input": {"command": f"make {i}"}}
        result = {"type": "tool_result", "tool_use_id": f"t{i}", "content": f"{i} " + WORDS * chance.choice(sizes)}
        messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def played(bench: Bench, requests: Iterator[dict[str, Any]], mark: Mark, seed: int = 0) -> list[Turn]:
    chance = Random(seed)
    for request in requests:
        mark(request)
        bench.ask(request, after=chance.choice([2.0, 5.0, 9.0, 20.0, 55.0]), output=chance.randrange(1, 500))
    return bench.ledger.rows


def the_ledger_is_the_providers_books(bench: Bench) -> None:
    rows = bench.ledger.rows
    for name in COUNTED:
        assert sum(getattr(row.usage, name) for row in rows) == sum(getattr(usage, name) for usage in bench.books), name
    assert [row.cost_pusd for row in rows] == [picodollars(usage) for usage in bench.books]


@pytest.mark.parametrize(
    ("level", "mark", "seed"),
    [
        ("safe", unmarked, 1),
        ("safe", like_claude_code, 2),
        ("standard", at_its_first_message, 3),
        ("max", unmarked, 4),
    ],
)
def test_random_evictions_trip_no_session_and_the_ledger_follows_the_reports(level: str, mark: Mark, seed: int) -> None:
    bench = Bench(level, Judge(evicts=SHARE, seed=seed))
    rows = played(bench, session(seed), mark, seed)
    the_ledger_is_the_providers_books(bench)
    assert len(rows) == TURNS and bench.judge.evicted > 10
    assert not bench.session(rows[-1]).newest.breaker.tripped
    lost = [row for row in rows if row.missed_pusd and row.usage.cache_read_tokens < row.predicted_read_tokens]
    assert lost, "some of what was lost would have been read"
    assert all(row.verdict in ("lost", "partial") and row.reason.startswith("miss: ") for row in lost)
    others = [row for row in rows if row.missed_pusd and row not in lost]
    assert all(row.verdict == "message" and '"how":"compaction"' in row.detail for row in others)
    least = sum(row.usage.cache_read_tokens for row in rows) / sum(row.usage.prompt_tokens for row in rows)
    assert least > 0.9


def test_what_was_lost_is_known_from_then_on() -> None:
    bench = Bench("safe", Judge(evicts=0.04, seed=5))
    rows = played(bench, session(5, turns=200, compacts=20), unmarked)
    after = [later for row, later in pairwise(rows) if row.verdict in ("lost", "partial")]
    assert len(after) >= 3
    wrong = [row for row in after if abs(row.predicted_read_tokens - row.usage.cache_read_tokens) > 100]
    assert len(wrong) <= len(after) // 4, "only where the provider lost something again"


@pytest.mark.parametrize("mark", [unmarked, like_claude_code, at_its_first_message])
def test_in_observe_evictions_cost_the_client_what_they_cost(mark: Mark) -> None:
    bench = Bench("observe", Judge(evicts=0.02, seed=7))
    rows = played(bench, session(7, turns=200), mark)
    the_ledger_is_the_providers_books(bench)
    assert bool(bench.judge.evicted) == (mark is not unmarked)
    assert all(row.baseline_client_pusd == row.cost_pusd for row in rows)


# ── faults of our own ──


def counting_trims(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that stands for what was cut out counts the requests: no two are the same."""
    real, count = shaping.trimmed, iter(range(10_000))

    def faulty(*arguments: Any, **options: Any) -> Any:
        cut, number = real(*arguments, **options), next(count)
        cuts = tuple(
            replace(one, edits=tuple(replace(edit, data=b"%d: %s" % (number, edit.data)) for edit in one.edits))
            for one in cut.cuts
        )
        return replace(cut, cuts=cuts)

    monkeypatch.setattr(shaping, "trimmed", faulty)


def counting_markers(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the markers something else gets into the system prompt, and is never the same."""
    real, count = turns.marker_edits, iter(range(10_000))

    def faulty(prompt: Any, wanted: Any) -> list[Edit]:
        at = prompt.body.index(WORDS.encode(), prompt.body.index(b'"system"'))
        return sorted([*real(prompt, wanted), Edit(at, 0, b"%d " % next(count))], key=lambda edit: edit.offset)

    monkeypatch.setattr(turns, "marker_edits", faulty)


def told(row: Turn) -> str:
    return " ".join(explanation(row, width=1000))


def test_a_trimmed_line_that_changes_trips_within_three_turns_and_the_rest_hits_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counting_trims(monkeypatch)
    bench = Bench("standard")
    rows = played(bench, session(11, turns=20, sizes=(1, 600)), unmarked)
    first = next(place for place, row in enumerate(rows) if row.missed_pusd)
    trips = next(place for place, row in enumerate(rows) if "these end here" in row.reason)
    assert trips - first < 3
    assert all('"ours":true' in row.detail and row.verdict == "message" for row in rows[first : trips + 1])
    assert "an edit of the proxy's own" in told(rows[trips]) and "fault of the proxy" in told(rows[trips])
    assert all(row.baseline_client_pusd <= row.baseline_no_cache_pusd for row in rows)
    assert [row.verdict for row in rows[trips + 2 :]] == ["hit"] * (len(rows) - trips - 2)
    assert all(row.trimmed_tokens == 0 for row in rows[trips + 1 :])
    the_ledger_is_the_providers_books(bench)


def test_a_client_that_marks_pays_for_our_fault_and_the_row_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    counting_trims(monkeypatch)
    bench = Bench("standard")
    rows = played(bench, session(11, turns=20, sizes=(1, 600)), like_claude_code)
    faulty = [row for row in rows if row.missed_pusd]
    assert 2 <= len(faulty) <= 3
    assert all(row.cost_pusd > row.baseline_client_pusd for row in faulty), "a loss is shown as one"
    assert all(row.cost_pusd - row.baseline_client_pusd < 0.2 * row.cost_pusd for row in rows[-5:])


def test_after_a_restart_an_unsteady_session_still_goes_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    counting_trims(monkeypatch)
    bench = Bench("standard")
    requests = list(session(11, turns=20, sizes=(1, 600)))
    played(bench, iter(requests[:15]), unmarked)
    bench.turns.close()
    bench.restart()
    row = played(bench, iter(requests[15:]), like_claude_code)[-1]
    assert bench.session(row).newest.breaker.unsteady
    assert json.loads(bench.sent[-1]) == requests[-1]


@pytest.mark.parametrize("mark", [unmarked, at_its_first_message])
def test_a_marker_edit_that_changes_the_prompt_trips_within_three_turns(
    monkeypatch: pytest.MonkeyPatch, mark: Mark
) -> None:
    counting_markers(monkeypatch)
    bench = Bench("safe")
    requests = list(session(13, turns=12))
    rows = played(bench, iter(requests), mark)
    trips = next(place for place, row in enumerate(rows) if "these end here" in row.reason)
    assert trips <= 2
    assert [row.verdict for row in rows[1 : trips + 1]] == ["lost"] * trips
    assert all(row.missed_pusd > 0 for row in rows[1 : trips + 1])
    assert [json.loads(sent) for sent in bench.sent[trips + 1 :]] == requests[trips + 1 :], "the client's own"
    later = rows[trips + 2 :]
    assert all(row.verdict == ("unmarked" if mark is unmarked else "hit") for row in later)
    the_ledger_is_the_providers_books(bench)
