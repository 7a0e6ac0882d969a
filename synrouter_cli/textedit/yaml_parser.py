"""YAML as a tree of values with their offsets. PyYAML finds the nodes; what it calls their ends is corrected to
where their content ends, before the comments behind it.

>>> root = parse("a: 1  # one\\nb: [x, y]\\n")
>>> [(each.key, each.node.start, each.node.end) for each in root.members]
[('a', 3, 4), ('b', 15, 21)]
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import yaml

from synrouter_cli.errors import EditError
from synrouter_cli.textedit.document import error_at
from synrouter_cli.textedit.nodes import Member, Node

_FAST: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STRING: Final = "tag:yaml.org,2002:str"


def load(text: str) -> Any:
    """The value of `text`, an empty one being an empty object. Raises EditError."""
    try:
        value = yaml.load(text, Loader=_FAST)
    except (yaml.YAMLError, ValueError):
        value = _load_slowly(text)
    return {} if value is None else value


def _load_slowly(text: str) -> Any:
    """By the parser whose errors read better, and say the same everywhere."""
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as err:
        raise _error(text, err) from None
    except yaml.reader.ReaderError as err:
        raise error_at(text, err.position, "this character is not allowed in YAML") from None
    except ValueError as err:  # a date that there is not
        raise EditError(1, 1, str(err)) from None


def _error(text: str, err: yaml.MarkedYAMLError) -> EditError:
    mark = err.problem_mark or err.context_mark
    return error_at(text, _offset(mark) if mark else 0, err.problem or err.context or "not YAML")


@lru_cache(maxsize=4)
def parse(text: str) -> Node | None:
    """The root of a `text` that loads; None where it holds nothing."""
    events = yaml.parse(text, Loader=yaml.SafeLoader)
    nodes = (event for event in events if isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent))
    try:
        first = next(nodes, None)
        return _Tree(text, nodes).node(first) if first is not None else None
    except yaml.MarkedYAMLError as err:  # the two parsers don't agree
        raise _error(text, err) from None


def _offset(mark: Any) -> int:
    return int(mark.index)


class _Tree:
    """Joins the parser's events with the signs that they don't tell: colons, commas, dashes."""

    def __init__(self, text: str, events: Iterator[yaml.Event]) -> None:
        self._text = text
        self._events = events
        self._resolve: Any = yaml.SafeLoader("").resolve
        self._signs: dict[type[yaml.Token], list[int]] = {
            kind: [] for kind in (yaml.ValueToken, yaml.FlowEntryToken, yaml.BlockEntryToken)
        }
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if type(token) in self._signs:
                self._signs[type(token)].append(_offset(token.start_mark))

    def node(self, event: yaml.Event) -> Node:
        start, end = _offset(event.start_mark), _offset(event.end_mark)
        if isinstance(event, yaml.CollectionStartEvent):
            return self._collection(event, start)
        if isinstance(event, yaml.ScalarEvent) and event.style in ("|", ">"):
            end = len(self._text[:end].rstrip("\r\n"))  # the line end is not replaced with the value
        return Node(start, end)

    def _collection(self, event: yaml.CollectionStartEvent, start: int) -> Node:
        array, block = isinstance(event, yaml.SequenceStartEvent), not event.flow_style
        members: list[Member] = []
        while not isinstance(step := next(self._events), yaml.CollectionEndEvent):
            members.append(self._element(len(members), step, block) if array else self._pair(step))
        if block:
            return Node(start, members[-1].end if members else start, None, tuple(members), array, block=True)
        end = _offset(step.end_mark)
        limits = [each.start for each in members[1:]] + [end]
        members = [self._with_comma(each, limit) for each, limit in zip(members, limits, strict=False)]
        return Node(start, end, None, tuple(members), array)

    def _element(self, place: int, event: yaml.Event, block: bool) -> Member:
        node = self.node(event)
        if not block:
            return Member(place, node.start, node.start, node)
        dashes = self._signs[yaml.BlockEntryToken]
        dash = dashes[bisect_left(dashes, node.start) - 1]
        return Member(place, dash, dash + 1, node)

    def _pair(self, event: yaml.Event) -> Member:
        key, node = self.node(event), self.node(next(self._events))
        colon = self._first(yaml.ValueToken, key.end, node.start)
        return Member(self._name(event), key.start, key.end if colon is None else colon + 1, node)

    def _name(self, event: yaml.Event) -> str | None:
        """The key where it is a text; others, such as numbers, are never ours."""
        if not isinstance(event, yaml.ScalarEvent):
            return None
        tag = event.tag or self._resolve(yaml.ScalarNode, event.value, event.implicit)
        return str(event.value) if tag in (_STRING, "!") else None

    def _with_comma(self, member: Member, limit: int) -> Member:
        comma = self._first(yaml.FlowEntryToken, member.end, limit)
        return member if comma is None else replace(member, comma=comma + 1)

    def _first(self, kind: type[yaml.Token], start: int, limit: int) -> int | None:
        signs = self._signs[kind]
        place = bisect_left(signs, start)
        return signs[place] if place < len(signs) and signs[place] < limit else None
