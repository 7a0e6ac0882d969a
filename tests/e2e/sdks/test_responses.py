"""The real `openai` SDK's Responses against providers of every dialect."""

from __future__ import annotations

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
TOOL: Any = {"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": True}
STATELESS: Any = {"store": False, "include": ["reasoning.encrypted_content"]}


class Person(pydantic.BaseModel):
    name: str
    age: int
    tags: list[str]


def said(words: Any, **more: Any) -> Any:
    return {"input": [{"role": "user", "content": words}], **more}


def given_back(response: Any) -> list[Any]:
    """The output items as they go back."""
    items = [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in response.output]
    for item in items:
        for part in item.get("content", ()):
            part.pop("parsed", None)
    return items


def calls(response: Any) -> list[Any]:
    return [item for item in response.output if item.type == "function_call"]


def results(response: Any) -> list[Any]:
    ids = [call.call_id for call in calls(response)]
    return [{"type": "function_call_output", "call_id": ident, "output": "rain"} for ident in reversed(ids)]


@every
def test_a_plain_answer_has_its_text_its_status_and_the_counts_of_the_books(gpt, here: World, model: str):
    answer = gpt.responses.create(model=model, input="hi", reasoning={"effort": "none"})
    assert [item.type for item in answer.output] == ["message"]
    assert (answer.output_text, answer.model, answer.object, answer.status) == (HELLO, model, "response", "completed")
    assert (answer.error, answer.incomplete_details) == (None, None)
    assert answer.id.startswith("resp_")
    assert (answer._request_id or "").startswith("req_")
    assert counted(answer.usage.model_dump()) == here.billed(model)
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


@every
def test_a_stream_comes_to_the_same_response(gpt, here: World, model: str):
    with gpt.responses.stream(model=model, input="hi") as stream:
        events = list(stream)
        final = stream.get_final_response()
    pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(pieces) > 1
    assert "".join(pieces) == HELLO == final.output_text
    assert (final.model, final.status) == (model, "completed")
    assert counted(final.usage.model_dump()) == here.billed(model)


