"""Edits that put OpenAI's cache breakpoints, and the mode that goes with them, into a body; nothing else is touched.

>>> from synrouter_cli.prompt.body import apply_edits
>>> from synrouter_cli.prompt.openai import segment_openai
>>> read = segment_openai("chat", b'{"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}')
>>> apply_edits(read.prompt.body, breakpoint_edits(read, [0]))
b'{"messages":[{"role":"user","content":[{"type":"text","text":"hi","prompt_cache_breakpoint":{"mode":"explicit"}}]}]}'
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from synrouter_cli.prompt.body import Edit
from synrouter_cli.prompt.openai import BREAKPOINT, OPTIONS, OpenAIPrompt

__all__ = ["breakpoint_edits"]

_MARK: Final = b',"%s":{"mode":"explicit"}' % BREAKPOINT.encode()
_TEXT: Final[Mapping[str, bytes]] = {"chat": b'[{"type":"text","text":', "responses": b'[{"type":"input_text","text":'}
_OPENING: Final = re.compile(rb"\s*\{(?=\s*\")")


def breakpoint_edits(read: OpenAIPrompt, places: Iterable[int], *, explicit: bool = False, ttl: str = "") -> list[Edit]:
    """The edits after which the blocks at `places` end at a breakpoint; a string becomes a list of one text. With
    `explicit` the provider sets none of its own, and where there are no places it neither reads nor writes; `ttl` is
    the lifetime to ask for, empty for the usual one.

    Raises ValueError where a block takes none.
    """
    prompt, edits = read.prompt, []
    assert prompt.body is not None
    for place in places:
        block = prompt.blocks[place]
        if not block.markable:
            raise ValueError(f"block {place} takes no breakpoint")
        base = prompt.starts[prompt.unit_of(place)]
        if block.bare:
            edits.append(Edit(base + block.start, 0, _TEXT[read.dialect]))
            edits.append(Edit(base + block.end, 0, _MARK + b"}]"))
        else:
            edits.append(Edit(base + block.end - 1, 0, _MARK))
    options = {**({"mode": "explicit"} if explicit else {}), **({"ttl": ttl} if ttl else {})}
    if options:
        opening = _OPENING.match(prompt.body)
        if opening is None:
            raise ValueError("the body is no object with fields")
        value = json.dumps(options, separators=(",", ":"))
        edits.append(Edit(opening.end(), 0, f'"{OPTIONS}":{value},'.encode()))
    return edits
