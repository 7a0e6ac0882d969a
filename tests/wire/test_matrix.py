"""Every hard case on every way: what comes out is what the target's SDK knows, means what came in, and what it does not
say any more is told as a loss that this way may have.

The tables here are the whole list of what may be lost; tools, thinking, usage, stop reasons and structured output are
in none of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from typing import Any, Final

import pytest
from msgspec.structs import replace

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.ir import Failure, Loss, Response
from synrouter_cli.wire.losses import LOSSES
from wire.crossings import (
    ANSWERS,
    CROSSINGS,
    DIALECTS,
    ERRORS,
    MODELS,
    PAIRS,
    REQUESTS,
    STREAMS,
    Json,
    added_up,
    answer_is_wrong,
    carried,
    dumped,
    events,
    on,
    read,
    request_is_wrong,
    stream_is_wrong,
    translated,
)
from wire.meaning import NEVER_LOST, answer_meaning, request_meaning
from wire.oracle import error_faults, events_of

TO_ANTHROPIC: Final = {("chat", "anthropic"), ("responses", "anthropic")}
TO_CHAT: Final = {("anthropic", "chat"), ("responses", "chat")}
TO_RESPONSES: Final = {("anthropic", "responses"), ("chat", "responses")}
CROSSING: Final = set(CROSSINGS)
ALLOWED: Final[dict[str, Collection[tuple[str, str]]]] = {
    # what the target has no place for
    "audio": TO_ANTHROPIC,
    "block": CROSSING,
    "builtin_tool": CROSSING,
    "cache_key": TO_ANTHROPIC,
    "cache_marker": TO_RESPONSES,
    "citations": {("anthropic", "chat"), ("anthropic", "responses"), ("responses", "chat")},
    "deferred_tool": {
        ("anthropic", "chat"),
        ("anthropic", "responses"),
        ("responses", "chat"),
        ("responses", "anthropic"),
    },
    "empty_message": CROSSING,
    "empty_text": TO_ANTHROPIC,
    "file_id": CROSSING,
    "image_detail": TO_ANTHROPIC,
    "max_tokens_least": TO_RESPONSES,
    "message_name": {("chat", "anthropic"), ("chat", "responses")},
    "metadata": {*TO_ANTHROPIC, ("responses", "chat")},  # OpenAI's Chat Completions takes it of what is stored only
    "sampling": CROSSING,  # models that reason have theirs fixed
    "service_tier": {("chat", "anthropic")},
    "stop": TO_ANTHROPIC,
    "stop_sequences": {*TO_RESPONSES, *TO_CHAT},
    "store": {("responses", "anthropic")},
    "temperature": TO_ANTHROPIC,
    "top_k": {("anthropic", "chat"), ("anthropic", "responses"), ("chat", "responses")},
    "verbosity": TO_ANTHROPIC,
    # what another provider signed, to one that would refuse it
    "foreign_thinking": {*TO_ANTHROPIC, *TO_RESPONSES, ("responses", "chat"), ("responses", "responses")},
}
FIELDS: Final[dict[tuple[str, str], str]] = {
    ("anthropic", "chat"): "allowed_callers caller citations container context eager_input_streaming inference_geo"
    " input_examples",
    ("anthropic", "responses"): "allowed_callers caller citations container context eager_input_streaming"
    " inference_geo input_examples",
    ("chat", "anthropic"): "chat_template_kwargs extra_content frequency_penalty logit_bias logprobs min_p modalities"
    " prediction presence_penalty prompt_cache_breakpoint prompt_cache_options prompt_cache_retention provider seed"
    " stream_options top_logprobs web_search_options",
    ("chat", "responses"): "chat_template_kwargs extra_content frequency_penalty logit_bias logprobs min_p modalities"
    " prediction presence_penalty prompt_cache_breakpoint provider seed stream_options web_search_options",
    ("responses", "anthropic"): "client_metadata include max_tool_calls prompt_cache_breakpoint prompt_cache_options"
    " prompt_cache_retention reasoning top_logprobs truncation user",
    ("responses", "chat"): "client_metadata include max_tool_calls reasoning truncation ttl user",
}
"""Fields of requests that only their own dialect knows. Of `reasoning` it is `context` alone."""
FREES: Final[dict[str, str]] = {
    "audio": "media said",
    "block": "other said citations",
    "builtin_tool": "markers",
    "cache_key": "cache_key",
    "cache_marker": "markers",
    "citations": "citations",
    "empty_message": "said",
    "empty_text": "said",
    "file_id": "media said",
    "max_tokens_least": "max_tokens",
    "metadata": "metadata",
    "sampling": "temperature top_p top_k",
    "service_tier": "tier",
    "stop": "stop",
    "stop_sequences": "stop",
    "store": "store",
    "temperature": "temperature",
    "top_k": "top_k",
    "verbosity": "verbosity",
}
"""What of a request's meaning may differ where that loss was told."""
KEEPS: Final = {"anthropic": {"anthropic"}, "chat": {"anthropic", "chat"}, "responses": {"responses"}}
"""Whose thinking each dialect's request can carry."""
CODEXS: Final = "calls of what stands for Codex's tools"
BEYOND: Final = {
    ("chat", "top_k"): "min_p, which servers know",
    ("chat", "fields of a gateway"): "OpenRouter's and vLLM's own",
    ("chat", "image in a result"): "servers take it, the types do not",
    ("chat", "video"): "Qwen's",
    ("chat", "audio"): "Responses takes it, its types do not",
    ("responses", "audio"): "the API takes it, its types do not",
    ("responses", "codex_with_a_catalog"): "client_metadata is Codex's own",
    ("chat", "usage with a cost"): "OpenRouter's",
    ("chat", "custom call"): "streamed chunks name functions alone in the types",
    ("responses", "answer_custom_call"): "the same",
    ("anthropic", CODEXS): "the same",
    ("chat", CODEXS): "the same",
}
"""Cases (dialect that they came in, name) that go beyond the SDK's types in themselves; by the side, why."""


