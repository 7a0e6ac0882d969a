"""Small private files: 0600 whatever the umask, and never seen half-written.

Example: after `create(path, b"a")` returned True, `create(path, b"b")` returns False and `path` holds b"a".
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write `content` in the place of what `path` held."""
    temporary = _write_temporary(path, content)
    try:
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def create(path: Path, content: bytes) -> bool:
    """Write `content` unless `path` exists; of several at once exactly one gets True."""
    temporary = _write_temporary(path, content)
    try:
        if os.name == "posix":
            os.link(temporary, path)
        else:
            os.rename(temporary, path)  # Windows refuses an existing target
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def open_append(path: Path) -> int:
    """A descriptor that appends to `path`, created 0600."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    _restrict(descriptor)
    return descriptor


def _write_temporary(path: Path, content: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _restrict(file.fileno())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _restrict(descriptor: int) -> None:
    if os.name == "posix":
        os.fchmod(descriptor, 0o600)
