"""The real `openai` SDK's Chat Completions against providers of every dialect."""

from __future__ import annotations

import json
from typing import Any

import openai
import pydantic
import pytest

from support.sdks import (
    ADA,
    BERGAMO,
    HELLO,
    MODELS,
    PNG,
    RAIN,
    SCHEMA,
    SYSTEM,
    THINKERS,
    THOUGHT,
    ZURICH,
    World,
    counted,
)

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("sdks")]

every = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
thinkers = pytest.mark.parametrize("model", THINKERS.values(), ids=THINKERS)
TOOL: Any = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA, "strict": True}}
USAGE: Any = {"include_usage": True}


class Person(pydantic.BaseModel):
    name: str
    age: int
    tags: list[str]


def said(words: Any, **more: Any) -> Any:
    return {"messages": [{"role": "user", "content": words}], **more}


def given_back(message: Any) -> dict[str, Any]:
    """A message as it goes back, with whatever else the provider put into it."""
    kept = message.model_dump(exclude_none=True, exclude={"parsed"})
    for call in kept.get("tool_calls", ()):
        call["function"].pop("parsed_arguments", None)
        call.pop("index", None)
    return kept


def results(message: Any) -> list[Any]:
    calls = [call.id for call in message.tool_calls]
    return [{"role": "tool", "tool_call_id": call, "content": "rain"} for call in reversed(calls)]


@every
def test_a_plain_answer_has_its_text_its_reason_and_the_counts_of_the_books(gpt, here: World, model: str):
    answer = gpt.chat.completions.create(model=model, **said("hi"))
    [choice] = answer.choices
    assert (choice.message.content, choice.message.role, choice.finish_reason) == (HELLO, "assistant", "stop")
    assert (choice.index, choice.message.refusal, choice.message.tool_calls) == (0, None, None)
    assert (answer.model, answer.object) == (model, "chat.completion")
    assert answer.created > 1_700_000_000
    assert (answer._request_id or "").startswith("req_")
    assert counted(answer.usage.model_dump()) == here.billed(model)
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


@every
def test_a_stream_comes_to_the_same_completion(gpt, here: World, model: str):
    with gpt.chat.completions.stream(model=model, stream_options=USAGE, **said("hi")) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()
    assert len(pieces) > 1
    assert "".join(pieces) == HELLO == final.choices[0].message.content
    assert (final.model, final.choices[0].finish_reason) == (model, "stop")
    assert counted(final.usage.model_dump()) == here.billed(model)


@every
def test_chunks_bear_one_id_the_asked_model_and_usage_only_when_asked(gpt, model: str):
    chunks = list(gpt.chat.completions.create(model=model, stream=True, **said("hi")))
    assert {chunk.model for chunk in chunks} == {model}
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None and len(chunk.choices) == 1 for chunk in chunks)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks][-1] == "stop"
    counting = list(gpt.chat.completions.create(model=model, stream=True, stream_options=USAGE, **said("hi")))
    assert counting[-1].choices == []
    assert counting[-1].usage.completion_tokens > 0


@every
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_tool_is_called_and_its_result_leads_to_an_answer(gpt, model: str, streamed: bool):
    asked = said("The weather in Zürich?", tools=[TOOL])
    if streamed:
        with gpt.chat.completions.stream(model=model, **asked) as stream:
            done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
            first = stream.get_final_completion()
        assert [(event.name, event.index, event.parsed_arguments) for event in done] == [("get_weather", 0, ZURICH)]
    else:
        first = gpt.chat.completions.parse(model=model, **asked)
    assert first.choices[0].finish_reason == "tool_calls"
    message = first.choices[0].message
    [call] = message.tool_calls
    assert (call.type, call.function.name, call.function.parsed_arguments) == ("function", "get_weather", ZURICH)
    assert message.content == "I look."
    asked["messages"] += [given_back(message), *results(message)]
    last = gpt.chat.completions.create(model=model, **asked)
    assert (last.choices[0].message.content, last.choices[0].finish_reason) == (RAIN, "stop")


