"""Why an answer ended: status and `incomplete_details` ⇄ stop reasons in Anthropic's words.

>>> read_end("incomplete", "max_output_tokens", called=False, refused=False)
'max_tokens'
>>> write_end("max_tokens", refused=False)
('incomplete', 'max_output_tokens')
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_READ: Final[Mapping[str, str]] = {
    "max_output_tokens": "max_tokens",
    "content_filter": "refusal",
}
_INCOMPLETE: Final[Mapping[str, str]] = {
    "max_tokens": "max_output_tokens",
    "model_context_window_exceeded": "max_output_tokens",
    "refusal": "content_filter",
    "max_messages": "max_messages",
    "steered": "steered",
}
"""All other stop reasons are a completed answer."""


def read_end(status: object, reason: object, *, called: bool, refused: bool) -> str:
    """The stop reason; `called` says that tools are called, `refused` that there is a refusal in the answer."""
    if status == "incomplete":
        return _READ.get(str(reason), str(reason)) if reason else "max_tokens"
    if refused:
        return "refusal"
    return "tool_use" if called else "end_turn"


def write_end(stop: str | None, *, refused: bool) -> tuple[str, str | None]:
    """Status and the reason for an incomplete one. A refusal that is said as such is a complete answer."""
    reason = _INCOMPLETE.get(stop or "")
    if reason is None or (stop == "refusal" and refused):
        return "completed", None
    return "incomplete", reason
