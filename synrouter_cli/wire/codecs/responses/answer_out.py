"""`Response` → an answer in one piece. Ids of items are made of the answer's own id and their place.

>>> body, _ = encode_response(Response("msg_1", "claude-opus-5", (Text("Hi"),), "end_turn"), Request("claude"))
>>> body[:69]
b'{"id":"resp_1","object":"response","created_at":0,"status":"completed'
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from synrouter_cli.wire.codecs.disguise import Restorer
from synrouter_cli.wire.codecs.responses import reasoning
from synrouter_cli.wire.codecs.responses.calls import PREFIX, Names, call_type, write_call
from synrouter_cli.wire.codecs.responses.choices import write_choice
from synrouter_cli.wire.codecs.responses.counts import write_tier, write_usage
from synrouter_cli.wire.codecs.responses.endings import write_end
from synrouter_cli.wire.codecs.responses.parts import write_part
from synrouter_cli.wire.codecs.responses.reading import dump
from synrouter_cli.wire.codecs.responses.request_out import write_format
from synrouter_cli.wire.ir import (
    Block,
    Loss,
    Opaque,
    RedactedThinking,
    Refusal,
    Request,
    Response,
    Text,
    Thinking,
    ToolUse,
)
from synrouter_cli.wire.usage import Usage

Json = dict[str, Any]

_PREFIXES: Final = ("msg_", "resp_", "chatcmpl-", "gen-")
NOTHING: Final = "{}"
"""What a function without arguments is called with: clients read it as JSON."""
_UNSTATED: Final = frozenset({"local_shell_call", "custom_tool_call"})


def encode_response(response: Response, asked: Request) -> tuple[bytes, tuple[Loss, ...]]:
    losses: list[Loss] = []
    response = Restorer(asked).response(response)
    refused = any(isinstance(block, Refusal) for block in response.blocks)
    answer = frame(asked, response.id, response.created)
    answer["output"] = write_blocks(response, asked, losses)
    finish(answer, response.stop_reason, response.usage, response.reasoning_tokens, refused=refused)
    return dump(answer), tuple(losses)


def frame(asked: Request, given: str, created: int | None) -> Json:
    """An answer that has just begun: all that is known before anything is said."""
    thinking, form = asked.reasoning, asked.format
    return {
        "id": f"resp_{stem(given)}",
        "object": "response",
        "created_at": created or 0,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": asked.max_tokens,
        "model": asked.model,
        "output": [],
        "parallel_tool_calls": asked.parallel is not False,
        "previous_response_id": None,
        "reasoning": {
            "effort": thinking.effort if thinking else None,
            "summary": thinking.summary if thinking else None,
        },
        "temperature": asked.temperature,
        "text": {"format": write_format(form) if form is not None else {"type": "text"}},
        "tool_choice": write_choice(asked.tool_choice, asked.tools) if asked.tool_choice is not None else "auto",
        "tools": [],
        "top_p": asked.top_p,
        "truncation": "disabled",
        "usage": None,
        "metadata": dict(asked.metadata),
    }


def finish(answer: Json, stop: str | None, usage: Usage | None, thought: int | None, *, refused: bool) -> None:
    """Say in an answer how it ended and what it took."""
    answer["status"], reason = write_end(stop, refused=refused)
    if reason is not None:
        answer["incomplete_details"] = {"reason": reason}
    answer["usage"] = write_usage(usage if usage is not None else Usage(), thought)
    tier = write_tier(usage)
    if tier is not None:
        answer["service_tier"] = tier


def stem(given: str) -> str:
    """An answer's id without what says whose it is."""
    for prefix in _PREFIXES:
        given = given.removeprefix(prefix)
    return given or "0"


def write_blocks(response: Response, asked: Request, losses: list[Loss]) -> list[Json]:
    names, root = Names(asked.tools), stem(response.id)
    output: list[Json] = []
    for i, block in enumerate(response.blocks):
        if isinstance(block, Text | Refusal):
            parts = write_part(block, "assistant", f"content.{i}", losses)
            if not output or output[-1]["type"] != "message":
                output.append(message_item(root, len(output)))
            output[-1]["content"] += parts
            continue
        item = write_block(block, names, root, len(output), losses, f"content.{i}")
        if item is not None:
            output.append(item)
    return output


def message_item(root: str, place: int, status: str = "completed") -> Json:
    return {"type": "message", "id": f"msg_{root}_{place}", "status": status, "role": "assistant", "content": []}


def write_block(block: Block, names: Names, root: str, place: int, losses: list[Loss], path: str) -> Json | None:
    """The item of a block that is not text; None, and a loss, where there is none."""
    if isinstance(block, Thinking | RedactedThinking):
        return reasoning.write_answer(block, f"rs_{root}_{place}")
    if isinstance(block, ToolUse):
        return call_item(block, names, root, place)
    if isinstance(block, Opaque) and block.dialect == "responses":
        return dict(block.data)
    if isinstance(block, Opaque) and block.dialect == reasoning.HUB:
        return reasoning.write_answer(block, f"rs_{root}_{place}")
    losses.append(Loss("block", path))
    return None


def call_item(block: ToolUse, names: Names, root: str, place: int) -> Json:
    """The item of a call, by the tool that was asked with: its namespace, its own type, its free text."""
    tool = names.find(block)
    kind = call_type(block, tool)
    if kind == "function_call" and not block.arguments:
        block = replace(block, arguments=NOTHING)
    item = write_call(block, tool, f"{PREFIX.get(kind, 'tc')}_{root}_{place}")
    return item if kind in _UNSTATED else {"status": "completed", **item}
