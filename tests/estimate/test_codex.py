"""Codex's rollouts: each request's usage once, whatever is repeated, summed up or taken over from a parent."""

from __future__ import annotations

import pytest

from support.transcripts import codex_count, codex_line
from synrouter_cli.estimate.codex import read
from synrouter_cli.estimate.events import Answered, Named, Skipped

META = codex_line("session_meta", 0, id="thread", cwd="/home/me/shop", model_provider="openai")
CONTEXT = codex_line("turn_context", 0, model="gpt-5.5")
FIRST = (1000, 0, 50)
SECOND = (1200, 900, 60)
BOTH = (2200, 900, 110)


def answers(*lines: bytes) -> list[Answered]:
    return [event for event in read([META, CONTEXT, *lines], Named("file")) if isinstance(event, Answered)]


def counts(found: list[Answered]) -> list[tuple[int, int, int]]:
    return [(a.usage.input_tokens, a.usage.cache_read_tokens, a.usage.output_tokens) for a in found]


@pytest.mark.parametrize(
    "lines",
    [
        [codex_count(1, FIRST, FIRST), codex_count(2, SECOND, BOTH)],
        [codex_count(1, FIRST, FIRST), codex_count(1, FIRST, FIRST), codex_count(2, SECOND, BOTH)],
        [codex_count(0, None, None), codex_count(1, FIRST, FIRST), codex_count(2, SECOND, BOTH)],
        [codex_count(1, None, FIRST), codex_count(2, None, BOTH)],
        [codex_count(1, FIRST, FIRST), codex_count(2, None, BOTH)],
        [codex_count(1, FIRST, None), codex_count(2, SECOND, None)],
    ],
    ids=["both", "repeated", "empty first", "only sums", "mixed", "no sums"],
)
def test_each_request_counts_once_and_cached_input_is_no_input(lines):
    found = answers(*lines)
    assert counts(found) == [(1000, 0, 50), (300, 900, 60)]
    assert {answer.model for answer in found} == {"gpt-5.5"}


def test_a_fork_and_a_subagent_call_the_answers_they_took_over_as_their_parent_does():
    forked = codex_line("session_meta", 0, id="other", forked_from_id="thread")
    spawned = codex_line(
        "session_meta", 0, id="third", source={"subagent": {"thread_spawn": {"parent_thread_id": "thread"}}}
    )
    lines = [CONTEXT, codex_count(1, FIRST, FIRST)]
    ids = {
        event.id
        for meta in (META, forked, spawned)
        for event in read([meta, *lines], Named("f"))
        if isinstance(event, Answered)
    }
    assert len(ids) == 1


def test_the_thread_is_named_by_its_own_id_and_folder():
    assert next(read([META, CONTEXT, codex_count(1, FIRST, FIRST)], Named("file"))) == Named("thread", "shop")


def test_cut_lines_are_told_and_other_events_are_passed_over():
    lines = [
        META,
        codex_line("response_item", 1, type="message"),
        b'{"type":"event_msg","payload":{"type":"token_count"',
    ]
    assert [type(event) for event in read(lines, Named(""))] == [Skipped]