@every
def test_two_tools_at_once_come_whole_and_their_results_in_any_order(gpt, model: str):
    asked = said("The weather of both towns?", tools=[TOOL], parallel_tool_calls=True)
    with gpt.chat.completions.stream(model=model, **asked) as stream:
        message = stream.get_final_completion().choices[0].message
    assert [call.function.parsed_arguments for call in message.tool_calls] == [ZURICH, BERGAMO]
    assert len({call.id for call in message.tool_calls}) == 2
    whole = gpt.chat.completions.parse(model=model, **asked).choices[0].message
    assert [call.function.parsed_arguments for call in whole.tool_calls] == [ZURICH, BERGAMO]
    asked["messages"] += [given_back(message), *results(message)]
    assert gpt.chat.completions.create(model=model, **asked).choices[0].message.content == "Rain in both."


@every
def test_calls_whose_pieces_a_provider_interleaves_come_whole(gpt, model: str):
    asked = said("both at once", tools=[TOOL])
    texts, order = {}, []
    for chunk in gpt.chat.completions.create(model=model, stream=True, **asked):
        for call in chunk.choices[0].delta.tool_calls or ():
            order.append(call.index)
            texts[call.index] = texts.get(call.index, "") + call.function.arguments
    assert [json.loads(text) for text in texts.values()] == [ZURICH, BERGAMO]
    if model != MODELS["chat"]:  # there they go through as they come
        assert order == sorted(order)
        with gpt.chat.completions.stream(model=model, **asked) as stream:
            message = stream.get_final_completion().choices[0].message
        assert [call.function.parsed_arguments for call in message.tool_calls] == [ZURICH, BERGAMO]


@thinkers
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_reasoning_is_shown_and_taken_back_over_two_turns(gpt, here: World, model: str, streamed: bool):
    asked = said("The weather in Zürich?", tools=[TOOL], reasoning_effort="medium")

    def answered() -> Any:
        if not streamed:
            return gpt.chat.completions.create(model=model, **asked).choices[0].message
        with gpt.chat.completions.stream(model=model, **asked) as stream:
            return stream.get_final_completion().choices[0].message

    first = answered()
    if model != MODELS["responses"]:  # of OpenAI's models only a summary is shown, and nobody asked for one
        assert first.reasoning_content == THOUGHT
    asked["messages"] += [given_back(first), *results(first)]
    second = answered()
    asked["messages"] += [given_back(second), {"role": "user", "content": "And then?"}]
    third = answered()
    assert (second.content, third.content) == (RAIN, "Sun.")


@every
def test_a_parsed_answer_is_an_object_of_the_asked_class(gpt, model: str):
    parsed = gpt.chat.completions.parse(model=model, response_format=Person, **said("Who wrote it?"))
    assert parsed.choices[0].message.parsed == Person(**ADA)
    with gpt.chat.completions.stream(model=model, response_format=Person, **said("Who wrote it?")) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == Person(**ADA)


@every
def test_a_tool_of_a_class_is_parsed_too(gpt, model: str):
    tool = openai.pydantic_function_tool(Person)
    asked = said("Say it by a tool", tools=[tool], tool_choice={"type": "function", "function": {"name": "Person"}})
    message = gpt.chat.completions.parse(model=model, **asked).choices[0].message
    assert message.tool_calls[0].function.parsed_arguments == Person(**ADA)


@every
def test_an_image_is_seen(gpt, model: str):
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "high"}}
    answer = gpt.chat.completions.create(model=model, **said([{"type": "text", "text": "hi"}, image]))
    plain = gpt.chat.completions.create(model=model, **said("hi"))
    assert answer.choices[0].message.content == HELLO
    assert answer.usage.prompt_tokens > plain.usage.prompt_tokens


