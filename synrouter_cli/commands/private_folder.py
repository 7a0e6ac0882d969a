"""A folder that one start of a client has to itself, with files that may hold the local key: gone when the client ends.

Where a SIGKILL or a power cut left one behind, the next start takes it away: its owners, written down in it, are gone.

Example: `with private_folder(state_dir) as folder:` has a folder like `state_dir / "run-k2j9"`, and then none.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from synrouter_cli import private_files
from synrouter_cli.daemon import process

_PREFIX: Final = "run-"
_OWNERS: Final = ".owners"
_UNOWNED_S: Final = 60
"""So long after its making a folder may still lack the name of its owner."""


@contextmanager
def private_folder(parent: Path) -> Iterator[Path]:
    """A new folder at 0700, owned by this process."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    try:
        own(folder, os.getpid())
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def own(folder: Path, *pids: int) -> None:
    """Write down whose it is: it stays as long as one of these processes lives."""
    owners = {pid: process.create_time(pid) for pid in pids}
    private_files.replace(folder / _OWNERS, json.dumps([[pid, born] for pid, born in owners.items()]).encode())


def sweep(parent: Path) -> None:
    """Take away the folders that are nobody's any more."""
    if process.create_time(os.getpid()) is None:
        return  # nobody can be told from nobody here
    for folder in parent.glob(f"{_PREFIX}*"):
        if folder.is_dir() and not folder.is_symlink() and _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    try:
        owners = json.loads((folder / _OWNERS).read_bytes())
        return not any(born is not None and process.create_time(pid) == born for pid, born in owners)
    except FileNotFoundError:
        return _age_s(folder) > _UNOWNED_S
    except (OSError, ValueError, TypeError, OverflowError):
        return False


def _age_s(folder: Path) -> float:
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:  # gone meanwhile
        return 0.0
