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
from synrouter_cli.proxy.events import EachEvent

__all__ = ["WithoutUsage", "asking"]

_USAGE_ALONE: Final = re.compile(rb'"choices"\s*:\s*\[\s*\]')


def asking(body: bytes) -> bytes | None:
    """The body with the question in it; None where it streams nothing, or says itself what it wants."""
    if not read_top(body).stream or b'"stream_options"' in body:
        return None
    return with_field(body, "stream_options", {"include_usage": True})


class WithoutUsage(EachEvent):
    """A stream's state: whole events go on as they came, but for the one that only tells the usage."""

    def __init__(self) -> None:
        super().__init__(lambda event: b"" if b'"usage"' in event and _USAGE_ALONE.search(event) else event)
