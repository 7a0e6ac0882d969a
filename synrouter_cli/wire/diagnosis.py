"""The provider's own word on why a prompt was not read from its cache, where it was asked for one.

A request names the answer before it; the provider compares both requests and says what changed first
(platform.claude.com, "Cache diagnostics"). It says nothing where nothing did, or while it has not compared them yet.

>>> read_diagnosis({"cache_miss_reason": {"type": "tools_changed", "cache_missed_input_tokens": 321}})
Diagnosis(reason='tools_changed', missed_tokens=321)
>>> asking(b'{"model": "m"}', "msg_1")
b'{"diagnostics":{"previous_message_id":"msg_1"},"model": "m"}'
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

__all__ = ["BETA", "NAMED_IN_REFUSALS", "REASONS", "Diagnosis", "asking", "read_diagnosis"]

BETA: Final = "cache-diagnosis-2026-04-07"
NAMED_IN_REFUSALS: Final = b"diagnos"
"""What a refusal of the field or of the beta names."""
REASONS: Final = (
    "model_changed",
    "system_changed",
    "tools_changed",
    "messages_changed",
    "previous_message_not_found",
    "unavailable",
)
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_OPENING: Final = re.compile(rb"\s*\{(?=\s*\")")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One of REASONS, or "other" for one that is not known, and about how many tokens had to be processed again (an
    estimate of the provider's; None where it gives none)."""

    reason: str
    missed_tokens: int | None = None

    def to_detail(self) -> dict[str, Any]:
        """For a row's detail."""
        missed = {} if self.missed_tokens is None else {"missed_tokens": self.missed_tokens}
        return {"reason": self.reason, **missed}


class _Top(msgspec.Struct):
    diagnostics: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_top = msgspec.json.Decoder(_Top)


def read_diagnosis(value: object) -> Diagnosis | None:
    """An answer's `diagnostics`; None where it gives no reason. Never raises."""
    reason = value.get("cache_miss_reason") if isinstance(value, dict) else None
    kind = reason.get("type") if isinstance(reason, dict) else None
    if not isinstance(reason, dict) or not isinstance(kind, str):
        return None
    missed = reason.get("cache_missed_input_tokens")
    counted = isinstance(missed, int) and not isinstance(missed, bool) and 0 <= missed < 1 << 40
    return Diagnosis(kind if kind in REASONS else "other", missed if counted else None)


def asking(body: bytes, previous: str | None) -> bytes | None:
    """The body with the question in it, after the answer with the id `previous` (None: there was none yet). None where
    it asks by itself, or is nothing that can be asked with."""
    opening = _OPENING.match(body)
    if opening is None or _asks(body):
        return None
    name = f'"{previous}"' if previous is not None and _ID.fullmatch(previous) else "null"
    field = b'"diagnostics":{"previous_message_id":%s},' % name.encode()
    return body[: opening.end()] + field + body[opening.end() :]


def _asks(body: bytes) -> bool:
    if b'"diagnostics"' not in body:
        return False
    try:
        return _top.decode(body).diagnostics is not msgspec.UNSET
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return True  # who knows
