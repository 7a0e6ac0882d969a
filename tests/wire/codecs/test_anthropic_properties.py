"""Properties of the Messages API's codec over made-up requests, answers and streams."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from synrouter_cli.wire.codecs.anthropic import CODEC
from synrouter_cli.wire.ir import (
    BlockEnded,
    BlockStarted,
    Cache,
    Delta,
    Document,
    Finished,
    Image,
    Message,
    Reasoning,
    RedactedThinking,
    Request,
    Response,
    Source,
    Started,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from synrouter_cli.wire.usage import Usage
from wire.oracle import request_faults

ASKED = Request("claude-opus-4-8")
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
IDS = st.from_regex(r"toolu_[A-Za-z0-9]{4}", fullmatch=True)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)
CACHES = st.none() | st.sampled_from([Cache(), Cache("5m"), Cache("1h")])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(WORDS, JSON, max_size=3).map(lambda value: json.dumps(value, ensure_ascii=False))
TEXTS = st.builds(Text, WORDS, CACHES)
IMAGES = st.builds(
    Image,
    st.builds(Source, st.just("base64"), st.just("iVBORw=="), st.just("image/png"))
    | st.builds(Source, st.just("url"), WORDS),
    CACHES,
)
DOCUMENTS = st.builds(
    Document, st.builds(Source, st.just("text"), WORDS, st.just("text/plain")), st.none() | WORDS, CACHES
)
RESULTS = st.builds(
    ToolResult,
    IDS,
    st.lists(TEXTS | IMAGES | DOCUMENTS, max_size=3).map(tuple),
    st.none() | st.booleans(),
    cache=CACHES,
) | st.builds(ToolResult, IDS, WORDS.map(lambda words: (Text(words),)), bare=st.just(True))
USES = st.builds(ToolUse, IDS, NAMES, ARGUMENTS, cache=CACHES)
THINKING = st.builds(Thinking, WORDS, st.just("EqQB")) | st.builds(RedactedThinking, st.just("EmwK"))
ASKED_TURNS = st.builds(
    Message, st.just("user"), st.lists(TEXTS | IMAGES | DOCUMENTS, min_size=1, max_size=3).map(tuple)
) | st.builds(Message, st.just("user"), WORDS.map(lambda words: (Text(words),)), st.just(True))
ANSWER_BLOCKS = st.lists(TEXTS | USES | THINKING, min_size=1, max_size=4).map(tuple)
ANSWERED = st.builds(Message, st.just("assistant"), ANSWER_BLOCKS)
TOLD = st.builds(Message, st.sampled_from(["system", "developer"]), TEXTS.map(lambda text: (text,)))
RESULT_TURNS = st.builds(Message, st.just("user"), st.lists(RESULTS, min_size=1, max_size=3).map(tuple))
TOOLS = st.builds(
    Tool,
    st.just("function"),
    NAMES,
    st.none() | WORDS,
    st.just({"type": "object", "properties": {}}),
    st.none() | st.booleans(),
    deferred=st.none() | st.booleans(),
    cache=CACHES,
)
REASONING = st.none() | st.sampled_from(
    [
        Reasoning("adaptive"),
        Reasoning("enabled", budget=2048, display="omitted"),
        Reasoning("disabled", "low"),
        Reasoning(None, "max"),
    ]
)
TURN = st.tuples(ASKED_TURNS, ANSWERED)
MESSAGES = st.tuples(st.lists(TURN, max_size=3), ASKED_TURNS | RESULT_TURNS).map(
    lambda it: (*(one for turn in it[0] for one in turn), it[1])
)
REQUESTS = st.builds(
    Request,
    st.just("claude-opus-4-6"),
    system=st.lists(TEXTS, max_size=2).map(tuple),
    messages=MESSAGES.filter(lambda many: many[0].role == "user"),
    tools=st.lists(TOOLS, min_size=1, max_size=3).map(tuple),
    tool_choice=st.none() | st.sampled_from([ToolChoice("auto"), ToolChoice("any"), ToolChoice("tool", "f")]),
    max_tokens=st.integers(1, 9999),
    top_k=st.none() | st.integers(1, 99),
    stop=st.lists(WORDS, max_size=2).map(tuple),
    stream=st.none() | st.booleans(),
    reasoning=REASONING,
    cache=CACHES,
    user=st.none() | WORDS,
    dialect=st.just("anthropic"),
)  # fmt: skip
FOREIGN = st.lists(
    st.tuples(
        st.lists(TOLD | ASKED_TURNS | RESULT_TURNS, min_size=1, max_size=4), st.lists(ANSWERED, min_size=1, max_size=2)
    ),
    min_size=1,
    max_size=4,
)


@given(REQUESTS)
@settings(max_examples=40, deadline=None)
def test_a_request_that_is_written_is_read_as_the_same(request):
    body, lost = CODEC.encode_request(request)
    assert lost == ()
    assert request_faults("anthropic", body) == []
    assert CODEC.decode_request(body)[0] == request


@given(REQUESTS)
@settings(max_examples=30, deadline=None)
def test_a_key_that_is_new_to_us_anywhere_changes_nothing_else(request):
    body = json.loads(CODEC.encode_request(request)[0])
    body["new"] = {"a": 1}
    for message in body["messages"]:
        message["new"] = 1
        for block in message["content"] if isinstance(message["content"], list) else []:
            block["new"] = [1]
    read, _ = CODEC.decode_request(json.dumps(body, ensure_ascii=False).encode())
    assert json.loads(CODEC.encode_request(read)[0]) == body


@given(FOREIGN, st.sampled_from(["claude-opus-4-8", "claude-haiku-4-5"]))
@settings(max_examples=40, deadline=None)
def test_a_longer_history_begins_with_the_bytes_of_the_shorter_one(turns, model):
    def written(messages):
        tools = (Tool("function", "f", schema={"type": "object"}),)
        hello = Message("user", (Text("hi"),))
        body, _ = CODEC.encode_request(Request(model, messages=(hello, *messages), tools=tools))
        assert request_faults("anthropic", body) == []
        text = body.decode()
        return text[text.index('"messages":[') : text.index(',"tools"')].removesuffix("]")

    history: list[Message] = []
    before = None
    for asked, answered in turns:
        history += asked
        now = written(history)
        assert before is None or now.startswith(before)
        before = now
        history += answered


@given(ANSWER_BLOCKS, st.sampled_from(["end_turn", "tool_use", "max_tokens"]), st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_an_answer_in_pieces_is_the_same_as_in_one(blocks, reason, output):
    usage = Usage(3, 4, 5, 6, output)
    blocks = tuple(replace(one, cache=None) if isinstance(one, Text | ToolUse) else one for one in blocks)
    whole = Response("msg_1", ASKED.model, blocks, reason, usage=usage)
    body, _ = CODEC.encode_response(whole, ASKED)
    encoder = CODEC.stream_encoder(ASKED)
    stream = b"".join(encoder.encode(event) for event in in_pieces(whole))
    decoder = CODEC.stream_decoder()
    assert gathered(decoder.feed(stream) + decoder.end()) == CODEC.decode_response(body)[0] == whole


@given(st.permutations([0, 0, 0, 1, 1, 1, 2, 2]))
@settings(max_examples=40, deadline=None)
def test_arguments_that_come_by_turns_go_out_one_call_after_the_other(order):
    pieces = {0: iter(['{"a"', ":", "0}"]), 1: iter(['{"a"', ":1", "}"]), 2: iter(['{"a":', "2}"])}
    events = [Started("msg_1", "m")]
    events += [BlockStarted(i, ToolUse(f"t{i}", f"f{i}", "")) for i in range(3)]
    events += [Delta(i, "arguments", next(pieces[i])) for i in order]
    events += [BlockEnded(i) for i in (1, 0, 2)]
    events.append(Finished("tool_use"))
    encoder, decoder = CODEC.stream_encoder(ASKED), CODEC.stream_decoder()
    read = decoder.feed(b"".join(encoder.encode(event) for event in events))
    starts = [one.index for one in read if isinstance(one, BlockStarted)]
    ends = [one.index for one in read if isinstance(one, BlockEnded)]
    assert starts == ends == [0, 1, 2]
    assert [block.arguments for block in gathered(read).blocks] == ['{"a":0}', '{"a":1}', '{"a":2}']


def in_pieces(response):
    """The events of an answer whose every block comes in two pieces."""
    yield Started(response.id, response.model, response.usage)
    for i, block in enumerate(response.blocks):
        if isinstance(block, Text):
            yield BlockStarted(i, Text(""))
            yield from (Delta(i, "text", one) for one in halves(block.text))
        elif isinstance(block, Thinking):
            yield BlockStarted(i, Thinking(""))
            yield from (Delta(i, "thinking", one) for one in halves(block.text))
            yield Delta(i, "signature", block.signature)
        elif isinstance(block, ToolUse):
            yield BlockStarted(i, replace(block, arguments=""))
            yield from (Delta(i, "arguments", one) for one in halves(block.arguments))
        else:
            yield BlockStarted(i, block)
        yield BlockEnded(i)
    yield Finished(response.stop_reason, usage=response.usage)


def halves(text):
    middle = len(text) // 2
    return [one for one in (text[:middle], text[middle:]) if one]


FIELDS = {"text": "text", "thinking": "text", "signature": "signature", "arguments": "arguments"}


def gathered(events):
    """A stream's events as the answer that they add up to."""
    started = next(one for one in events if isinstance(one, Started))
    finished = next(one for one in events if isinstance(one, Finished))
    blocks = {}
    for event in events:
        if isinstance(event, BlockStarted):
            blocks[event.index] = event.block
        elif isinstance(event, Delta):
            field = FIELDS[event.kind]
            block = blocks[event.index]
            blocks[event.index] = replace(block, **{field: getattr(block, field) + event.data})
    return Response(
        started.id,
        started.model,
        tuple(blocks.values()),
        finished.stop_reason,
        finished.stop_sequence,
        finished.usage,
        finished.reasoning_tokens,
    )
