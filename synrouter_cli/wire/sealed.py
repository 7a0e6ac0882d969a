"""Reasoning of one dialect carried through another and back, exactly: wrapped into the one field that the other keeps
untouched, behind a mark that says that it is ours. What bears no mark is the other provider's own.

>>> wrapped = seal("responses", {"id": "rs_1", "encrypted_content": "gAAAA"})
>>> unseal(wrapped)
('responses', {'id': 'rs_1', 'encrypted_content': 'gAAAA'})
>>> unseal("EqQBCkYIBRgCKkD") is None
True
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import Any, Final

OURS: Final = "~synrouter."
"""How everything of ours begins that a client keeps for us. The sign at its front is rare in what is sent: a search for
one byte takes microseconds where one for a word takes a third of a millisecond in 300 KB."""
MARK: Final = OURS + "1."
_RAW: Final = OURS.encode()
_TRIES: Final = 256
_LIMIT: Final = 16 * 1024 * 1024


def holds_ours(body: bytes) -> bool:
    """Whether anything in these bytes may be ours.

    >>> holds_ours(b'{"signature": "~synrouter.1.eJw"}'), holds_ours(b"cd ~/synrouter.1")
    (True, False)
    """
    at = body.find(b"~")
    for _ in range(_TRIES):
        if at < 0:
            return False
        if body.startswith(_RAW, at):
            return True
        at = body.find(b"~", at + 1)
    return body.find(_RAW, max(at, 0)) >= 0


def seal(dialect: str, value: Any) -> str:
    """`value`, anything JSON can say, as one string of plain ASCII; the same value always gives the same string."""
    text = json.dumps([dialect, value], ensure_ascii=False, separators=(",", ":"))
    return MARK + base64.b64encode(zlib.compress(text.encode("utf-8", "surrogatepass"), 6)).decode()


def unseal(text: str) -> tuple[str, Any] | None:
    """What `seal` was given; None for what is not ours, or not whole."""
    if not text.startswith(MARK):
        return None
    try:
        unpacker = zlib.decompressobj()
        packed = unpacker.decompress(base64.b64decode(text[len(MARK) :], validate=True), _LIMIT)
        dialect, value = json.loads(packed.decode("utf-8", "surrogatepass"))
    except (binascii.Error, zlib.error, ValueError, TypeError):
        return None
    return (dialect, value) if isinstance(dialect, str) else None
