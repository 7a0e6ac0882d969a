"""The 400s of the API about markers, and how a request's markers are read: cases from the published rules."""

from __future__ import annotations

import json
from typing import Any

import pytest

from synrouter_cli.cache.model import Marker
from synrouter_cli.cache.rules import client_markers, last_cacheable, rendered, violation
from synrouter_cli.prompt.segments import Prompt, segment

FIVE = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def text(value: str = "x", mark: Any = None) -> dict[str, Any]:
    return {"type": "text", "text": value, **({"cache_control": mark} if mark is not None else {})}


def prompt(content: list[Any], *, tools: list[Any] | None = None, system: Any = None, **more: Any) -> Prompt:
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": content}], **more}
    if tools is not None:
        body["tools"] = tools
    if system is not None:
        body["system"] = system
    return segment(json.dumps(body).encode())


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "input_schema": {}, **more}


ACCEPTED = {
    "no marker": prompt([text()]),
    "four over tools, system and messages": prompt(
        [text("a", FIVE), text("b", FIVE)], tools=[tool("t", cache_control=FIVE)], system=[text("s", FIVE)]
    ),
    "an hour before five minutes": prompt([text("a", FIVE)], system=[text("s", HOUR)]),
    "automatic beside three": prompt(
        [text("a", FIVE), text("b", FIVE), text("c", FIVE), text("d")], cache_control=FIVE
    ),
    "automatic on a block that has the same marker": prompt(
        [text("a", FIVE), text("b", FIVE), text("c", FIVE), text("d", FIVE)], cache_control=FIVE
    ),
    "a null marker anywhere": prompt([text("", None)], tools=[tool("t", defer_loading=True, cache_control=None)]),
    "on a tool result, an image and a call": prompt(
        [
            {"type": "tool_result", "tool_use_id": "t", "content": "", "cache_control": FIVE},
            {"type": "image", "source": {"type": "url", "url": "u"}, "cache_control": FIVE},
            {"type": "tool_use", "id": "t", "name": "n", "input": {}, "cache_control": FIVE},
        ]
    ),
}


@pytest.mark.parametrize("request_", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted(request_: Prompt) -> None:
    assert violation(request_) is None


REFUSED = {
    "a fifth marker": (
        prompt([text(str(i), FIVE) for i in range(5)]),
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    "a fifth inside a tool result": (
        prompt(
            [
                *[text(str(i), FIVE) for i in range(4)],
                {"type": "tool_result", "tool_use_id": "t", "content": [text("in", FIVE)]},
            ]
        ),
        "Found 5",
    ),
    "automatic beside four": (
        prompt([*[text(str(i), FIVE) for i in range(4)], text("e")], cache_control=FIVE),
        "Found 5",
    ),
    "automatic with another ttl on the same block": (prompt([text("a", HOUR)], cache_control=FIVE), "different ttl"),
    "an hour after five minutes": (
        prompt([text("a", HOUR)], system=[text("s", FIVE)]),
        "must not come after a ttl='5m'",
    ),
    "an automatic hour after five minutes": (
        prompt([text("a", FIVE), text("b")], cache_control=HOUR),
        "must not come after",
    ),
    "an empty text": (prompt([text("", FIVE)]), "cannot be set for empty text blocks"),
    "a blank text": (prompt([text(" \n", FIVE)]), "cannot be set for empty text blocks"),
    "a deferred tool": (prompt([text()], tools=[tool("t", defer_loading=True, cache_control=FIVE)]), "defer_loading"),
    "thinking": (
        prompt([{"type": "thinking", "thinking": "t", "signature": "s", "cache_control": FIVE}]),
        "Extra inputs are not permitted",
    ),
    "an unknown ttl": (prompt([text("a", {"type": "ephemeral", "ttl": "2h"})]), "Input should be '5m' or '1h'"),
}


@pytest.mark.parametrize(("request_", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(request_: Prompt, message: str) -> None:
    assert message in (violation(request_) or "")


def test_a_refusal_names_the_place() -> None:
    refused = violation(prompt([text("a"), text("", FIVE)], system=[text("s")], tools=[tool("t")]))
    assert refused is not None and refused.startswith("messages.0.content.1")


READ = {
    "none": (prompt([text()]), ()),
    "explicit": (prompt([text("a", FIVE), text("b", HOUR)]), (Marker(0, "5m"), Marker(1, "1h"))),
    "a null ttl is five minutes": (prompt([text("a", {"type": "ephemeral", "ttl": None})]), (Marker(0, "5m"),)),
    "automatic": (prompt([text("a"), text("b")], cache_control=HOUR), (Marker(1, "1h"),)),
    "automatic goes past what may carry none": (
        prompt([text("a"), {"type": "thinking", "thinking": "", "signature": "s"}], cache_control=FIVE),
        (Marker(0, "5m"),),
    ),
    "inside a result it counts at the result": (
        prompt([text("a"), {"type": "tool_result", "tool_use_id": "t", "content": [text("in", FIVE)]}]),
        (Marker(1, "5m"),),
    ),
}


@pytest.mark.parametrize(("request_", "markers"), READ.values(), ids=READ.keys())
def test_how_a_clients_markers_are_read(request_: Prompt, markers: tuple[Marker, ...]) -> None:
    assert client_markers(request_) == markers


def test_a_prompt_of_blanks_has_no_last_cacheable_block() -> None:
    assert last_cacheable(prompt([text(" ")])) == -1


def test_on_some_models_thinking_settings_reach_the_head() -> None:
    plain, thinking = (
        prompt([text()], tools=[tool("t")]),
        prompt([text()], tools=[tool("t")], thinking={"type": "adaptive"}),
    )
    assert rendered(plain).seed(0) == rendered(thinking).seed(0)
    one, other = (rendered(p, settings_reach_head=True).seed(0) for p in (plain, thinking))
    assert one != other
