"""An answer in one piece → values. Of several choices the first is read; an error within it is the answer.

>>> answer, _ = decode_response(b'{"id":"c1","model":"m","created":5,"choices":[{"index":0,"finish_reason":"stop",'
...     b'"message":{"role":"assistant","content":"Hi","reasoning_content":"A greeting"}}]}')
>>> [type(block).__name__ for block in answer.blocks], answer.stop_reason
(['Thinking', 'Text'], 'end_turn')
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.chat.calls import call_in, kind_of
from synrouter_cli.wire.codecs.chat.citations import citation
from synrouter_cli.wire.codecs.chat.counts import counts_in
from synrouter_cli.wire.codecs.chat.endings import FAILED, ending_in
from synrouter_cli.wire.codecs.chat.failures import failure_in
from synrouter_cli.wire.codecs.chat.fields import Object, derived_id, load
from synrouter_cli.wire.codecs.chat.pieces import pieces
from synrouter_cli.wire.codecs.chat.reasoning import SEALED, Placed, call_kept, carried_by_calls, reasoning_in
from synrouter_cli.wire.codecs.chat.weaving import woven
from synrouter_cli.wire.ir import Block, Failure, Loss, Refusal, Response, Text, Thinking, ToolUse

__all__ = ["COUNTED", "KEPT", "decode_response", "response_in"]

COUNTED: Final = "chat_usage"
"""Where in `extras` what was reported beside the counts is kept: a cost, say."""
KEPT: Final = ("system_fingerprint", "provider", "moderation")
"""Of the answer as a whole, what is kept beside its values."""


def decode_response(body: bytes) -> tuple[Response | Failure, tuple[Loss, ...]]:
    """The answer, or the error that it is. Never raises: what can't be read is a Failure."""
    try:
        value = load(body)
    except InvalidRequest as error:
        return Failure("api_error", f"The provider's answer can't be read. {error.message}"), ()
    if not isinstance(value, dict):
        return Failure("api_error", "The provider's answer is no JSON object."), ()
    return response_in(value)


def response_in(value: Object) -> tuple[Response | Failure, tuple[Loss, ...]]:
    """The same, decoded already."""
    failure = failure_in(value)
    if failure is not None:
        return failure, ()
    choices = value.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return Failure("api_error", "The provider's answer holds no choice."), ()
    choice: Object = choices[0]
    if choice.get("finish_reason") == FAILED or choice.get("error"):
        inner = failure_in({"error": choice.get("error")}) if choice.get("error") else None
        return inner or Failure("api_error", "The provider broke the answer off."), ()
    losses = [Loss("choices", f"choices.{i}") for i in range(1, len(choices))]
    message = choice.get("message")
    blocks = _blocks(message if isinstance(message, dict) else {}, str(value.get("id") or ""), losses)
    return _response(value, choice, blocks), tuple(losses)


def _response(value: Object, choice: Object, blocks: tuple[Block, ...]) -> Response:
    called = any(isinstance(block, ToolUse) for block in blocks)
    refused = any(isinstance(block, Refusal) for block in blocks)
    reason, sequence = ending_in(choice, called=called, refused=refused)
    reported = counts_in(value.get("usage"), value.get("service_tier"))
    extras = {key: value[key] for key in KEPT if value.get(key) is not None}
    if choice.get("logprobs") is not None:
        extras["logprobs"] = choice["logprobs"]
    if reported is not None and reported.extras:
        extras[COUNTED] = reported.extras
    created = value.get("created")
    return Response(
        str(value.get("id") or ""),
        str(value.get("model") or ""),
        blocks,
        reason,
        sequence,
        None if reported is None else reported.usage,
        None if reported is None else reported.reasoning_tokens,
        created if isinstance(created, int) else None,
        extras,
    )


def _blocks(message: Object, answer_id: str, losses: list[Loss]) -> tuple[Block, ...]:
    if message.get("audio"):
        losses.append(Loss("audio", "choices.0.message.audio"))
    carried = carried_by_calls(message)
    thinking = reasoning_in(message) if carried is None else carried
    thought, said = pieces(message.get("content"))
    if thought:
        thinking.append(Placed(Thinking(thought, SEALED["reasoning_content"])))
    blocks: list[Block] = []
    if said:
        blocks.append(Text(said, citations=_citations(message.get("annotations"), said, losses)))
    refusal = message.get("refusal")
    if refusal and isinstance(refusal, str):
        blocks.append(Refusal(refusal))
    calls = _calls(message, answer_id)
    for i, call in enumerate(calls):
        if call.extras:
            thinking.append(Placed(call_kept(call.id, call.extras), len(said), i))
    return woven(blocks, [replace(call, extras={}) for call in calls], thinking)


def _citations(annotations: Any, said: str, losses: list[Loss]) -> tuple[Object, ...]:
    found = []
    for i, annotation in enumerate(annotations if isinstance(annotations, list) else ()):
        cited = citation(annotation, said)
        if cited is None:
            losses.append(Loss("citations", f"choices.0.message.annotations.{i}"))
        else:
            found.append(cited)
    return tuple(found)


def _calls(message: Object, answer_id: str) -> list[ToolUse]:
    calls = message.get("tool_calls")
    calls = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    old = message.get("function_call")
    if isinstance(old, dict) and not calls:
        calls = [{"function": old}]
    found: list[ToolUse] = []
    for i, call in enumerate(calls):
        inner = call.get(kind_of(call))
        name = inner.get("name") if isinstance(inner, dict) else None
        if isinstance(name, str) and name:
            called = call.get("id")
            called = called if called and isinstance(called, str) else derived_id(answer_id, i, name)
            known = {key: one for key, one in call.items() if key != "cache_control"}
            found.append(call_in({**known, "id": called}, f"tool_calls.{i}", i))
    return found
