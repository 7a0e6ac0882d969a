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

MARK: Final = "synrouter.1."
_LIMIT: Final = 16 * 1024 * 1024


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
