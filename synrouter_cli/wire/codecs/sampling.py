"""What OpenAI's reasoning models take of a request's sampling: while they reason temperature and top_p stand at 1, and
there is no stop sequence (developers.openai.com, "Latest model": parameter compatibility). A client of another dialect
can't know that, so there they are left out and told as losses; a client of the same dialect hears it from the provider.

>>> from synrouter_cli.wire.ir import Reasoning
>>> sampled(Request("openai/gpt-5.5", temperature=0.2, stop=("END",)))
({}, (Loss(code='sampling', path='temperature'), Loss(code='stop_sequences', path='stop')))
>>> sampled(Request("gpt-5.5", temperature=0.2, reasoning=Reasoning(effort="none")))[0]
{'temperature': 0.2}
"""

from __future__ import annotations

import re
from typing import Any, Final

from synrouter_cli.wire.ir import Loss, Request

__all__ = ["sampled", "stop_loss"]

_REASONS: Final = re.compile(r"(?:.*/)?(?:o[134]\b|gpt-(?:[5-9]|\d\d))(?!.*-chat)", re.IGNORECASE)
_ONE: Final = (None, 1)


def sampled(request: Request) -> tuple[dict[str, Any], tuple[Loss, ...]]:
    """The fields that go on, `stop` among them, for a request that came in another dialect; and what is lost."""
    said: dict[str, Any] = {"temperature": request.temperature, "top_p": request.top_p, "stop": list(request.stop)}
    losses: tuple[Loss, ...] = ()
    if _is_fixed(request):
        losses = tuple(Loss("sampling", name) for name in ("temperature", "top_p") if said[name] not in _ONE)
        losses += (stop_loss(request),) if request.stop else ()
        said = {}
    return {name: value for name, value in said.items() if value not in (None, [])}, losses


def stop_loss(request: Request) -> Loss:
    """The loss of all stop sequences, where the client's dialect has them."""
    return Loss("stop_sequences", "stop_sequences" if request.dialect == "anthropic" else "stop")


def _is_fixed(request: Request) -> bool:
    asked = request.reasoning
    off = asked is not None and (asked.effort == "none" or (asked.effort is None and asked.mode == "disabled"))
    return not off and _REASONS.match(request.model) is not None
