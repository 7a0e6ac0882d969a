"""Providers' keys as values that don't show themselves, and the two places where a user puts them by hand.

`SYNROUTER_<PROVIDER>_KEY` goes before a key file; both are read at the start. The keyring stands in `keys`.

>>> checked_key(" sk-ant-1234 \\n", where="here").reveal(), masked("sk-ant-api03-0123456789abcdef")
('sk-ant-1234', 'sk-ant-…cdef')
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from synrouter_cli.errors import ConfigError, KeyFileError

MAX_KEY_CHARS: Final = 1280
"""What an item of Windows' Credential Manager holds (2,560 bytes of UTF-16)."""
_KEY_VARIABLE = re.compile(r"SYNROUTER_([A-Z0-9]+(?:_[A-Z0-9]+)*)_KEY")
_SHOWN_FIRST, _SHOWN_LAST = 7, 4
_OPEN = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # a pipe would wait for a writer
_MASKABLE = 24  # of a shorter key too little would stay hidden


class Secret:
    """A value that shows itself only to `reveal()`: never in a repr, a format or a traceback."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled")


def checked_key(text: str, *, where: str) -> Secret:
    """The key that `text` is, but for the space around it. Raises ConfigError, which names `where` only."""
    key = text.strip()
    if not key:
        raise ConfigError(where=where, detail="holds no key")
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise ConfigError(where=where, detail="holds characters that no key has")
    if len(key) > MAX_KEY_CHARS:
        raise ConfigError(where=where, detail=f"is longer than the {MAX_KEY_CHARS:,} characters that a key may have")
    return Secret(key)


def masked(key: str) -> str:
    """At most the first 7 and the last 4 characters; of a short key none.

    >>> masked("short")
    '…'
    """
    return f"{key[:_SHOWN_FIRST]}…{key[-_SHOWN_LAST:]}" if len(key) >= _MASKABLE else "…"


def variable_of(provider: str) -> str:
    """The name of the variable that a provider's key is taken from.

    >>> variable_of("z-ai")
    'SYNROUTER_Z_AI_KEY'
    """
    return f"SYNROUTER_{provider.upper().replace('-', '_')}_KEY"


def keys_of_environment(environ: Mapping[str, str]) -> dict[str, Secret]:
    """Provider → the key in its SYNROUTER_<PROVIDER>_KEY; `-` in a provider's name is `_` there."""
    keys: dict[str, Secret] = {}
    for variable, value in environ.items():
        match = _KEY_VARIABLE.fullmatch(variable)
        if match is not None and value.strip():
            keys[match[1].lower().replace("_", "-")] = checked_key(value, where=variable)
    return keys


def without_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment for a process that needs no key."""
    return {name: value for name, value in environ.items() if not _KEY_VARIABLE.fullmatch(name)}


def read_key_file(path: Path) -> Secret:
    """The key in a file that is the user's alone. Raises KeyFileError, or ConfigError where it holds none."""
    try:
        with os.fdopen(os.open(path, _OPEN), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise KeyFileError(path=path, detail="is no regular file", hint="name another in config.toml")
            if os.name == "posix" and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise KeyFileError(path=path, detail="can be read by others", hint=f"chmod 600 {path}")
            text = file.read(4 * MAX_KEY_CHARS).decode("utf-8", "replace")
    except OSError as error:
        detail = f"can't be read: {error.strerror}"
        raise KeyFileError(path=path, detail=detail, hint="correct [key_files] in config.toml") from None
    return checked_key(text, where=str(path))