@every
def test_events_are_numbered_and_name_the_model_as_it_was_asked_for(gpt, model: str):
    events = list(gpt.responses.create(model=model, input="hi", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events][:2] == ["response.created", "response.in_progress"]
    assert events[-1].type == "response.completed"
    told = [event.response for event in events if hasattr(event, "response")]
    assert {response.model for response in told} == {model}
    assert len({response.id for response in told}) == 1


@every
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_tool_is_called_and_its_result_leads_to_an_answer(gpt, model: str, streamed: bool):
    asked = said("The weather in Zürich?", tools=[TOOL], **STATELESS)
    if streamed:
        with gpt.responses.stream(model=model, **asked) as stream:
            done = [event for event in stream if event.type == "response.function_call_arguments.done"]
            first = stream.get_final_response()
        assert len(done) == 1
    else:
        first = gpt.responses.parse(model=model, **asked)
    [call] = calls(first)
    assert (call.name, call.parsed_arguments, call.status) == ("get_weather", ZURICH, "completed")
    assert (first.output_text, first.status) == ("I look.", "completed")
    asked["input"] += [*given_back(first), *results(first)]
    last = gpt.responses.create(model=model, **asked)
    assert (last.output_text, last.status) == (RAIN, "completed")


@every
@pytest.mark.parametrize("words", ["both towns", "both at once"], ids=["apart", "interleaved"])
def test_two_tools_at_once_come_whole_and_their_results_in_any_order(gpt, model: str, words: str):
    asked = said(words, tools=[TOOL], parallel_tool_calls=True, **STATELESS)
    with gpt.responses.stream(model=model, **asked) as stream:
        first = stream.get_final_response()
    assert [call.parsed_arguments for call in calls(first)] == [ZURICH, BERGAMO]
    assert len({call.call_id for call in calls(first)}) == 2
    whole = gpt.responses.parse(model=model, **asked)
    assert [call.parsed_arguments for call in calls(whole)] == [ZURICH, BERGAMO]
    asked["input"] += [*given_back(first), *results(first)]
    assert gpt.responses.create(model=model, **asked).output_text == "Rain in both."


@thinkers
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_reasoning_is_summed_up_and_taken_back_over_two_turns(gpt, here: World, model: str, streamed: bool):
    asked = said("The weather in Zürich?", tools=[TOOL], reasoning={"effort": "medium", "summary": "auto"}, **STATELESS)

    def answered() -> Any:
        if not streamed:
            return gpt.responses.create(model=model, **asked)
        with gpt.responses.stream(model=model, **asked) as stream:
            return stream.get_final_response()

    first = answered()
    assert [item.type for item in first.output] == ["reasoning", "message", "function_call"]
    assert first.output[0].summary[0].text == THOUGHT
    assert first.output[0].encrypted_content
    asked["input"] += [*given_back(first), *results(first)]
    second = answered()
    asked["input"] += [*given_back(second), {"role": "user", "content": "And then?"}]
    third = answered()
    assert [item.type for item in third.output] == ["reasoning", "message"]
    assert (second.output_text, third.output_text) == (RAIN, "Sun.")


@every
def test_a_parsed_answer_is_an_object_of_the_asked_class(gpt, model: str):
    parsed = gpt.responses.parse(model=model, text_format=Person, input="Who wrote it?")
    assert parsed.output_parsed == Person(**ADA)
    with gpt.responses.stream(model=model, text_format=Person, input="Who wrote it?") as stream:
        assert stream.get_final_response().output_parsed == Person(**ADA)


@every
def test_a_tool_of_a_class_is_parsed_too(gpt, model: str):
    tool = openai.pydantic_function_tool(Person)["function"]
    asked = said(
        "Say it by a tool", tools=[{"type": "function", **tool}], tool_choice={"type": "function", "name": "Person"}
    )
    [call] = calls(gpt.responses.parse(model=model, **asked))
    assert call.name == "Person"
    assert Person.model_validate_json(call.arguments) == Person(**ADA)


@every
def test_an_image_is_seen(gpt, model: str):
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
    answer = gpt.responses.create(model=model, **said([{"type": "input_text", "text": "hi"}, image]))
    plain = gpt.responses.create(model=model, input="hi")
    assert answer.output_text == HELLO
    assert answer.usage.input_tokens > plain.usage.input_tokens


@every
def test_long_instructions_are_read_from_the_cache_the_second_time(gpt, here: World, model: str):
    asked = said("hi", instructions=f"responses {model}: {SYSTEM}", **STATELESS)
    first = gpt.responses.create(model=model, **asked)
    assert first.usage.input_tokens_details.cached_tokens == 0
    asked["input"] += [*given_back(first), {"role": "user", "content": "And?"}]
    with gpt.responses.stream(model=model, **asked) as stream:
        second = stream.get_final_response()
    assert second.usage.input_tokens_details.cached_tokens > 3000
    assert counted(second.usage.model_dump()) == here.billed(model)


@every
def test_an_answer_past_its_limit_is_incomplete(gpt, model: str):
    answer = gpt.responses.create(model=model, max_output_tokens=16, input="hi")
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert answer.usage.output_tokens == 16
    with gpt.responses.stream(model=model, max_output_tokens=16, input="hi") as stream:
        assert [event.type for event in stream][-1] == "response.incomplete"


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
        gpt.responses.create(model=model, stream=streamed, input=words)
    assert type(caught.value) is error
    assert caught.value.status_code in status
    assert (caught.value.request_id or "").startswith("req_")
    assert caught.value.response.headers.get("retry-after") == ("7" if words == "too often" else None)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["message"]


@every
def test_an_error_in_the_middle_of_a_stream_is_a_failed_response(gpt, model: str):
    events = list(gpt.responses.create(model=model, stream=True, input="breaks off"))
    assert events[-1].type == "response.failed"
    assert events[-1].response.status == "failed"
    assert events[-1].response.error.code in ("server_error", "server_is_overloaded")
    assert events[-1].response.model == model


def test_an_earlier_response_is_gone_on_from_only_where_it_is_held(gpt):
    held = gpt.responses.create(model=MODELS["responses"], input="hi", store=True)
    after = gpt.responses.create(model=MODELS["responses"], input="And then?", previous_response_id=held.id)
    assert after.output_text == "Sun."
    for dialect in ("anthropic", "chat"):
        with pytest.raises(openai.BadRequestError) as caught:
            gpt.responses.create(model=MODELS[dialect], input="hi", previous_response_id=held.id)
        assert "previous_response_id" in str(caught.value)


@every
def test_tokens_are_counted(gpt, model: str):
    count = gpt.responses.input_tokens.count(model=model, input="hi", instructions=SYSTEM)
    assert count.object == "response.input_tokens"
    assert 3000 < count.input_tokens < 7000


async def test_the_asynchronous_client_does_the_same(here: World):
    async with openai.AsyncOpenAI(api_key=here.token, base_url=f"{here.proxy.url}/v1", max_retries=0) as client:
        for model in MODELS.values():
            async with client.responses.stream(model=model, input="hi") as stream:
                pieces = [event.delta async for event in stream if event.type == "response.output_text.delta"]
            assert "".join(pieces) == HELLO
            assert (await client.responses.create(model=model, input="hi")).output_text == HELLO
