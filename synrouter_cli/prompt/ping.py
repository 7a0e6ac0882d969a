"""The last request of a session once more, asking for no answer: it reads what is cached, and so keeps it alive.

`max_tokens` becomes 0 and `stream` false, the markers are those of the request as it was sent; every other byte stays.
Nothing is made of a request that the API refuses at `max_tokens: 0` (platform.claude.com, "Prompt caching"): with
`thinking.type: "enabled"`, an output format, or a forced tool_choice.

>>> from synrouter_cli.prompt.segments import segment
>>> asked = segment(b'{"max_tokens":64,"stream":true,"messages":[{"role":"user","content":"hi"}]}')
>>> ping_body(asked, {})
b'{"max_tokens":0,"stream":false,"messages":[{"role":"user","content":"hi"}]}'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from synrouter_cli.prompt.blocks import NOTHING
from synrouter_cli.prompt.body import Edit, address, apply_edits, parseable
from synrouter_cli.prompt.markers import marker_edits
from synrouter_cli.prompt.segments import Prompt

__all__ = ["ping_body"]

_FORCED: Final = frozenset({"any", "tool"})


class _Limits(msgspec.Struct):
    max_tokens: msgspec.Raw = NOTHING
    stream: msgspec.Raw = NOTHING


_limits = msgspec.json.Decoder(_Limits)


def ping_body(prompt: Prompt, markers: Mapping[int, str] | None) -> bytes | None:
    """The ping of this request; None where the API would refuse it, or where the request's bytes are gone.

    `markers` (block → ttl) are those that it was sent with; None where its own were left as they stood.
    """
    if prompt.body is None or not may_ping(prompt):
        return None
    edits = [] if markers is None else marker_edits(prompt, markers)
    return apply_edits(prompt.body, [*edits, *_limit_edits(prompt.body)])


def may_ping(prompt: Prompt) -> bool:
    """Whether the API takes this request at `max_tokens: 0`."""
    thinking, choice = _setting(prompt, "thinking"), _setting(prompt, "tool_choice")
    return (
        thinking.get("type") != "enabled"
        and choice.get("type") not in _FORCED
        and _setting(prompt, "output_config").get("format") is None
        and "output_format" not in prompt.settings
    )


def _setting(prompt: Prompt, name: str) -> Mapping[str, Any]:
    raw = prompt.settings.get(name)
    value = msgspec.json.decode(raw) if raw is not None else None
    return value if isinstance(value, dict) else {}


def _limit_edits(body: bytes) -> list[Edit]:
    source = parseable(body)
    limits = _limits.decode(source)
    edits = []
    for raw, value, key in ((limits.max_tokens, b"0", b'"max_tokens"'), (limits.stream, b"false", b'"stream"')):
        length = len(memoryview(raw))
        if length:
            edits.append(Edit(address(raw) - address(source), length, value))
        else:
            edits.append(Edit(source.index(b"{") + 1, 0, key + b":" + value + b","))
    return edits
