"""One daemon a home: an OS lock held for life. Whether it is held says whether a daemon runs.

Example: inside `with hold(path):`, `is_held(path)` is True for everybody, after a kill -9 it is False.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from synrouter_cli.errors import AlreadyRunning

_PROBE_PATIENCE_S = 0.2  # `is_held` takes the lock for an instant: a start in that instant waits


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock inside the block. Raises AlreadyRunning at once where another process has it."""
    lock = FileLock(path, mode=0o600)
    try:
        lock.acquire(timeout=_PROBE_PATIENCE_S, poll_interval=0.02)
    except Timeout:
        raise AlreadyRunning(where="") from None
    try:
        yield
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Whether a daemon lives. A file that a dead one left behind does not count."""
    if not path.exists():
        return False
    lock = FileLock(path, mode=0o600)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    lock.release()
    return False
