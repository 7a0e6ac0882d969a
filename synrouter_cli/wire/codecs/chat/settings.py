"""How much to think, what the answer must look like, how long it may be.

>>> reasoning_in({"reasoning_effort": "low"})
Reasoning(mode=None, effort='low', budget=None, summary=None, display=None, encrypted=False)
>>> effort_of(Reasoning("enabled", budget=10_000))
'high'
"""

from __future__ import annotations

from typing import Any, Final

from synrouter_cli.wire.codecs.chat.fields import Object, checked, mapping, refused, text
from synrouter_cli.wire.codecs.chat.leaving import Leaving
from synrouter_cli.wire.codecs.efforts import effort_of_budget
from synrouter_cli.wire.ir import Format, Reasoning

__all__ = [
    "REASONING_FIELDS",
    "effort_of",
    "format_in",
    "format_out",
    "is_openais",
    "limit_name",
    "reasoning_in",
    "reasoning_out",
]

REASONING_FIELDS: Final = ("reasoning_effort", "reasoning", "thinking")
_NEWER: Final = ("gpt-", "o1", "o3", "o4", "chatgpt")
"""OpenAI's own models, which refuse `max_tokens` where they reason; other servers know only that one for sure."""
_WEIGHTS: Final = "gpt-oss"
"""Which anybody serves."""


def reasoning_in(body: Object) -> Reasoning | None:
    """`reasoning_effort`; OpenRouter's `reasoning`; Anthropic's `thinking`, which DeepSeek, Z.ai and Kimi take too."""
    effort = checked(body, "reasoning_effort", str)
    own = _object(body, "reasoning")
    thinking = _object(body, "thinking")
    if effort is None and own is None and thinking is None:
        return None
    own, thinking = own or {}, thinking or {}
    mode = checked(thinking, "type", str, "thinking")
    if mode is None and isinstance(own.get("enabled"), bool):
        mode = "enabled" if own["enabled"] else "disabled"
    budget = checked(thinking, "budget_tokens", int, "thinking")
    return Reasoning(
        mode,
        effort or checked(own, "effort", str, "reasoning"),
        checked(own, "max_tokens", int, "reasoning") if budget is None else budget,
        checked(own, "summary", str, "reasoning"),
        checked(thinking, "display", str, "thinking") or ("omitted" if own.get("exclude") is True else None),
    )


def _object(body: Object, key: str) -> Object | None:
    value = body.get(key)
    return None if value is None else mapping(value, key)


def effort_of(reasoning: Reasoning) -> str | None:
    """The word for it: its own, else by the budget in tokens; None where nothing was said but that it may think."""
    if reasoning.effort is not None:
        return reasoning.effort
    if reasoning.mode == "disabled":
        return "none"
    return None if reasoning.budget is None else effort_of_budget(reasoning.budget)


def reasoning_out(reasoning: Reasoning, leaving: Leaving) -> Object:
    """The fields for it. This dialect has a word alone; what came with more in this dialect goes on as it came."""
    if leaving.foreign:
        effort = effort_of(reasoning)
        return {} if effort is None else {"reasoning_effort": effort}
    own: Object = {"summary": reasoning.summary}
    if reasoning.mode is not None:
        thinking = {"type": reasoning.mode, "budget_tokens": reasoning.budget, "display": reasoning.display}
    else:
        thinking = {}
        own |= {"max_tokens": reasoning.budget, "exclude": reasoning.display == "omitted" or None}
    fields = {"reasoning_effort": reasoning.effort, "reasoning": _said(own), "thinking": _said(thinking)}
    return _said(fields)


def _said(fields: Object) -> Object:
    """What has a value."""
    return {key: value for key, value in fields.items() if value is not None and value != {}}


def format_in(value: Any) -> Format:
    """`response_format`. Raises InvalidRequest for a type that there is none of."""
    form = mapping(value, "response_format")
    kind = text(form, "type", "response_format")
    if kind == "text":
        return Format("text")
    if kind == "json_object":
        return Format("json")
    if kind != "json_schema":
        raise refused("response_format.type", "one of text, json_object, json_schema is needed here")
    where = "response_format.json_schema"
    inner = mapping(form.get("json_schema"), where)
    return Format(
        "schema",
        checked(inner, "name", str, where),
        inner.get("schema"),
        checked(inner, "strict", bool, where),
        checked(inner, "description", str, where),
    )


def format_out(form: Format) -> Object:
    """`response_format`; a schema's name has to be there, so one that came without is called `answer`."""
    if form.kind != "schema":
        return {"type": "text" if form.kind == "text" else "json_object"}
    inner: Object = {"name": form.name or "answer"}
    for key, value in (("description", form.description), ("schema", form.schema), ("strict", form.strict)):
        if value is not None:
            inner[key] = value
    return {"type": "json_schema", "json_schema": inner}


def limit_name(model: str) -> str:
    """The name of the limit of output tokens that a model's server takes.

    >>> limit_name("openai/gpt-6-sol"), limit_name("deepseek-v4")
    ('max_completion_tokens', 'max_tokens')
    """
    return "max_completion_tokens" if is_openais(model) else "max_tokens"


def is_openais(model: str) -> bool:
    """Whether a model's server takes all that the API has; others may refuse a field or a role that they don't know.

    >>> is_openais("gpt-6-sol"), is_openais("openai/gpt-oss-120b"), is_openais("qwen3.5-coder")
    (True, False, False)
    """
    name = model.rpartition("/")[2]
    return name.startswith(_NEWER) and not name.startswith(_WEIGHTS)
