"""How much is to be thought, in the words of the Messages API: `thinking` and `output_config.effort` by model.

What came in this dialect goes on as it came. Effort in OpenAI's words becomes adaptive thinking with an effort, or a
budget where the model knows no other way; a forced tool excludes thinking.

>>> from synrouter_cli.wire.ir import Reasoning
>>> thought(Request("claude-opus-5", reasoning=Reasoning(effort="high")), takes("claude-opus-5"), 9000)
({'type': 'adaptive'}, 'high')
>>> thought(Request("claude-haiku-4-5", reasoning=Reasoning(effort="high")), takes("claude-haiku-4-5"), 9000)
({'type': 'enabled', 'budget_tokens': 4500}, None)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from synrouter_cli.wire.codecs.anthropic.models import Takes, takes
from synrouter_cli.wire.codecs.anthropic.tools_out import is_forced
from synrouter_cli.wire.codecs.anthropic.turns import opens_with_thinking
from synrouter_cli.wire.codecs.efforts import BUDGETS, effort_of_budget
from synrouter_cli.wire.ir import Reasoning, Request

__all__ = ["takes", "thought"]

Json = dict[str, Any]
_LEAST: Final = 1_024
"""Tokens; a smaller budget is refused."""
_UNSHOWN: Final = (None, "none")


def thought(
    request: Request, model: Takes, max_tokens: int, written: Sequence[Json] = ()
) -> tuple[Json | None, str | None]:
    """`thinking` and the effort; None for what is not to be said. `written` are the messages as they go out."""
    asked = request.reasoning
    own = request.extras.get("thinking")
    if request.dialect != "anthropic" and isinstance(own, dict) and "type" in own:
        return own, None  # a client that adds Anthropic's field to OpenAI's dialect means just that
    if asked is None:
        return None, None
    if asked.mode == "enabled" and not opens_with_thinking(written):
        return None, asked.effort  # a turn whose thinking was left out can't go on with more of it
    if request.dialect == "anthropic" or asked.mode is not None:
        return _as_said(asked, own if isinstance(own, dict) else {}), asked.effort
    if asked.effort == "none" or is_forced(request):
        return _off(model), model.effort(asked.effort or "") if asked.effort != "none" or model.always_thinks else None
    if not model.thinks:
        return None, None
    if model.adaptive:
        effort = asked.effort or (effort_of_budget(asked.budget) if asked.budget is not None else None)
        return _shown({"type": "adaptive"}, asked), model.effort(effort) if effort else None
    budget = _budget(asked, max_tokens)
    if budget is None or not opens_with_thinking(written):
        return None, None
    effort = model.effort(asked.effort) if asked.effort else None
    return _shown({"type": "enabled", "budget_tokens": budget}, asked), effort


def _as_said(asked: Reasoning, more: Json) -> Json | None:
    if asked.mode is None:
        return None
    out: Json = {"type": asked.mode}
    if asked.budget is not None:
        out["budget_tokens"] = asked.budget
    if asked.display is not None:
        out["display"] = asked.display
    return {**out, **more}


def _off(model: Takes) -> Json | None:
    return {"type": model.off} if model.off is not None else None


def _shown(out: Json, asked: Reasoning) -> Json:
    display = asked.display or ("summarized" if asked.summary not in _UNSHOWN else None)
    return out if display is None else {**out, "display": display}


def _budget(asked: Reasoning, max_tokens: int) -> int | None:
    """Tokens to think, half of the longest answer at most; None where that is too little to think at all."""
    wanted = asked.budget if asked.budget is not None else BUDGETS.get(asked.effort or "medium", BUDGETS["medium"])
    budget = max(min(wanted, max_tokens // 2), _LEAST)
    return budget if budget < max_tokens else None
