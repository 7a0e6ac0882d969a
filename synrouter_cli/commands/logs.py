"""`synrouter logs`: the last lines of the log, and with -f what comes, through every rotation.

The daemon need not run: what it wrote last may be what one wants to know.

    2026-11-21T14:02:31Z INFO synrouter_cli.daemon.server listening on port 7477, instance 5f0c…
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.errors import SynrouterError, UsageError
from synrouter_cli.paths import find_paths

_POLL_S = 0.2


class NoLog(SynrouterError):
    """There is no log yet: {path}"""

    next_command = "synrouter up"


def logs(*, follow: bool, count: int) -> None:
    """Print the last `count` lines, then with `follow` each new one until interrupted. Raises NoLog."""
    if count < 0:
        raise UsageError(detail="--lines takes a number of lines, 0 or more.", hint="synrouter logs --lines 50")
    with closing(Log(find_paths().log_file)) as log:
        if not log.exists() and not follow:
            raise NoLog(path=log.path)
        _print(deque(log.new_lines(), count))
        while follow:
            time.sleep(_POLL_S)
            _print(log.new_lines())


class Log:
    """The log and its older files as one stream of lines, read on from where the last reading ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._partial = b""

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def exists(self) -> bool:
        return bool(self._generations())

    def new_lines(self) -> Iterator[bytes]:
        """The lines that were completed since the last call; at first all, the oldest first."""
        yield from self._read()
        while successor := self._successor():
            yield from self._read()  # what came between the last read and the rotation
            self.close()
            self._file = successor
            yield from self._read()

    def _read(self) -> Iterator[bytes]:
        if self._file is None:
            return
        *complete, self._partial = (self._partial + self._file.read()).split(b"\n")
        yield from complete

    def _successor(self) -> BinaryIO | None:
        """The file that was begun after the one that is read, if there is one; the oldest where none is."""
        files = self._generations()
        place = -1
        if self._file is not None:
            ours = os.fstat(self._file.fileno())
            place = next((n for n, file in enumerate(files) if _is_same(file, ours)), -1)
        try:
            return files[place + 1].open("rb")
        except (IndexError, FileNotFoundError):  # the newest already, or rotated away just now
            return None

    def _generations(self) -> list[Path]:
        """The files there are, the oldest first."""
        older = [file for file in self.path.parent.glob(f"{self.path.name}.*") if _number(file)]
        older.sort(key=_number, reverse=True)
        return [*older, self.path] if self.path.exists() else older


def _number(file: Path) -> int:
    """2 of `synrouter.log.2`; 0 where it is none of ours."""
    text = file.suffix[1:]
    return int(text) if text.isascii() and text.isdigit() else 0


def _is_same(file: Path, found: os.stat_result) -> bool:
    try:
        return os.path.samestat(file.stat(), found)
    except FileNotFoundError:
        return False


def _print(lines: Iterable[bytes]) -> None:
    for line in lines:
        print(clean(line.decode("utf-8", "replace")), flush=True)
