"""The simulated OpenAI as its own SDK sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from support.openai_side import CHAT_TOOL, CUSTOM, NAMESPACE, TOOL, chat, responses, sdk, serving
from synrouter_cli.demo.api import Provider


@pytest.fixture
async def served() -> AsyncIterator[tuple[str, Provider]]:
    async with serving() as both:
        yield both


@pytest.fixture
async def client(served: tuple[str, Provider]) -> AsyncIterator[openai.AsyncOpenAI]:
    async with sdk(served[0]) as client:
        yield client


async def test_chat_streams_a_tool_loop_to_its_end(client: openai.AsyncOpenAI, served: tuple[str, Provider]):
    asked: dict[str, Any] = chat("which files?", tools=[CHAT_TOOL])
    async with client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
        first = await stream.get_final_completion()
    message = first.choices[0].message
    assert (message.content, first.choices[0].finish_reason) == ("I look.", "tool_calls")
    assert [call.function.arguments for call in message.tool_calls or ()] == ['{"command":"ls -la"}']
    asked["messages"] += [
        message.model_dump(exclude_none=True, exclude={"parsed", "tool_calls"})
        | {"tool_calls": [{"id": c.id, "type": "function", "function": {"name": c.function.name, "arguments": c.function.arguments}} for c in message.tool_calls or ()]},
        {"role": "tool", "tool_call_id": (message.tool_calls or [])[0].id, "content": "a b"},
    ]  # fmt: skip
    last = await client.chat.completions.create(**asked)
    assert (last.choices[0].message.content, last.choices[0].finish_reason) == ("Two files.", "stop")
    line = served[1].answered[0]
    assert first.usage and line.usage["total_tokens"] == first.usage.total_tokens
    assert (line.dialect, line.tools, line.streamed, line.complete) == ("chat", 1, True, True)


async def test_interleaved_argument_deltas_come_out_as_two_whole_calls(client: openai.AsyncOpenAI):
    order = []
    stream = await client.chat.completions.create(**chat("both at once", tools=[CHAT_TOOL]), stream=True)
    texts = {0: "", 1: ""}
    async for chunk in stream:
        for call in chunk.choices[0].delta.tool_calls or ():
            order.append(call.index)
            texts[call.index] += (call.function and call.function.arguments) or ""
    assert order[:6] == [0, 0, 1, 1, 0, 1]
    assert list(texts.values()) == [
        '{"command":"cat a_file_with_a_long_name"}',
        '{"command":"cat another_file_with_a_name"}',
    ]


async def test_responses_stream_a_tool_loop_with_sealed_reasoning(client: openai.AsyncOpenAI):
    asked: dict[str, Any] = responses(
        "which files?",
        tools=[TOOL],
        store=False,
        include=["reasoning.encrypted_content"],
        reasoning={"summary": "auto"},
    )
    async with client.responses.stream(**asked) as stream:
        first = await stream.get_final_response()
    assert [item.type for item in first.output] == ["reasoning", "message", "function_call"]
    reasoning, _, call = (item.model_dump(exclude_none=True) for item in first.output)
    assert reasoning["summary"][0]["text"] == "Hm, files."
    assert reasoning["encrypted_content"].startswith("gAAA")
    outputs = [item.model_dump(exclude_none=True, exclude={"parsed_arguments", "parsed"}) for item in first.output]
    for part in outputs[1]["content"]:
        part.pop("parsed", None)
    asked["input"] += [*outputs, {"type": "function_call_output", "call_id": call["call_id"], "output": "a b"}]
    last = await client.responses.create(**asked)
    assert (last.output_text, last.status) == ("Two files.", "completed")

    reasoning_item = next(item for item in asked["input"] if item.get("type") == "reasoning")
    reasoning_item["encrypted_content"] = reasoning_item["encrypted_content"][:-8] + "AAAAAAA="
    with pytest.raises(openai.BadRequestError) as caught:
        await client.responses.create(**asked)
    assert caught.value.code == "invalid_encrypted_content"


async def test_responses_call_freeform_and_namespaced_tools(client: openai.AsyncOpenAI):
    async with client.responses.stream(**responses("patch it", tools=[CUSTOM, NAMESPACE])) as stream:
        events = [event.type async for event in stream]
        final = await stream.get_final_response()
    custom, function = final.output
    assert custom.type == "custom_tool_call"
    assert custom.input == "*** Begin Patch\n*** End Patch"
    assert function.type == "function_call"
    assert (function.namespace, function.name, function.arguments) == ("web", "search", '{"q":"π"}')
    assert "response.custom_tool_call_input.done" in events


async def test_a_stored_response_is_gone_on_from_and_an_unknown_one_is_a_400(client: openai.AsyncOpenAI):
    first = await client.responses.create(**responses("which files?", tools=[TOOL]))
    call = next(item for item in first.output if item.type == "function_call")
    result: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "a b"}]
    last = await client.responses.create(model="gpt-5", previous_response_id=first.id, input=result, tools=[TOOL])
    assert last.output_text == "Two files."
    with pytest.raises(openai.BadRequestError) as caught:
        await client.responses.create(model="gpt-5", previous_response_id="resp_none", input=result)
    assert caught.value.code == "previous_response_not_found"


async def test_models_embeddings_and_counting(client: openai.AsyncOpenAI, served: tuple[str, Provider]):
    assert "gpt-5" in [model.id async for model in client.models.list()]
    embedding = {"model": "text-embedding-3-small", "input": ["one", "two", "one"], "dimensions": 4}
    one, two, again = (e.embedding for e in (await client.embeddings.create(**embedding)).data)
    assert one == again != two
    assert len(one) == 4
    floats = await client.embeddings.create(**embedding, encoding_format="float")
    assert floats.data[0].embedding == pytest.approx(one)
    counted = await client.responses.input_tokens.count(model="gpt-5", input="hi there")
    answer = await client.responses.create(model="gpt-5", input="hi there")
    assert answer.usage and counted.input_tokens == answer.usage.input_tokens


async def test_an_answer_past_its_limit_is_cut_and_says_so(client: openai.AsyncOpenAI):
    cut = await client.chat.completions.create(**chat(max_completion_tokens=20))
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage and cut.usage.completion_tokens == 20
    async with client.responses.stream(**responses(max_output_tokens=20)) as stream:
        types = [event.type async for event in stream]
    assert types[-1] == "response.incomplete"


async def test_a_custom_tool_of_chat_streams_its_free_text(client: openai.AsyncOpenAI):
    tool = {"type": "custom", "custom": {"name": "apply_patch"}}
    whole = await client.chat.completions.create(**chat("patch it", tools=[tool]))
    call = (whole.choices[0].message.tool_calls or [])[0]
    assert call.type == "custom"
    assert call.custom.input == "*** Begin Patch\n*** End Patch"


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_errors_are_those_that_the_sdk_knows(client: openai.AsyncOpenAI, status: int):
    with pytest.raises(openai.APIStatusError) as caught:
        await client.chat.completions.create(**chat(), extra_headers={"x-demo-fault": f"{status}:3"})
    assert caught.value.status_code == status
    assert caught.value.response.headers["retry-after"] == "3"


async def test_an_error_in_the_middle_is_the_sdks_exception_or_a_failed_response(client: openai.AsyncOpenAI):
    fault = {"x-demo-fault": "error-event"}
    stream = await client.chat.completions.create(**chat(), stream=True, extra_headers=fault)
    with pytest.raises(openai.APIError):
        [chunk async for chunk in stream]
    events = await client.responses.create(**responses(), stream=True, extra_headers=fault)
    last = [event async for event in events][-1]
    assert last.type == "response.failed"
    assert last.response.error and last.response.error.code == "server_error"
