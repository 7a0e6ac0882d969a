"""Why a prompt missed, as the simulated provider says it: a request is compared with the one that an answer was to.

Only requests that ask are remembered (platform.claude.com, "Cache diagnostics").

>>> Diagnoses().compare(None, "scope", None)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from synrouter_cli.demo.judge import Refused
from synrouter_cli.prompt.segments import Prompt
from synrouter_cli.wire.diagnosis import BETA

__all__ = ["Diagnoses", "asked"]

_KEPT: Final = 1000


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is kept of a request: nothing that it says."""

    scope: str
    model: str
    keys: tuple[bytes, ...]
    layer_ends: tuple[int, int, int]
    seeds: tuple[bytes, bytes, bytes]
    tokens: tuple[int, ...]


def asked(body: Mapping[str, Any], betas: str) -> bool:
    """Whether a request asks. Raises Refused where it may not, or asks in another way than the API's."""
    if "diagnostics" not in body:
        return False
    if BETA not in [name.strip() for name in betas.split(",")]:
        raise Refused("diagnostics: Extra inputs are not permitted")
    field = body["diagnostics"]
    previous = field.get("previous_message_id", 0) if isinstance(field, dict) else 0
    if not (previous is None or isinstance(previous, str)):
        raise Refused("diagnostics.previous_message_id: Input should be a valid string")
    return True


class Diagnoses:
    """The requests that asked, by the ids of their answers."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def remember(self, message_id: str, scope: str, prompt: Prompt) -> None:
        """The request that this answer is to; the latest are kept."""
        self._seen[message_id] = _seen(scope, prompt)
        while len(self._seen) > _KEPT:
            self._seen.popitem(last=False)

    def compare(self, previous: str | None, scope: str, prompt: Prompt | None) -> dict[str, Any] | None:
        """The answer's `diagnostics`: None on a first turn, and where the prompt only adds to the one before."""
        if previous is None or prompt is None:
            return None
        before = self._seen.get(previous)
        if before is None:
            return _reason("previous_message_not_found")
        now = _seen(scope, prompt)
        if before.model != now.model:
            return _reason("model_changed", before.tokens[-1])
        shared = prompt.shared_with(before.keys)
        if shared < len(before.keys):
            read = before.tokens[shared - 1] if shared else 0
            return _reason(_layer(before, now, shared), before.tokens[-1] - read)
        return None if (before.scope, before.seeds) == (now.scope, now.seeds) else _reason("unavailable")


def _layer(before: _Seen, now: _Seen, shared: int) -> str:
    tools, system = (min(one, other) for one, other in zip(before.layer_ends[:2], now.layer_ends[:2], strict=True))
    same_tools = before.layer_ends[0] == now.layer_ends[0]
    if shared < tools or not same_tools:
        return "tools_changed"
    return "system_changed" if shared < system or before.layer_ends[1] != now.layer_ends[1] else "messages_changed"


def _seen(scope: str, prompt: Prompt) -> _Seen:
    keys, tokens = tuple(prompt.keys), tuple(prompt.tokens)
    return _Seen(scope, prompt.model, keys, prompt.layer_ends, prompt.seeds, tokens)


def _reason(kind: str, missed: int | None = None) -> dict[str, Any]:
    tokens = {} if missed is None else {"cache_missed_input_tokens": missed}
    return {"cache_miss_reason": {"type": kind, **tokens}}
