"""A stream of events that goes through as it came, but for what is done to single ones.

>>> each = EachEvent(lambda event: event.replace(b"1", b"2"))
>>> each.feed(b"data: 1\\n\\ndata: "), each.feed(b"1\\n"), each.end()
(b'data: 2\\n\\n', b'', b'data: 1\\n')
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

__all__ = ["EachEvent"]

_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LONGEST: Final = 4 * 1024 * 1024


class EachEvent:
    """One stream's state. An event is held until all of it has come, with the empty line at its end."""

    def __init__(self, change: Callable[[bytes], bytes]) -> None:
        """`change` is given whole events; what it returns goes on in their place."""
        self._change = change
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What the client is to get of it now."""
        self._held += data
        out: list[bytes] = []
        at = 0
        for end in _END.finditer(self._held):
            out.append(self._change(self._held[at : end.end()]))
            at = end.end()
        self._held = self._held[at:]
        if len(self._held) > _LONGEST:  # no event is that long: nothing is held back any more
            out.append(self._held)
            self._held = b""
        return b"".join(out)

    def end(self) -> bytes:
        """What was still held."""
        held, self._held = self._held, b""
        return held
