"""The real `anthropic` SDK against providers of every dialect: it gets what Anthropic's own API would give it."""

from __future__ import annotations

from typing import Any

import anthropic
import pydantic
import pytest
from anthropic.types import Message, MessageParam, ParsedMessage

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
TOOL: Any = {"name": "get_weather", "description": "Tells it.", "input_schema": SCHEMA}


class Person(pydantic.BaseModel):
    name: str
    age: int
    tags: list[str]


def said(words: Any, **more: Any) -> Any:
    return {"max_tokens": 4000, "messages": [{"role": "user", "content": words}], **more}


def texts(message: Message | ParsedMessage[Any]) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def results(message: Message, content: str = "rain") -> MessageParam:
    """The tools' results in the reverse order of their calls."""
    calls = [block.id for block in message.content if block.type == "tool_use"]
    return {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": call, "content": content} for call in reversed(calls)],
    }


@every
def test_a_plain_answer_has_its_text_its_reason_and_the_counts_of_the_books(claude, here: World, model: str):
    answer = claude.messages.create(model=model, **said("hi"))
    assert [block.type for block in answer.content] == ["text"]
    assert (texts(answer), answer.model, answer.role, answer.type) == (HELLO, model, "assistant", "message")
    assert (answer.stop_reason, answer.stop_sequence) == ("end_turn", None)
    assert answer.id.startswith("msg_")
    assert (answer._request_id or "").startswith("req_")
    assert counted(answer.usage.model_dump()) == here.billed(model)
    assert answer.usage.service_tier == "standard"


@every
def test_a_stream_comes_to_the_same_message(claude, here: World, model: str):
    with claude.messages.stream(model=model, **said("hi")) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert len(pieces) > 1
    assert "".join(pieces) == HELLO == texts(final)
    whole = claude.messages.create(model=model, **said("hi"))
    assert (final.content[0].text, final.model, final.stop_reason) == (HELLO, model, "end_turn")
    assert counted(final.usage.model_dump()) == counted(whole.usage.model_dump()) == here.billed(model)
    assert (stream.request_id or "").startswith("req_")