def test_each_pair_has_ninety_hard_cases_at_least():
    for client, upstream in PAIRS:
        names = [("request", name) for name, _ in REQUESTS[client]]
        names += [(kind, name) for kind, some in (("answer", ANSWERS), ("stream", STREAMS), ("error", ERRORS))
                  for name, _ in some[upstream]]  # fmt: skip
        assert len(set(names)) == len(names) >= 90, (client, upstream)


def test_the_tables_of_losses_name_known_codes_and_never_what_may_not_be_lost():
    assert ALLOWED.keys() <= LOSSES.keys()
    assert {aspect for freed in FREES.values() for aspect in freed.split()}.isdisjoint(NEVER_LOST)


# ── requests ──


def is_allowed(loss: Loss | str, source: str, target: str) -> bool:
    code = loss if isinstance(loss, str) else loss.code
    if code.startswith("field:"):
        return code.removeprefix("field:") in FIELDS.get((source, target), "").split()
    return (source, target) in ALLOWED.get(code, ())


def differing(before: Json, after: Json, lost: Collection[Loss], target: str) -> list[str]:
    """The aspects that changed and may not have; thinking is looked at by itself."""
    free = {"thinking"}.union(*(FREES.get(loss.code, "").split() for loss in lost))
    if target == "anthropic" and before["max_tokens"] is None:
        free.add("max_tokens")  # it has to be there
    return [name for name in before if name not in free and before[name] != after[name]]


def kept(meaning: Json, target: str) -> list[Any]:
    return [one for one in meaning["thinking"] if one[0] in KEEPS[target]]


@pytest.mark.parametrize(("source", "target", "body"), on(PAIRS, REQUESTS))
def test_a_request_means_the_same_in_the_targets_words(source: str, target: str, body: Json, request: Any):
    asked, out, lost = carried(body, source, target)
    name = request.node.callspec.id.partition(": ")[2]
    assert (source, name) in BEYOND or request_is_wrong(target, out) == []
    assert [loss for loss in lost if not is_allowed(loss, source, target)] == []
    before, after = request_meaning(asked), request_meaning(read(target, out)[0])
    assert differing(before, after, lost, target) == []
    assert kept(before, target) == [one for one in after["thinking"] if one in before["thinking"]]
    told = sum(loss.code == "foreign_thinking" for loss in lost)
    unsigned = sum(whose == "nobody" for whose, *_ in before["thinking"])
    assert len(before["thinking"]) - len(kept(before, target)) <= told + unsigned


@pytest.mark.parametrize(("source", "target", "body"), on(CROSSINGS, REQUESTS))
def test_a_request_comes_back_through_another_dialect_up_to_its_losses(source: str, target: str, body: Json):
    asked, out, lost = carried(body, source, target)
    _, back, more = carried(out, target, source, model=body["model"])
    assert [loss for loss in more if not is_allowed(loss, target, source)] == []
    assert differing(request_meaning(asked), request_meaning(read(source, back)[0]), [*lost, *more], target) == []


