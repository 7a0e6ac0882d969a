"""What was put where, so that `--undo` works after an upgrade and without the client's module: JSON at 0600, which may
hold what of the user's was replaced. The local key is never in it; TOKEN stands for it.

Example: `Records(paths.clients_file).of("codex", "user")` is None until `configure codex` has run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from synrouter_cli import private_files
from synrouter_cli.errors import ConfigConflict
from synrouter_cli.textedit import Change

SCHEMA_VERSION: Final = 1
_PATIENCE_S: Final = 10


@dataclass(frozen=True, slots=True)
class EditedFile:
    """One file of the client's that was edited, or, without `format`, one of ours beside it."""

    path: Path
    format: str = ""
    changes: tuple[Change, ...] = ()
    created: bool = False
    folders: tuple[Path, ...] = ()
    """Those that were made for it, from the outside in."""
    mode: int | None = None
    """Its permission bits before they were narrowed."""
    digest: str = ""
    """Of a file of ours: sha256 of what was written."""
    guard: bool = False
    """A file of ours that stays as long as one that was edited does."""
    blank: str | None = None
    """What a file held that was there and said nothing."""

    def packed(self) -> dict[str, Any]:
        packed: dict[str, Any] = {"path": str(self.path), "format": self.format, "created": self.created}
        packed["folders"] = [str(folder) for folder in self.folders]
        packed["changes"] = [change.packed() for change in self.changes]
        return packed | {"mode": self.mode, "digest": self.digest, "guard": self.guard, "blank": self.blank}

    @classmethod
    def unpacked(cls, packed: dict[str, Any]) -> EditedFile:
        changes = tuple(Change.unpacked(change) for change in packed.get("changes", ()))
        folders = tuple(Path(folder) for folder in packed.get("folders", ()))
        rest = packed["created"], folders, packed["mode"], packed["digest"], packed["guard"], packed.get("blank")
        return cls(Path(packed["path"]), packed.get("format", ""), changes, *rest)


@dataclass(frozen=True, slots=True)
class Record:
    """What one `configure` did. `scope` is user, or project with the project's folder in `project`."""

    client: str
    scope: str
    project: str
    url: str
    auth: str
    model: str
    """As asked for with `--model`."""
    files: tuple[EditedFile, ...] = field(default=())

    @property
    def place(self) -> tuple[str, str, str]:
        return (self.client, self.scope, self.project)

    def file(self, path: Path) -> EditedFile | None:
        return next((file for file in self.files if file.path == path), None)


class Records:
    """The file of records; `locked` keeps other commands out while one is at work."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Raises ConfigConflict where another command does not end in time."""
        lock = FileLock(self._path.with_suffix(".lock"), timeout=_PATIENCE_S, mode=0o600)
        try:
            lock.acquire()
        except Timeout:
            raise ConfigConflict(detail="Another synrouter configure is at work.", hint="wait for it to end") from None
        try:
            yield
        finally:
            lock.release()

    def all(self) -> tuple[Record, ...]:
        """Raises ConfigConflict where the file is not ours or of a newer version."""
        try:
            held = json.loads(self._path.read_text("utf-8"))
            if held["schema_version"] != SCHEMA_VERSION:
                raise ConfigConflict(detail=f"{self._path} is of another version of Synrouter.", hint="upgrade it")
            return tuple(_unpacked(packed) for packed in held["records"])
        except FileNotFoundError:
            return ()
        except (ValueError, KeyError, TypeError):
            raise ConfigConflict(detail=f"{self._path} can't be read as what was configured.", hint="") from None

    def of(self, client: str, scope: str, project: str = "") -> Record | None:
        return next((record for record in self.all() if record.place == (client, scope, project)), None)

    def put(self, record: Record) -> None:
        """In the place of what was there for the same client and scope."""
        self._write((*self._others(record), record))

    def drop(self, record: Record) -> None:
        self._write(self._others(record))

    def _others(self, record: Record) -> tuple[Record, ...]:
        return tuple(other for other in self.all() if other.place != record.place)

    def _write(self, records: tuple[Record, ...]) -> None:
        packed = {"schema_version": SCHEMA_VERSION, "records": [_packed(record) for record in records]}
        private_files.replace(self._path, (json.dumps(packed, ensure_ascii=False, indent=1) + "\n").encode())


_TEXTS: Final = ("client", "scope", "project", "url", "auth", "model")


def _packed(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _TEXTS} | {"files": [file.packed() for file in record.files]}


def _unpacked(packed: dict[str, Any]) -> Record:
    files = tuple(EditedFile.unpacked(file) for file in packed["files"])
    return Record(**{name: packed[name] for name in _TEXTS}, files=files)
