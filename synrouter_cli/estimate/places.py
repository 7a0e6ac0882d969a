"""Where agents leave their transcripts, and what a file or folder that is named holds.

Default places follow each client's own variables. Any other path is told by its content: the first lines of a JSON
Lines file, the tables of a database.

>>> sorted({place.client for place in default_places({}, Path("/home/me"))})
['claude-code', 'codex', 'kilo', 'openclaw', 'opencode', 'pi']
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from synrouter_cli.estimate.database import OPENCLAW, OPENCODE, tables

__all__ = ["Place", "Source", "default_places", "found_in", "sources"]

DATABASE_ENDINGS: Final = frozenset({".db", ".sqlite"})
_LINES_ENDING: Final = ".jsonl"
_FIRST_LINES: Final = 20
_LONGEST_SNIFF: Final = 4_000_000
_object = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True, slots=True)
class Place:
    """A client's folder, and the file names in it that are transcripts."""

    client: str
    folder: Path
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read, or one folder of small files. `kind` is lines, openclaw, opencode (databases) or parts."""

    client: str
    kind: str
    path: Path
    size: int
    """Bytes, for a progress bar; 0 where counting them would take as long as reading."""
    changed_at: float


def default_places(environment: Mapping[str, str], home: Path) -> list[Place]:
    """Where each client puts its transcripts, by its own variables."""

    def folder(variable: str, *usual: str) -> Path:
        given = environment.get(variable)
        return Path(given).expanduser() if given else home.joinpath(*usual)

    claude = [folder("CLAUDE_CONFIG_DIR", ".claude")]
    if not environment.get("CLAUDE_CONFIG_DIR"):
        claude.append(folder("XDG_CONFIG_HOME", ".config") / "claude")
    codex = folder("CODEX_HOME", ".codex")
    data = folder("XDG_DATA_HOME", ".local", "share")
    openclaw = folder("OPENCLAW_STATE_DIR", ".openclaw") / "agents"
    places = [Place("claude-code", place / "projects", ("**/*.jsonl",)) for place in claude]
    places += [Place("codex", codex / name, ("**/rollout-*.jsonl",)) for name in ("sessions", "archived_sessions")]
    places.append(Place("openclaw", openclaw, ("*/agent/openclaw-agent.sqlite", "*/sessions/*.jsonl")))
    for client in ("opencode", "kilo"):
        places.append(Place(client, data / client, (f"{client}*.db", "storage")))
    if own := environment.get("OPENCODE_DB"):
        database = data / "opencode" / own
        places.append(Place("opencode", database.parent, (database.name,)))
    places.append(Place("pi", folder("PI_CODING_AGENT_DIR", ".pi", "agent") / "sessions", ("**/*.jsonl",)))
    return places


def sources(places: list[Place]) -> list[Source]:
    """The transcripts at these places, main threads before subagents, the oldest first."""
    found: dict[Path, Source] = {}
    for place in places:
        for pattern in place.patterns:
            for path in _matching(place.folder, pattern):
                source = _source(path, place.client)
                if source is not None:
                    found.setdefault(path, source)
    return sorted(found.values(), key=_order)


def found_in(path: Path) -> tuple[list[Source], int]:
    """The transcripts that a named file or folder holds, and how many files of theirs kind are none.

    Raises OSError where there is no such path.
    """
    path.stat()
    found: list[Source] = []
    foreign = 0
    for file in [path] if path.is_file() else _walk(path):
        client = _client(file)
        source = _source(file, client) if client else None
        if source is not None:
            found.append(source)
        else:
            foreign += 1
    return sorted(found, key=_order), foreign


def _matching(folder: Path, pattern: str) -> Iterator[Path]:
    """Like glob, but a folder that may not be read, or that is gone by now, is empty."""
    try:
        yield from sorted(folder.glob(pattern))
    except OSError:
        return


def _walk(folder: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        if _holds_parts(Path(here)):
            folders.clear()
            yield Path(here)
            continue
        folders.sort()
        for name in sorted(files):
            if Path(name).suffix in (_LINES_ENDING, *DATABASE_ENDINGS):
                yield Path(here, name)


def _holds_parts(folder: Path) -> bool:
    return (folder / "message").is_dir() and (folder / "part").is_dir()


def _source(path: Path, client: str) -> Source | None:
    try:
        status = path.stat()
    except OSError:
        return None
    if path.is_dir():
        return Source(client, "parts", path, 0, status.st_mtime) if _holds_parts(path) else None
    kind = "lines"
    if path.suffix in DATABASE_ENDINGS:
        kind = "openclaw" if client == "openclaw" else "opencode"
    return Source(client, kind, path, status.st_size, status.st_mtime)


def _order(source: Source) -> tuple[bool, bool, float, str]:
    """Databases before the files they were made from; subagents' files after the threads that they may repeat."""
    part = source.path.name.startswith("agent-") or source.path.parent.name == "subagents"
    return source.kind in ("lines", "parts"), part, source.changed_at, str(source.path)


def _client(path: Path) -> str:
    """Whose transcript this is, by its content; empty where it is nobody's."""
    if path.is_dir():
        return ("kilo" if path.parent.name == "kilo" else "opencode") if _holds_parts(path) else ""
    if path.suffix in DATABASE_ENDINGS:
        names = tables(path)
        if names >= OPENCLAW:
            return "openclaw"
        return ("kilo" if path.name.startswith("kilo") else "opencode") if names >= OPENCODE else ""
    try:
        with path.open("rb") as lines:
            for _ in range(_FIRST_LINES):
                client = _of_line(lines.readline(_LONGEST_SNIFF), path)
                if client:
                    return client
    except OSError:
        return ""
    return ""


def _of_line(raw: bytes, path: Path) -> str:
    try:
        line = _object.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    if line.get("type") in ("session_meta", "turn_context") and isinstance(line.get("payload"), dict):
        return "codex"
    if line.get("type") == "session" and "cwd" in line:
        return "openclaw" if path.parent.name == "sessions" and path.parents[2].name == "agents" else "pi"
    if "sessionId" in line and ("uuid" in line or "message" in line):
        return "claude-code"
    return ""