@every
def test_events_of_a_stream_come_in_the_order_of_the_api(claude, model: str):
    with claude.messages.create(model=model, stream=True, **said("hi")) as stream:
        types = [event.type for event in stream]
    assert types[0] == "message_start"
    assert types[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(types[1:-3]) <= {"content_block_start", "content_block_delta", "ping"}


@every
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_tool_is_called_and_its_result_leads_to_an_answer(claude, model: str, streamed: bool):
    asked = said("The weather in Zürich?", tools=[TOOL])
    if streamed:
        with claude.messages.stream(model=model, **asked) as stream:
            snapshots = [event.snapshot for event in stream if event.type == "input_json"]
            first = stream.get_final_message()
        assert snapshots[-1] == ZURICH
    else:
        first = claude.messages.create(model=model, **asked)
    assert first.stop_reason == "tool_use"
    [call] = [block for block in first.content if block.type == "tool_use"]
    assert (call.name, call.input, texts(first)) == ("get_weather", ZURICH, "I look.")
    asked["messages"] += [{"role": "assistant", "content": first.content}, results(first)]
    last = claude.messages.create(model=model, **asked)
    assert (texts(last), last.stop_reason) == (RAIN, "end_turn")


@every
@pytest.mark.parametrize("words", ["both towns", "both at once"], ids=["apart", "interleaved"])
def test_two_tools_at_once_come_whole_and_their_results_in_any_order(claude, model: str, words: str):
    asked = said(words, tools=[TOOL], tool_choice={"type": "auto"})
    with claude.messages.stream(model=model, **asked) as stream:
        first = stream.get_final_message()
    calls = [block for block in first.content if block.type == "tool_use"]
    assert [call.input for call in calls] == [ZURICH, BERGAMO]
    assert len({call.id for call in calls}) == 2
    whole = claude.messages.create(model=model, **asked)
    assert [block.input for block in whole.content if block.type == "tool_use"] == [ZURICH, BERGAMO]
    asked["messages"] += [{"role": "assistant", "content": first.content}, results(first)]
    assert texts(claude.messages.create(model=model, **asked)) == "Rain in both."


@every
def test_the_tool_runner_goes_round_by_itself(claude, model: str):
    @anthropic.beta_tool
    def get_weather(city: str, days: int) -> str:
        """Tells the weather.

        Args:
            city: where
            days: how many
        """
        asked.append((city, days))
        return "rain"

    asked: list[Any] = []
    runner = claude.beta.messages.tool_runner(model=model, tools=[get_weather], **said("The weather in Zürich?"))
    assert texts(runner.until_done()) == RAIN
    assert asked == [("Zürich", 2)]


@thinkers
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_thinking_is_shown_and_taken_back_over_two_turns(claude, here: World, model: str, streamed: bool):
    asked = said("The weather in Zürich?", tools=[TOOL], thinking={"type": "adaptive", "display": "summarized"})

    def answered() -> Message:
        if not streamed:
            return claude.messages.create(model=model, **asked)
        with claude.messages.stream(model=model, **asked) as stream:
            return stream.get_final_message()

    first = answered()
    assert [block.type for block in first.content] == ["thinking", "text", "tool_use"]
    assert first.content[0].thinking == THOUGHT
    assert first.content[0].signature
    asked["messages"] += [{"role": "assistant", "content": first.content}, results(first)]
    second = answered()
    asked["messages"] += [{"role": "assistant", "content": second.content}, {"role": "user", "content": "And then?"}]
    third = answered()
    assert [block.type for block in third.content] == ["thinking", "text"]
    assert (texts(second), texts(third)) == (RAIN, "Sun.")
    assert {line["status"] for line in here.lines()[-3:]} == {200}


@every
def test_a_parsed_answer_is_an_object_of_the_asked_class(claude, model: str):
    parsed = claude.messages.parse(model=model, output_format=Person, **said("Who wrote it?"))
    assert parsed.parsed_output == Person(**ADA)
    with claude.messages.stream(model=model, output_format=Person, **said("Who wrote it?")) as stream:
        assert stream.get_final_message().parsed_output == Person(**ADA)


@every
def test_an_image_is_seen(claude, here: World, model: str):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    answer = claude.messages.create(model=model, **said([{"type": "text", "text": "hi"}, image]))
    plain = claude.messages.create(model=model, **said("hi"))
    assert texts(answer) == HELLO
    assert answer.usage.input_tokens > plain.usage.input_tokens


@every
def test_a_long_system_prompt_is_read_from_the_cache_the_second_time(claude, here: World, model: str):
    asked = said("hi", system=f"{model}: {SYSTEM}")
    first = claude.messages.create(model=model, **asked)
    assert first.usage.cache_read_input_tokens == 0
    asked["messages"] += [{"role": "assistant", "content": texts(first)}, {"role": "user", "content": "And?"}]
    with claude.messages.stream(model=model, **asked) as stream:
        second = stream.get_final_message()
    assert second.usage.cache_read_input_tokens > 3000
    assert counted(second.usage.model_dump()) == here.billed(model)


@every
def test_an_answer_past_its_limit_says_so(claude, model: str):
    answer = claude.messages.create(model=model, **said("hi", max_tokens=16))
    assert (answer.stop_reason, answer.usage.output_tokens) == ("max_tokens", 16)


@every
@pytest.mark.parametrize(
    ("words", "error", "kind"),
    [
        ("too often", anthropic.RateLimitError, "rate_limit_error"),
        ("too wrong", anthropic.BadRequestError, "invalid_request_error"),
        ("too busy", anthropic.OverloadedError, "overloaded_error"),
        ("too unknown", anthropic.NotFoundError, "not_found_error"),
    ],
)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_an_error_is_the_exception_of_the_sdk(claude, model: str, words: str, error, kind: str, streamed: bool):
    with pytest.raises(anthropic.APIStatusError) as caught:
        claude.messages.create(model=model, stream=streamed, **said(words))
    assert type(caught.value) is error
    assert caught.value.type == kind
    assert (caught.value.request_id or "").startswith("req_")
    assert caught.value.response.headers.get("retry-after") == ("7" if words == "too often" else None)


@every
def test_an_error_in_the_middle_of_a_stream_is_raised(claude, model: str):
    with (
        pytest.raises(anthropic.APIStatusError) as caught,
        claude.messages.stream(model=model, **said("breaks off")) as stream,
    ):
        stream.get_final_message()
    assert caught.value.type in ("overloaded_error", "api_error")


def test_a_wrong_token_is_told_as_the_api_does(claude, here: World):
    with pytest.raises(anthropic.AuthenticationError) as refused:
        claude.with_options(api_key="sk-sr-local-wrong").messages.create(model="claude-opus-4-8", **said("hi"))
    assert refused.value.type == "authentication_error"


@every
def test_tokens_are_counted(claude, model: str):
    count = claude.messages.count_tokens(model=model, messages=[{"role": "user", "content": "hi"}], system=SYSTEM)
    assert 3000 < count.input_tokens < 7000


def test_models_are_listed_and_found(claude):
    listed = [model.id for model in claude.models.list()]
    assert {*MODELS.values()} & {*listed}
    found = claude.models.retrieve("claude-opus-4-8")
    assert (found.type, found.id) == ("model", "claude-opus-4-8")
    assert found.display_name


async def test_the_asynchronous_client_does_the_same(here: World):
    async with anthropic.AsyncAnthropic(api_key=here.token, base_url=here.proxy.url, max_retries=0) as client:
        for model in MODELS.values():
            async with client.messages.stream(model=model, **said("hi")) as stream:
                assert "".join([piece async for piece in stream.text_stream]) == HELLO
            assert texts(await client.messages.create(model=model, **said("hi"))) == HELLO
