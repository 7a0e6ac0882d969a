"""`finish_reason` ⇄ stop reasons. Where this dialect has one word for several, the reason stands beside it too, as
OpenRouter's `native_finish_reason`; a stop sequence as vLLM's `stop_reason`.

>>> ending_in({"finish_reason": "stop"}, called=True, refused=False)
('tool_use', None)
>>> ending_out("stop_sequence", "END")
{'finish_reason': 'stop', 'native_finish_reason': 'stop_sequence', 'stop_reason': 'END'}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from synrouter_cli.wire.codecs.chat.fields import Object

__all__ = ["FAILED", "ending_in", "ending_out"]

_IN: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
    "eos": "end_turn",
    "insufficient_system_resource": "max_tokens",  # DeepSeek: cut short for want of capacity
    "model_length": "model_context_window_exceeded",  # Mistral
    "refusal": "refusal",
}
_OUT: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
_USUAL: Final = frozenset({"end_turn", "tool_use", "max_tokens", "refusal"})
"""What the word alone says."""
FAILED: Final = "error"
"""OpenRouter's `finish_reason` of an answer that broke off."""


def ending_in(choice: Mapping[str, Any], *, called: bool, refused: bool) -> tuple[str, str | None]:
    """Stop reason and stop sequence. Some servers say `stop` after calls, some say nothing at all."""
    word, native = choice.get("finish_reason"), choice.get("native_finish_reason")
    stopped = choice.get("stop_reason")
    sequence = stopped if isinstance(stopped, str) else None
    reason = _IN.get(word, word) if isinstance(word, str) else "end_turn"
    if isinstance(native, str) and _OUT.get(native) == word and native not in _USUAL:
        return native, sequence
    if reason == "end_turn" and called:
        return "tool_use", None
    if reason == "end_turn" and refused:
        return "refusal", None
    if reason == "end_turn" and sequence is not None:
        return "stop_sequence", sequence
    return reason, None


def ending_out(
    reason: str | None, sequence: str | None = None, *, refused: bool = False, legacy: bool = False
) -> Object:
    """The fields of a choice. An answer that is a refusal in words ends as any other does."""
    word = _OUT.get(reason or "end_turn", reason if reason in _IN else "stop")
    if reason == "refusal" and refused:
        word = "stop"
    if word == "tool_calls" and legacy:
        word = "function_call"
    found: Object = {"finish_reason": word}
    if reason is not None and reason not in _USUAL and reason not in _IN:
        found["native_finish_reason"] = reason
    if sequence is not None:
        found["stop_reason"] = sequence
    return found
