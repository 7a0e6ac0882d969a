"""Cursor: a refusal that helps."""

from __future__ import annotations

from synrouter_cli.clients import client_of


def test_cursor_is_refused_with_the_reason_and_a_way_out():
    cursor = client_of("cursor")
    assert (cursor.configure, cursor.launch, cursor.points_at) == (None, None, None)
    for told in ("its own servers", "127.0.0.1", "Claude Code"):
        assert told in cursor.refusal
