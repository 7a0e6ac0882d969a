"""Where real clients put their markers, as functions of a body: what Synrouter is measured against.

Each takes a Messages body without markers and returns it with the client's own (facts observed on the wire, November
2026). Most are rows of a table; those that also write messages of their own are functions. A layout may put new parts
into the lists of the body it is given, and never changes a part: `laid_out` gives it lists of its own.

>>> body = {"system": [{"type": "text", "text": "s"}], "tools": [], "messages": [{"role": "user", "content": "hi"}]}
>>> laid_out(body, head_tail)["messages"]
[{'role': 'user', 'content': [{'type': 'text', 'text': 'hi', 'cache_control': {'type': 'ephemeral'}}]}]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.bodies import Body, Part, mark_message, marked, own_lists, without_thinking

FIVE = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
Layout = Callable[[Body], Body]
BILLING = "x-anthropic-billing-header: cc_version=2.1.329; cc_entrypoint=sdk-cli;"


@dataclass(frozen=True, slots=True)
class Marks:
    """A layout that only marks. `system` are the marked blocks of it; `last` says how many messages at the end."""

    system: tuple[int, ...] = (-1,)
    tool: bool = False
    last: int = 0
    users: int = 0
    """So many of the newest user messages, tool results among them."""
    human: bool = False
    """The newest message that a person typed."""
    head: dict[str, str] | None = None
    """The lifetime of system and tools, where it is not five minutes."""
    automatic: bool = False
    """A marker at the top level: the provider marks the last block."""
    halves: bool = False
    """The system prompt comes as two blocks."""

    def __call__(self, body: Body) -> Body:
        if self.halves:
            body["system"] = _halved(body["system"])
        head = self.head or FIVE
        for index in self.system:
            body["system"][index] = marked(body["system"][index], head)
        if self.tool and body["tools"]:
            body["tools"][-1] = marked(body["tools"][-1], head)
        messages = body["messages"]
        chosen = set(range(len(messages))[-self.last :] if self.last else ())
        users = [index for index, message in enumerate(messages) if message["role"] == "user"]
        chosen.update(users[-self.users :] if self.users else ())
        if self.human:
            chosen.add(newest_human(body))
        for index in chosen:
            mark_message(body, index, FIVE)
        if self.automatic:
            body["cache_control"] = dict(FIVE)
        return body


def none(body: Body) -> Body:
    """A client that marks nothing."""
    return body


def head_only(body: Body) -> Body:
    """One marker at the end of the system prompt."""
    return Marks()(body)


def head_tail(body: Body, ttl: dict[str, str] = FIVE) -> Body:
    """The end of the system prompt and the last block."""
    body["system"][-1] = marked(body["system"][-1], ttl)
    mark_message(body, len(body["messages"]) - 1, ttl)
    return body


def head_tail_1h(body: Body) -> Body:
    """The same for an hour."""
    return head_tail(body, HOUR)


head_previous_tail = Marks(users=2)
"""System, the newest user message but one, and the last block: the best fixed layout there is."""


def claude_code(body: Body) -> Body:
    """system[1], system[2] and the last block of the last message; nothing on tools."""
    body["system"] = [_text(BILLING), *(marked(half, FIVE) for half in _halved(body["system"]))]
    mark_message(body, len(body["messages"]) - 1, FIVE)
    return body


def openclaw(body: Body) -> Body:
    """Last tool, system[0], the newest real user message, the newest tool result; a carrier message at the end."""
    body["system"][0] = marked(body["system"][0], FIVE)
    if len(body["system"]) == 1:
        body["system"].append(_text("Runtime: agent=main | session=main | sessionId=0f3c-77aa-bench"))
    body["tools"][-1] = marked(body["tools"][-1], FIVE)
    mark_message(body, newest_human(body), FIVE)
    for index in range(len(body["messages"]) - 1, -1, -1):
        if mark_message(body, index, FIVE, ("tool_result",)):
            break
    carrier = f"<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\nstep {len(body['messages'])}\n" + "context line\n" * 40
    body["messages"].append({"role": "user", "content": [_text(carrier)]})
    return body


def openclaw_old(body: Body) -> Body:
    """OpenClaw with a model outside its own list: earlier thinking is dropped at each step."""
    messages = body["messages"]
    newest = max((i for i, m in enumerate(messages) if m["role"] == "assistant"), default=-1)
    body["messages"] = [
        without_thinking(m) if m["role"] == "assistant" and i != newest else m for i, m in enumerate(messages)
    ]
    return openclaw(body)


LAYOUTS: dict[str, Layout] = {
    "none": none,
    "claude-code": claude_code,
    "hermes": Marks(last=3),
    "droid": Marks(last=3, head=HOUR),
    "openclaw": openclaw,
    "openclaw, thinking dropped": openclaw_old,
    "cline": Marks(system=(), human=True),
    "head + tail": head_tail,
    "pi": Marks(tool=True, last=1),
    "kilo": Marks(system=(0,), last=2),
    "opencode": Marks(system=(0,), last=2),
    "continue": Marks(tool=True, human=True),
    "qwen": Marks(system=(0, 1), tool=True, last=1, halves=True),
    "crush": Marks(tool=True, last=2),
    "roo": Marks(users=2),
    "zed": Marks(tool=True, head=HOUR, automatic=True),
}


def laid_out(body: Body, layout: Layout) -> Body:
    """A copy of the body with a client's markers; its parts are those of the body where nothing was marked."""
    return layout(own_lists(body))


def newest_human(body: Body) -> int:
    """The index of the newest message that a person typed; 0 where there is none."""
    for index in range(len(body["messages"]) - 1, -1, -1):
        message = body["messages"][index]
        if message["role"] == "user" and not _has_results(message):
            return index
    return 0


def _has_results(message: Part) -> bool:
    return any(block["type"] == "tool_result" for block in message["content"])


def _halved(system: list[Part]) -> list[Part]:
    text = "".join(block["text"] for block in system)
    cut = len(text) * 3 // 4
    return [_text(text[:cut]), _text(text[cut:])]


def _text(text: str) -> Part:
    return {"type": "text", "text": text}