@pytest.mark.parametrize(
    ("source", "body"), [pytest.param(s, b, id=f"{s}: {n}") for s in DIALECTS for n, b in REQUESTS[s]]
)
def test_a_request_in_its_own_dialect_says_the_same_bytes_again(source: str, body: Json):
    _, out, lost = carried(body, source, source)
    if not lost:
        assert carried(json.loads(out), source, source)[1] == out


@pytest.mark.parametrize("target", DIALECTS)
def test_an_earlier_answer_that_is_held_nowhere_is_refused_with_the_way_out(target: str):
    body = {"model": MODELS[target], "input": "go on", "previous_response_id": "resp_1"}
    with pytest.raises(InvalidRequest, match=r"^previous_response_id: .*send the whole input"):
        read("responses", body)


# ── answers ──

FOLDED: Final = {"stop_sequence": "end_turn", "pause_turn": "end_turn", "model_context_window_exceeded": "max_tokens"}
"""Stop reasons for which Responses has one status: completed, or incomplete for want of tokens."""


def check_answer(before: Response, after: Response, lost: Collection[str], client: str, *, streamed: bool) -> None:
    one, other = answer_meaning(before), answer_meaning(after)
    for meaning in (one, other):
        meaning["thinking"] = [said for _, said, _ in meaning["thinking"] if said]
    if client == "responses" and one["stop_reason"] in FOLDED:
        one |= {"stop_reason": FOLDED[one["stop_reason"]], "stop_sequence": None}
    if one["usage"] is None and client != "chat":
        one["usage"] = (0, 0, 0, 0, 0)  # it has to be there
    if streamed and client == "anthropic" and one["usage"] != other["usage"]:
        one, other = ({**some, "usage": _writes_together(some["usage"])} for some in (one, other))
    free = {"other", "citations"} if {"block", "citations"} & set(lost) or client == "responses" else set()
    assert {k: v for k, v in one.items() if k not in free} == {k: v for k, v in other.items() if k not in free}


def _writes_together(usage: Any) -> Any:
    """The last event of an Anthropic stream has no place for the two lifetimes of what was written."""
    plain, read, short, long, out = usage
    return plain, read, short + long, out


def failed_alike(one: Response | Failure, other: Response | Failure) -> bool:
    if not isinstance(one, Failure) or not isinstance(other, Failure):
        return False
    return one.type == other.type and other.message.removeprefix("prompt is too long: ") == one.message.removeprefix(
        "prompt is too long: "
    )


@pytest.mark.parametrize(("upstream", "client", "body"), on(PAIRS, ANSWERS))
def test_an_answer_means_the_same_to_the_client(upstream: str, client: str, body: Json, request: Any):
    raw = dumped(body)
    out, lost, _ = translated(raw, upstream, client)
    name = request.node.callspec.id.partition(": ")[2]
    assert ((upstream, name) in BEYOND and client == upstream) or answer_is_wrong(client, out) == []
    before, after = (CODECS[dialect].decode_response(some)[0] for dialect, some in ((upstream, raw), (client, out)))
    assert set(lost) <= {"block", "citations"} or all(code.startswith("field:") for code in {*lost} - {"block"})
    check_answer(before, after, lost, client, streamed=False)


@pytest.mark.parametrize(("upstream", "client", "stream"), on(PAIRS, STREAMS))
def test_a_streamed_answer_means_the_same_to_the_client(upstream: str, client: str, stream: bytes, request: Any):
    out, lost, _ = translated(stream, upstream, client, stream=True)
    name = request.node.callspec.id.partition(": ")[2]
    wrong = stream_is_wrong(client, out)
    if client == "responses":  # Codex goes by codes that the types do not list
        wrong = [fault for fault in wrong if not fault.startswith("response.error.code: ")]
    assert ((upstream, name) in BEYOND and client == "chat") or wrong == []
    before, after = added_up(events(upstream, stream)), added_up(events(client, out))
    if client == "responses" and isinstance(before, Failure) and before.type == "overloaded_error":
        before = replace(before, type="api_error")  # so that Codex asks again
    if isinstance(before, Failure) or isinstance(after, Failure):
        assert failed_alike(before, after)
    else:
        check_answer(before, after, lost, client, streamed=True)


_OUT_OF_MONEY: Final = {"anthropic": 402, "chat": 402, "responses": 402}
"""OpenAI tells an empty account by the status of a short wait; each dialect has its own."""


