"""The model's name in an answer that goes through as it came: the one that the client asked for, wherever it stands.

Of the bytes nothing is kept back but the beginning of what may become the field.

>>> renamer = Renamer("gpt-5.5", "fast")
>>> renamer.feed(b'data: {"id": "1", "model": "gpt-'), renamer.feed(b'5.5"}'), renamer.end()
(b'data: {"id": "1", ', b'"model": "fast"}', b'')
"""

from __future__ import annotations

import json
import re
from functools import reduce
from typing import Final

_FIELD: Final = (*(re.escape(letter.encode()) for letter in '"model"'), rb"[ \t]*", b":", rb"[ \t]*")


class Renamer:
    """One answer's state. In a text the field's quotes are escaped, so that only a field is taken for one."""

    def __init__(self, theirs: str, asked: str) -> None:
        """The name as the provider has it, and as the client asked for it."""
        name = tuple(re.escape(bytes((byte,))) for byte in json.dumps(theirs).encode())
        self._whole = re.compile(b"(" + b"".join(_FIELD) + b")" + b"".join(name))
        self._beginning = re.compile(reduce(_or_less, reversed((*_FIELD, *name[:-1]))) + rb"\Z")
        self._asked = json.dumps(asked).encode()
        self._kept = b""

    def feed(self, chunk: bytes) -> bytes:
        """The next bytes for the client; what may be a field's beginning waits for more."""
        renamed = self._whole.sub(lambda match: match[1] + self._asked, self._kept + chunk)
        begun = self._beginning.search(renamed)
        at = begun.start() if begun is not None else len(renamed)
        self._kept = renamed[at:]
        return renamed[:at]

    def end(self) -> bytes:
        """What was waiting: no field's beginning after all."""
        kept, self._kept = self._kept, b""
        return kept


def _or_less(rest: bytes, piece: bytes) -> bytes:
    """`piece`, and after it `rest` or nothing."""
    return piece + b"(?:" + rest + b")?"
