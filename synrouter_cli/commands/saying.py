"""How commands speak to a person: wrapped to the terminal, coloured only where that is wanted, no control character
from outside; a line each where a program reads.

>>> wrapped("next: unlock the keyring of your system, then", 40, indent="      ")
['next: unlock the keyring of your system,', '      then']
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, TextIO

from synrouter_cli.dashboard.sanitize import clean

NO_LEDGER: Final = "No ledger yet: it begins with the first turn through the proxy."
_NARROWEST: Final = 40
_WIDEST: Final = 100


def say(notes: Iterable[str]) -> None:
    """A note each, on stderr."""
    for note in notes:
        print("\n".join(lines_for(sys.stderr, f"synrouter: {clean(note)}")), file=sys.stderr)


def say_next(step: str) -> None:
    """What to type or to do now, on stderr."""
    print("\n".join(lines_for(sys.stderr, f"  next: {clean(step)}")), file=sys.stderr)


def lines_for(stream: TextIO, text: str) -> list[str]:
    """One line of text as a terminal shows it best; whole where none reads, or where it is a command to be copied."""
    if not stream.isatty() or text.startswith("  next: synrouter "):
        return [text]
    return wrapped(text, shutil.get_terminal_size().columns, indent="        " if text.startswith("  next: ") else "  ")


def wrapped(text: str, room: int, *, indent: str = "") -> list[str]:
    """`text` in lines of at most `room` columns, but for words that are longer; those after the first are indented."""
    width = max(min(room, _WIDEST), _NARROWEST)
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [""]  # fmt: skip


def is_coloured(environ: Mapping[str, str], stream: TextIO) -> bool:
    """no-color.org and force-color.org, else whether a terminal reads that understands colours."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return os.name == "posix" and stream.isatty() and environ.get("TERM", "dumb") != "dumb"


def short(path: Path) -> str:
    """With ~ for the user's home."""
    home, text = os.path.expanduser("~"), str(path)
    return clean(f"~{text[len(home) :]}" if home != "/" and text.startswith(home + os.sep) else text)
