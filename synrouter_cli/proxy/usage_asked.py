"""A stream of Chat Completions tells its usage only where it is asked to, in a chunk of its own at the end. Where the
client did not ask, we do, and keep that chunk: its client sees the stream as it asked for it.

>>> kept = WithoutUsage()
>>> kept.feed(b'data: {"choices":[{"delta":{}}]}\\n\\ndata: {"cho')
b'data: {"choices":[{"delta":{}}]}\\n\\n'
>>> kept.feed(b'ices":[],"usage":{"prompt_tokens":1}}\\n\\ndata: [DONE]\\n\\n')
b'data: [DONE]\\n\\n'
"""

from __future__ import annotations

import re
from typing import Final

from synrouter_cli.prompt.top_level import read_top, with_field

__all__ = ["WithoutUsage", "asking"]

_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_USAGE_ALONE: Final = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_LONGEST: Final = 256 * 1024


def asking(body: bytes) -> bytes | None:
    """The body with the question in it; None where it streams nothing, or says itself what it wants."""
    if not read_top(body).stream or b'"stream_options"' in body:
        return None
    return with_field(body, "stream_options", {"include_usage": True})


class WithoutUsage:
    """A stream's state: whole events go on as they came, but for the one that only tells the usage."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What the client is to get of it now."""
        self._held += data
        out: list[bytes] = []
        at = 0
        for end in _END.finditer(self._held):
            event = self._held[at : end.end()]
            at = end.end()
            if not (b'"usage"' in event and _USAGE_ALONE.search(event)):
                out.append(event)
        self._held = self._held[at:]
        if len(self._held) > _LONGEST:  # no event of theirs is that long: nothing is held back any more
            out.append(self._held)
            self._held = b""
        return b"".join(out)

    def end(self) -> bytes:
        """What was still held."""
        held, self._held = self._held, b""
        return held