@every
def test_a_long_system_prompt_is_read_from_the_cache_the_second_time(gpt, here: World, model: str):
    asked = said("hi")
    asked["messages"].insert(0, {"role": "system", "content": f"chat {model}: {SYSTEM}"})
    first = gpt.chat.completions.create(model=model, **asked)
    assert first.usage.prompt_tokens_details.cached_tokens == 0
    asked["messages"] += [given_back(first.choices[0].message), {"role": "user", "content": "And?"}]
    with gpt.chat.completions.stream(model=model, stream_options=USAGE, **asked) as stream:
        second = stream.get_final_completion()
    assert second.usage.prompt_tokens_details.cached_tokens > 3000
    assert counted(second.usage.model_dump()) == here.billed(model)


@every
def test_an_answer_past_its_limit_says_so(gpt, model: str):
    answer = gpt.chat.completions.create(model=model, max_completion_tokens=16, **said("hi"))
    assert (answer.choices[0].finish_reason, answer.usage.completion_tokens) == ("length", 16)


@every
@pytest.mark.parametrize(
    ("words", "error", "status"),
    [
        ("too often", openai.RateLimitError, {429}),
        ("too wrong", openai.BadRequestError, {400}),
        ("too busy", openai.InternalServerError, {503, 529}),
        ("too unknown", openai.NotFoundError, {404}),
    ],
)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_an_error_is_the_exception_of_the_sdk(gpt, model: str, words: str, error, status: set[int], streamed: bool):
    with pytest.raises(openai.APIStatusError) as caught:
        gpt.chat.completions.create(model=model, stream=streamed, **said(words))
    assert type(caught.value) is error
    assert caught.value.status_code in status
    assert (caught.value.request_id or "").startswith("req_")
    assert caught.value.response.headers.get("retry-after") == ("7" if words == "too often" else None)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["message"]


@every
def test_an_error_in_the_middle_of_a_stream_is_raised(gpt, model: str):
    stream = gpt.chat.completions.create(model=model, stream=True, **said("breaks off"))
    with pytest.raises(openai.APIError):
        list(stream)


def test_a_wrong_token_is_told_as_the_api_does(gpt):
    with pytest.raises(openai.AuthenticationError):
        gpt.with_options(api_key="sk-sr-local-wrong").chat.completions.create(model="gpt-5.5", **said("hi"))


def test_models_are_listed_and_found(gpt):
    listed = [model.id for model in gpt.models.list()]
    assert {"claude-opus-4-8", "gpt-5.5"} <= {*listed}
    found = gpt.models.retrieve("claude-opus-4-8")
    assert (found.object, found.id, found.owned_by) == ("model", "claude-opus-4-8", "anthropic")


def test_embeddings_come_from_a_provider_that_has_them_and_from_no_other(gpt):
    one, two, again = gpt.embeddings.create(model="text-embedding-3-small", input=["one", "two", "one"]).data
    assert one.embedding == again.embedding != two.embedding
    floats = gpt.embeddings.create(model="text-embedding-3-small", input="one", encoding_format="float")
    assert floats.data[0].embedding == pytest.approx(one.embedding)
    assert floats.usage.prompt_tokens == floats.usage.total_tokens > 0
    with pytest.raises(openai.NotFoundError):
        gpt.embeddings.create(model="claude-opus-4-8", input="one")


async def test_the_asynchronous_client_does_the_same(here: World):
    async with openai.AsyncOpenAI(api_key=here.token, base_url=f"{here.proxy.url}/v1", max_retries=0) as client:
        for model in MODELS.values():
            async with client.chat.completions.stream(model=model, **said("hi")) as stream:
                pieces = [event.delta async for event in stream if event.type == "content.delta"]
            assert "".join(pieces) == HELLO
            answer = await client.chat.completions.create(model=model, **said("hi"))
            assert answer.choices[0].message.content == HELLO