@pytest.mark.parametrize(("upstream", "client", "error"), on(PAIRS, ERRORS))
def test_an_error_keeps_its_status_its_type_and_its_words(upstream: str, client: str, error: tuple[int, Any]):
    status, body = error
    raw = body.encode() if isinstance(body, str) else dumped(body)
    out, _, told = translated(raw, upstream, client, status=status)
    empty = CODECS[upstream].decode_failure(raw, status).type == "billing_error" and status == 429
    assert told == (_OUT_OF_MONEY[client] if empty else status)
    assert error_faults(client, out) == []
    assert failed_alike(CODECS[upstream].decode_failure(raw, status), CODECS[client].decode_failure(out, status))


@pytest.mark.parametrize("upstream", ["anthropic", "chat"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_codex_gets_calls_of_its_own_tools_back(upstream: str, streamed: bool):
    body = dict(STREAMS[upstream])[CODEXS] if streamed else dumped(dict(ANSWERS[upstream])[CODEXS])
    out, _, _ = translated(body, upstream, "responses", stream=streamed)
    answer = events_of(out)[-1]["response"] if streamed else json.loads(out)
    patch, shell, echo, search = answer["output"]
    assert (patch["type"], patch["name"]) == ("custom_tool_call", "apply_patch")
    assert patch["input"] == ("*** Begin \u00e9\n" if streamed else '*** Begin Patch\n+"a"\n')
    assert (shell["type"], shell["action"]["type"]) == ("local_shell_call", "exec")
    assert shell["action"]["command"] == ["ls", "-l"]
    assert (echo["type"], echo["namespace"], echo["name"]) == ("function_call", "mcp__demo", "echo")
    assert (search["type"], search["execution"]) == ("tool_search_call", "client")
    assert search["arguments"] == {"query": "echo"}


# ── there and back ──


def turn(dialect: str, answer: Json) -> Json:
    """The request in which a client of a dialect gives an answer back, with what came of its calls."""
    if dialect == "anthropic":
        calls = [one["id"] for one in answer["content"] if one["type"] == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": one, "content": "ok"} for one in calls]
        said = [{"role": "assistant", "content": answer["content"]}] if answer["content"] else []
        more = {"role": "user", "content": results or "go on"}
        return {
            "model": MODELS[dialect],
            "max_tokens": 64,
            "messages": [{"role": "user", "content": "hi"}, *said, more],
        }
    if dialect == "chat":
        message = {key: one for key, one in answer["choices"][0]["message"].items() if one is not None}
        message.pop("annotations", None)
        called = [one.get("id", "") for one in message.get("tool_calls", ())]
        after = [{"role": "tool", "tool_call_id": one, "content": "ok"} for one in called]
        hi = {"role": "user", "content": "hi"}
        return {"model": MODELS[dialect], "messages": [hi, message, *(after or [hi])]}
    items = [{key: one for key, one in item.items() if key != "status"} for item in answer["output"]]
    outputs = [
        {"type": kind.replace("_call", "_call_output"), "call_id": item["call_id"], "output": "ok"}
        for item in items
        if (kind := item["type"]) in ("function_call", "custom_tool_call")
    ]
    hi = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    return {"model": MODELS[dialect], "input": [hi, *items, *outputs, *([] if outputs else [hi])]}


NOT_GIVEN_BACK: Final = {
    "call without an id": "no client of that dialect could give such an answer back",
    "function_call of before tools": "the same",
    "content of parts": "thinking among the parts is given back as reasoning_content",
    "reasoning_that_says_nothing": "there is nothing to give back",
    "reasoning_in_full": "a provider that keeps nothing takes no reasoning that it did not encrypt",
}
GIVEN_BACK: Final = {key: [one for one in some if one[0] not in NOT_GIVEN_BACK] for key, some in ANSWERS.items()}


@pytest.mark.parametrize(("client", "upstream", "body"), on(CROSSINGS, GIVEN_BACK, of=1))
def test_an_answer_that_the_client_gives_back_reaches_its_provider_as_it_was_said(
    client: str, upstream: str, body: Json
):
    """Thinking above all, to the byte: what the upstream signed it gets back, wherever in the answer that stood."""
    out, _, _ = translated(dumped(body), upstream, client)
    _, again, _ = carried(turn(client, json.loads(out)), client, upstream)
    native, _ = read(upstream, turn(upstream, body))
    one, other = request_meaning(native), request_meaning(read(upstream, again)[0])
    assert (one["thinking"], one["calls"]) == (other["thinking"], other["calls"])


def test_the_losses_of_all_ways_together_are_few():
    """Which codes there are in all is a list that grows by intent only."""
    found: Counter[str] = Counter()
    for source, target in CROSSINGS:
        for _, body in REQUESTS[source]:
            found.update(loss.code for loss in carried(body, source, target)[2] if not loss.code.startswith("field:"))
    assert found.keys() == ALLOWED.keys()
