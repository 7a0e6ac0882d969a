"""All transcripts that were found, read twice and replayed: what they come to, by session and month.

The first reading learns how a thread's requests were cached, the second replays them; neither keeps more than the
conversations of one file. Nothing that was said in them is kept, shown or written down.

>>> survey([], zone=None).sessions
[]
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any, Final

import msgspec

from synrouter_cli.estimate import claude_code, codex, opencode, pi
from synrouter_cli.estimate.database import openclaw_sessions, opencode_sessions, root_of
from synrouter_cli.estimate.events import Event, Named, Skipped, text
from synrouter_cli.estimate.figures import Session, Sums
from synrouter_cli.estimate.opencode import Entry
from synrouter_cli.estimate.places import Source
from synrouter_cli.estimate.replay import habits_of, replayed
from synrouter_cli.proxy.expecting import Expectations

__all__ = ["Survey", "survey"]

Events = Callable[[], Iterator[Event]]
Advance = Callable[[int], None]
"""Told of bytes that were read, so often that a bar moves."""
_EVERY_LINES: Final = 64
_READERS: Final = {"claude-code": claude_code.read, "codex": codex.read, "pi": pi.read, "openclaw": pi.read}
_object = msgspec.json.Decoder(dict[str, Any])


@dataclass(slots=True)
class Survey:
    """What came of it."""

    sessions: list[Session] = field(default_factory=list)
    files: int = 0
    skipped_lines: int = 0
    unreadable_files: list[Path] = field(default_factory=list)

    def months(self) -> dict[str, list[Sums]]:
        """Month → the parts of the sessions whose cache is modelled."""
        found: dict[str, list[Sums]] = {}
        for session in self.modelled():
            for month, part in session.months.items():
                found.setdefault(month, []).append(part)
        return dict(sorted(found.items()))

    def modelled(self) -> list[Session]:
        """Sessions in which there is something to compare."""
        return [session for session in self.sessions if session.sums.modelled_turns]

    def others(self) -> dict[str, list[Session]]:
        """Sessions whose cache is not modelled, by whose models they used."""
        found: dict[str, list[Session]] = {}
        for session in self.sessions:
            if not session.sums.modelled_turns:
                found.setdefault(session.group, []).append(session)
        return dict(sorted(found.items()))

    def parts(self) -> list[Sums]:
        """All parts of the sessions whose cache is modelled."""
        return [part for session in self.modelled() for part in session.months.values()]


def survey(sources: list[Source], *, zone: tzinfo | None, advance: Advance = lambda size: None) -> Survey:
    """Read and replay. Files that can't be read are listed, lines that can't be read are counted; nothing raises for
    what is in them."""
    result = Survey()
    sessions: dict[tuple[str, str, str], Session] = {}
    seen: dict[str, set[str]] = {}
    done: dict[str, set[str]] = {}
    expectations = Expectations()
    for source in sorted(sources, key=_changed_at):  # Synrouter learns of the earlier ones first
        result.files += 1
        try:
            for events in _transcripts(source, advance, done.setdefault(source.client, set())):
                habits = habits_of(events(), source.client)
                known = seen.setdefault(source.client, set())
                for turn in replayed(events(), habits, source.client, known, expectations):
                    if isinstance(turn, Skipped):
                        result.skipped_lines += 1
                        continue
                    key = (source.client, turn.name.session, turn.group)
                    session = sessions.get(key)
                    if session is None:
                        session = Session(turn.name.session, source.client, turn.name.project, turn.group)
                        sessions[key] = session
                    session.add(turn, zone)
        except (OSError, sqlite3.Error):
            result.unreadable_files.append(source.path)
    result.sessions = sorted(sessions.values(), key=lambda session: (-session.last_at, session.id, session.group))
    return result


def _changed_at(source: Source) -> float:
    try:
        return source.path.stat().st_mtime
    except OSError:
        return 0.0


def _transcripts(source: Source, advance: Advance, done: set[str]) -> Iterator[Events]:
    """Each transcript of a source, as what gives its events as often as it is asked. `done` are sessions that stood in
    a database already; it grows."""
    if source.kind == "lines":
        read, name = _READERS[source.client], _named(source)
        yield lambda: read(_lines(source.path, advance), name)
    elif source.kind == "openclaw":
        for ident, lines in openclaw_sessions(source.path):
            yield lambda ident=ident, lines=lines: pi.read(lines(), Named(ident))  # type: ignore[misc]
        advance(2 * source.size)
    else:
        stored = opencode_sessions(source.path) if source.kind == "opencode" else _parts(source.path)
        for name, messages in stored:
            ident = name.agent or name.session
            if ident not in done:
                done.add(ident)
                yield lambda name=name, messages=messages: _opencode(name, messages())  # type: ignore[misc]
        advance(2 * source.size)


def _lines(path: Path, advance: Advance) -> Iterator[bytes]:
    """A file's lines; empty ones are left out."""
    with path.open("rb") as lines:
        read = 0
        for count, line in enumerate(lines):
            read += len(line)
            if count % _EVERY_LINES == 0:
                advance(read)
                read = 0
            if not line.isspace():
                yield line
        advance(read)


def _named(source: Source) -> Named:
    """What a file's name says of its session: Claude Code's are called by it, those of its subagents by the agent."""
    stem, folder = source.path.stem, source.path.parent
    if source.client == "claude-code" and stem.startswith("agent-"):
        in_session = folder.name == "subagents"
        return Named(folder.parent.name if in_session else "", "", stem.removeprefix("agent-"))
    return Named(stem, folder.name if source.client == "claude-code" else "")


def _opencode(name: Named, messages: Iterator[Entry | None]) -> Iterator[Event]:
    yield name
    readable: list[Entry] = []
    for entry in messages:
        if entry is None:
            yield Skipped()
        else:
            readable.append(entry)
    yield from opencode.read(readable)


def _parts(storage: Path) -> Iterator[tuple[Named, Callable[[], Iterator[Entry | None]]]]:
    """Each session of a folder of small JSON files: `session/*/ID.json`, `message/ID/*.json`, `part/MESSAGE/*.json`."""
    about = {text(found.get("id")): found for _, found in _files(storage / "session", "*/*.json") if found}
    parents = {ident: text(found.get("parentID")) for ident, found in about.items()}
    for folder in sorted((storage / "message").iterdir()):
        ident = folder.name
        root = root_of(ident, parents)
        directory = text(about.get(ident, {}).get("directory"))
        name = Named(root, directory.replace("\\", "/").rstrip("/").rpartition("/")[2], "" if root == ident else ident)
        yield name, lambda folder=folder: _messages(storage, folder)  # type: ignore[misc]


def _messages(storage: Path, folder: Path) -> Iterator[Entry | None]:
    for stem, message in _files(folder, "*.json"):  # ids are ascending in time
        if message is None:
            yield None
            continue
        parts = [part for _, part in _files(storage / "part" / stem, "*.json")]
        yield stem, message, [part for part in parts if part is not None]
        yield from (None for part in parts if part is None)


def _files(folder: Path, pattern: str) -> Iterator[tuple[str, dict[str, Any] | None]]:
    for path in sorted(folder.glob(pattern)):
        try:
            yield path.stem, _object.decode(path.read_bytes())
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OSError):
            yield path.stem, None
