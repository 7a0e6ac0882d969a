"""Transcripts in SQLite databases of OpenClaw, OpenCode and Kilo, opened to read and nothing else.

>>> tables(Path("/nowhere/at-all.db"))
frozenset()
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec

from synrouter_cli.estimate.events import Named, text
from synrouter_cli.estimate.opencode import Entry
from synrouter_cli.wire.decoder import Decoder

__all__ = ["OPENCLAW", "OPENCODE", "openclaw_sessions", "opencode_sessions", "tables"]

OPENCLAW: Final = frozenset({"transcript_events"})
OPENCODE: Final = frozenset({"session", "message", "part"})
"""Tables that make a database one of theirs."""

_object = msgspec.json.Decoder(dict[str, Any])
_BUSY_SECONDS: Final = 2.0


def tables(path: Path) -> frozenset[str]:
    """The tables of a database; none where it is none, or can't be read."""
    try:
        with _opened(path) as database:
            return frozenset(name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'"))
    except sqlite3.Error:
        return frozenset()


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_BUSY_SECONDS)) as database:
        yield database


def openclaw_sessions(path: Path) -> Iterator[tuple[str, Callable[[], Iterator[bytes]]]]:
    """Each session's id and its entries, the same lines that stood in files before. Raises sqlite3.Error."""
    with _opened(path) as database:
        columns = {row[1] for row in database.execute("PRAGMA table_info(transcript_events)")}
        packed = "event_zstd" if "event_zstd" in columns else "NULL"
        sessions = [text(row[0]) for row in database.execute("SELECT DISTINCT session_id FROM transcript_events")]
        for session in sessions:
            query = f"SELECT event_json, {packed} FROM transcript_events WHERE session_id = ? ORDER BY seq"
            yield session, lambda session=session, query=query: _lines(database, query, session)  # type: ignore[misc]


def _lines(database: sqlite3.Connection, query: str, session: str) -> Iterator[bytes]:
    for plain, packed in database.execute(query, (session,)):
        if isinstance(packed, bytes):
            yield b"".join(Decoder("zstd").feed(packed))
        else:
            yield plain.encode("utf-8", "surrogatepass") if isinstance(plain, str) else bytes(plain or b"")


def opencode_sessions(path: Path) -> Iterator[tuple[Named, Callable[[], Iterator[Entry | None]]]]:
    """Each session's name and its messages, None for one that can't be read. Raises sqlite3.Error.

    A subagent's session goes by the name of the one that began it.
    """
    with _opened(path) as database:
        rows = database.execute("SELECT id, parent_id, directory FROM session ORDER BY id").fetchall()
        parents = {text(ident): text(parent) for ident, parent, _ in rows}
        for ident, _, directory in rows:
            root = root_of(text(ident), parents)
            project = text(directory).replace("\\", "/").rstrip("/").rpartition("/")[2]
            name = Named(root, project, "" if root == ident else text(ident))
            yield name, lambda ident=ident: _messages(database, ident)  # type: ignore[misc]


def root_of(session: str, parents: dict[str, str]) -> str:
    """The session that began it all; `parents` may have holes and circles."""
    passed = {session}
    while (parent := parents.get(session, "")) and parent not in passed:
        passed.add(parent)
        session = parent
    return session


def _messages(database: sqlite3.Connection, session: str) -> Iterator[Entry | None]:
    query = "SELECT id, data FROM message WHERE session_id = ? ORDER BY time_created, id"
    for ident, data in database.execute(query, (session,)):
        message = _decoded(data)
        if message is None:
            yield None
            continue
        parts = database.execute("SELECT data FROM part WHERE message_id = ? ORDER BY id", (ident,))
        decoded = [_decoded(part) for (part,) in parts]
        yield text(ident), message, [part for part in decoded if part is not None]
        yield from (None for part in decoded if part is None)


def _decoded(data: object) -> dict[str, Any] | None:
    if not isinstance(data, str | bytes):
        return None
    try:
        return _object.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, UnicodeEncodeError, RecursionError):
        return None
