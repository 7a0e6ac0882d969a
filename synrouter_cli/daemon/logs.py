"""The log: five files of 5 MB at 0600, one line a record, never a key and never a body.

A library's message can hold what a client sent, so of other people's records only the place and the
exception's type are kept. Our own messages pass through a `Redactor` as well.

>>> Redactor(["hunter22secret"])("Bearer abc123 and hunter22secret")
'Bearer … and …'
"""

from __future__ import annotations

import io
import logging
import os
import re
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

from synrouter_cli import private_files
from synrouter_cli.errors import SynrouterError

OWN_LOGGERS = ("synrouter", "synrouter_cli")
_FILE_BYTES = 5_000_000
_OLDER_FILES = 4

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(bearer|basic)\s+[^\s\"',;]+", re.IGNORECASE), r"\1 …"),
    (re.compile(r"\bsk-[A-Za-z0-9_\-]+"), "sk-…"),
    (
        re.compile(
            r"\b([a-z-]*(?:api[-_]?key|synrouter-key|authorization|token|secret|password))"
            r"([\"']?\s*[:=,]\s*(?:b?[\"'])?)(?!bearer\b|basic\b)[^\s\"',;&}\])]+",
            re.IGNORECASE,
        ),
        r"\1\2…",
    ),
    (re.compile(r"://[^\s/@]+@"), "://…@"),
)


class Redactor:
    """Text → the same text without anything that looks like a credential, or is one of `secrets`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: tuple[str, ...] = ()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these from now on, too; those known before stay hidden."""
        known = {*self._secrets, *(value for value in secrets if len(value) >= 8)}
        self._secrets = tuple(sorted(known, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        for value in self._secrets:
            text = text.replace(value, "…")
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def __repr__(self) -> str:
        return f"Redactor({len(self._secrets)} values)"


def install(path: Path, redact: Callable[[str], str]) -> logging.Handler:
    """Send every logger of this process to the file at `path`, and to nowhere else."""
    handler = _PrivateRotating(path, maxBytes=_FILE_BYTES, backupCount=_OLDER_FILES, encoding="utf-8")
    handler.setFormatter(_OneLine(redact))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in list(logging.Logger.manager.loggerDict):
        if name.split(".")[0] in ("aiohttp", "asyncio"):
            _to_root(logging.getLogger(name))
    for name in ("aiohttp.access", "aiohttp.server", "aiohttp.web", "asyncio"):
        _to_root(logging.getLogger(name))  # those not made yet, too
    logging.getLogger("aiohttp.access").disabled = True  # it writes query strings
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)
    return handler


def append(path: Path, error: BaseException) -> None:
    """One line about `error` from a process that is not the daemon: appended, not rotated."""
    line = f"{_stamp(time.time())} ERROR cli {describe(error)}\n"
    with os.fdopen(private_files.open_append(path), "a", encoding="utf-8", errors="replace") as file:
        file.write(line)


def describe(error: BaseException) -> str:
    """Type and place of `error`, without its text unless the text is ours or the system's.

    >>> describe(ValueError("sk-ant-0123"))
    'ValueError'
    """
    text = type(error).__name__
    if isinstance(error, SynrouterError):
        text += f": {error.message}"
    elif isinstance(error, OSError) and error.strerror:
        text += f": {error.strerror}"
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = [f"{'/'.join(Path(f.filename).parts[-2:])}:{f.lineno} {f.name}" for f in reversed(frames)]
    return f"{text} at {' < '.join(places)}" if places else text


def _to_root(logger: logging.Logger) -> None:
    logger.handlers = []
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


def _stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class _OneLine(logging.Formatter):
    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        own = record.name.split(".")[0] in OWN_LOGGERS
        parts = [_stamp(record.created), record.levelname, record.name]
        parts.append(record.getMessage() if own else f"{record.module}:{record.lineno}")
        if record.exc_info and record.exc_info[1] is not None:
            parts.append(describe(record.exc_info[1]))
        return self._redact(_CONTROL_CHARACTERS.sub(" ", " ".join(parts)))


class _PrivateRotating(RotatingFileHandler):
    """Rotating, its files created 0600; a full disk loses lines and disturbs nothing."""

    lost = 0

    def _open(self) -> io.TextIOWrapper:
        descriptor = private_files.open_append(Path(self.baseFilename))
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")

    def close(self) -> None:
        with suppress(OSError):  # lines that do not fit are lost already
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:
        self.lost += 1
