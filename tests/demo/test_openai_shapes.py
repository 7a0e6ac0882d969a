"""Every answer, event and error of the simulated OpenAI is one of the SDK's types, without a key that they don't have."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types import CreateEmbeddingResponse

from support.openai_side import (
    CHAT_TOOL,
    CUSTOM,
    NAMESPACE,
    SENDER,
    TOOL,
    answered,
    chat,
    responses,
    upstream,
)
from synrouter_cli.demo.openai import chat as chat_shapes
from synrouter_cli.demo.openai import responses as responses_shapes
from synrouter_cli.demo.openai.embeddings import embedded
from synrouter_cli.demo.openai.errors import STATUSES
from synrouter_cli.demo.openai.upstream import Refused
from wire.oracle import answer_faults, error_faults, event_faults, events_of, faults, request_faults

SEALED = {"include": ["reasoning.encrypted_content"], "store": False, "reasoning": {"effort": "low", "summary": "auto"}}
CHATS = {
    "text": chat(),
    "cut": chat(max_completion_tokens=5),
    "call": chat("files", tools=[CHAT_TOOL]),
    "calls": chat("both at once", tools=[CHAT_TOOL]),
    "writes billed": chat(model="gpt-5.6", prompt_cache_options={"mode": "explicit"}),
    "refusal": chat("harm"),
    "older": chat(model="gpt-4.1", max_tokens=100, temperature=0.3),
}
RESPONSES = {
    "text": responses(),
    "a string": responses() | {"input": "hi"},
    "cut": responses(max_output_tokens=20),
    "sealed": responses(**SEALED),
    "call": responses("files", tools=[TOOL], instructions="Be good.", **SEALED),
    "calls": responses("both at once", tools=[TOOL], tool_choice={"type": "function", "name": "Bash"}),
    "custom and namespace": responses("patch", tools=[CUSTOM, NAMESPACE]),
    "refusal": responses("harm"),
    "native": responses("native", tools=[{"type": "local_shell"}, {"type": "tool_search", "execution": "client"}]),
    "writes billed": responses(model="gpt-5.6", metadata={"a": "b"}, text={"verbosity": "low"}),
}


def weighed(dialect: Any, body: dict[str, Any], flavour: str = "openai") -> Any:
    side = upstream(flavour)
    return answered(side, side.weigh(dialect, json.dumps(body).encode(), SENDER, now=0.0))


@pytest.mark.parametrize("name", CHATS)
def test_chat_answers_and_chunks_are_the_sdks(name: str):
    answer = weighed("chat", CHATS[name])
    assert request_faults("chat", CHATS[name]) == []
    assert answer_faults("chat", answer.body()) == []
    for usage in (False, True):
        stream = b"".join(chat_shapes.framed(answer.chunks(usage=usage)))
        events = events_of(stream)
        assert [fault for event in events for fault in event_faults("chat", event)] == []
        assert stream.endswith(b"data: [DONE]\n\n")
        assert (events[-1].get("usage") is not None) == usage


@pytest.mark.parametrize("name", RESPONSES)
def test_responses_and_their_events_are_the_sdks(name: str):
    body = RESPONSES[name]
    answer = weighed("responses", body)
    assert request_faults("responses", body) == []
    assert answer_faults("responses", answer.body()) == []
    events = events_of(b"".join(responses_shapes.framed(answer.events())))
    assert [fault for event in events for fault in event_faults("responses", event)] == []
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert event_faults("responses", responses_shapes.failed(answer, "server_error")) == []


@pytest.mark.parametrize("name", RESPONSES)
def test_deltas_add_up_to_the_items_that_are_done_and_these_are_the_response(name: str):
    answer = weighed("responses", RESPONSES[name])
    texts: dict[tuple[str, str], str] = {}
    done: dict[int, Any] = {}
    for event in answer.events():
        kind = event["type"].removeprefix("response.")
        if kind.endswith(".delta"):
            place = (event["item_id"], kind.removesuffix(".delta"))
            texts[place] = texts.get(place, "") + event["delta"]
        elif kind.endswith(".done") and (
            whole := event.get("text", event.get("arguments", event.get("input", event.get("refusal"))))
        ):
            assert texts.pop((event["item_id"], kind.removesuffix(".done"))) == whole
        elif kind == "output_item.done":
            done[event["output_index"]] = event["item"]
    assert texts == {}
    assert [done[at] for at in sorted(done)] == answer.body()["output"]


@pytest.mark.parametrize("name", CHATS)
def test_chunks_add_up_to_the_answer(name: str):
    answer = weighed("chat", CHATS[name])
    said, refused, calls = "", "", {}
    for chunk in answer.chunks(usage=False):
        delta = chunk["choices"][0]["delta"]
        said += delta.get("content") or ""
        refused += delta.get("refusal") or ""
        for part in delta.get("tool_calls", ()):
            call = calls.setdefault(part["index"], {"id": part.get("id"), "arguments": ""})
            call["arguments"] += part["function"]["arguments"]
    message = answer.body()["choices"][0]["message"]
    whole = [{"id": c["id"], "arguments": c["function"]["arguments"]} for c in message.get("tool_calls", ())]
    assert (said or None, refused or None) == (message["content"], message["refusal"])
    assert list(calls.values()) == whole


@pytest.mark.parametrize(
    ("flavour", "more"),
    [
        ("deepseek", ["prompt_cache_hit_tokens", "prompt_cache_miss_tokens", "reasoning_content"]),
        ("xai", ["reasoning_content"]),
        ("openrouter", ["cost", "reasoning", "reasoning_details"]),
        ("local", ["reasoning_content"]),
    ],
)
def test_what_other_providers_add_is_all_that_they_add(flavour: str, more: list[str]):
    answer = weighed("chat", chat(model="some/model"), flavour)
    found = answer_faults("chat", answer.body())
    found += [fault for chunk in answer.chunks(usage=True) for fault in event_faults("chat", chunk)]
    assert sorted({fault.split(":")[0].rpartition(".")[2] for fault in found}) == more


def test_a_local_server_shows_its_thoughts_as_they_are_and_counts_no_cache():
    answer = weighed("responses", responses(), "local")
    events = list(answer.events())
    assert [fault for event in events for fault in event_faults("responses", event)] == []
    assert "response.reasoning_text.delta" in [event["type"] for event in events]
    assert "prompt_tokens_details" not in weighed("chat", chat(), "local").usage


def test_thoughts_of_openais_own_models_are_counted_and_never_shown_in_chat():
    answer = weighed("chat", chat("files", tools=[CHAT_TOOL]))
    assert answer.usage["completion_tokens_details"]["reasoning_tokens"] == 3
    assert "Hm, files." not in json.dumps([answer.body(), *answer.chunks(usage=True)])


def test_xai_leaves_thoughts_out_of_the_completion_and_only_the_total_has_them():
    usage = weighed("chat", chat(model="grok-4"), "xai").usage
    thought = usage["completion_tokens_details"]["reasoning_tokens"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] + thought > 0


@pytest.mark.parametrize("refusal", STATUSES.values(), ids=lambda refusal: str(refusal.status))
def test_errors_are_the_sdks(refusal: Any):
    assert error_faults("chat", refusal.body()) == []


def test_a_body_that_is_none_is_refused_in_the_same_shape():
    for raw in (b"{", b"[]", b"\xff"):
        with pytest.raises(Refused) as caught:
            upstream().weigh("chat", raw, SENDER, now=0.0)
        assert error_faults("chat", caught.value.refusal.body()) == []


def test_embeddings_are_the_sdks():
    assert faults(CreateEmbeddingResponse, embedded({"model": "m", "input": "hi"})) == []
    assert isinstance(
        embedded({"model": "m", "input": [1, 2], "encoding_format": "base64"})["data"][0]["embedding"], str
    )
