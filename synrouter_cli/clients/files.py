"""Users' files, read and written: symlinks are followed; a write is whole or not at all, keeps the file's mode and
owner, and is refused where the file has changed since it was read.

Example: `write(held, b"{}")` raises ConfigConflict where `held.path` no longer holds `held.content`.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from synrouter_cli import private_files
from synrouter_cli.errors import ConfigConflict

_BACKUPS: Final = 5
_PRIVATE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Held:
    """A file as it was when it was read; `content` is None where there was none."""

    path: Path
    content: bytes | None = field(repr=False)
    mode: int | None = None
    """Its permission bits."""


def read(path: Path) -> Held:
    """Raises ConfigConflict where there is something that can't be read as a file."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ConfigConflict(detail=f"{path} is no regular file.", hint="move it away")
            return Held(path, file.read(), stat.S_IMODE(status.st_mode))
    except FileNotFoundError:
        if path.is_symlink():
            raise ConfigConflict(detail=f"{path} is a link to nothing.", hint=f"rm {path}") from None
        return Held(path, None)
    except NotADirectoryError:
        return Held(path, None)
    except OSError as error:
        raise ConfigConflict(detail=f"{path} can't be read: {error.strerror}.", hint=f"ls -l {path}") from None


def write(held: Held, content: bytes, *, private: bool = False) -> tuple[Path, ...]:
    """Put `content` in the place of what was read, at 0600 where `private` or new; returns the folders that were
    made for it. Raises ConfigConflict where the file has changed since, or can't be written."""
    target = held.path.resolve()
    made: tuple[Path, ...] = ()
    try:
        made = _make_folders(target.parent)
        temporary = _temporary_beside(target, content, held, private)
        try:
            _check_unchanged(held)
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except BaseException as error:
        remove_folders(made)
        if isinstance(error, OSError):
            detail = f"{held.path} can't be written: {error.strerror}."
            raise ConfigConflict(detail=detail, hint="if another program makes this file, configure it there") from None
        raise
    return made


def remove(held: Held) -> None:
    """Take the file away. Raises ConfigConflict where it has changed since it was read, or can't be taken away."""
    _check_unchanged(held)
    try:
        held.path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigConflict(detail=f"{held.path} can't be removed: {error.strerror}.", hint="") from None


def remove_folders(folders: Iterable[Path]) -> None:
    """Those of `folders`, given from the outside in, that are empty."""
    for folder in reversed(tuple(folders)):
        with suppress(OSError):
            folder.rmdir()


def set_mode(path: Path, mode: int) -> None:
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) != mode:
        path.chmod(mode)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def back_up(held: Held, folder: Path, client: str) -> None:
    """A copy at 0600 in `folder`, of which the newest few of a file are kept."""
    if held.content is None:
        return
    place = folder / client
    for each in (folder, place):
        each.mkdir(exist_ok=True, mode=0o700)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    name = f"{digest(str(held.path).encode())[:8]}-{held.path.name}"
    private_files.replace(place / f"{name}.{stamp}", held.content)
    for old in sorted(place.glob(f"{name}.*"))[:-_BACKUPS]:
        old.unlink(missing_ok=True)


def forget_backups(folder: Path, client: str) -> None:
    shutil.rmtree(folder / client, ignore_errors=True)
    with suppress(OSError):
        folder.rmdir()


def _check_unchanged(held: Held) -> None:
    if read(held.path).content != held.content:
        detail = f"{held.path} has been changed by another program meanwhile; it is left as it is."
        raise ConfigConflict(detail=detail, hint="type the command again")


def _make_folders(folder: Path) -> tuple[Path, ...]:
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()][::-1]
    for parent in missing:
        parent.mkdir(mode=0o700, exist_ok=True)
    return tuple(missing)


def _temporary_beside(target: Path, content: bytes, held: Held, private: bool) -> Path:
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(temporary, flags, _PRIVATE), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if os.name == "posix":
            _keep_owner(temporary, target)
            temporary.chmod(_PRIVATE if private or held.mode is None else held.mode)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _keep_owner(temporary: Path, target: Path) -> None:
    """root that edits a user's file does not take it away from them."""
    if target.exists() and os.geteuid() == 0:
        status = target.stat()
        os.chown(temporary, status.st_uid, status.st_gid)
