"""What was put into a file is remembered key by key, so that it can be taken back without what the user did since:
a key that holds what we put goes back to what was there before, one that was changed since stays and is reported.

>>> from synrouter_cli.textedit import Json
>>> done, changes = apply(Json.parse('{"a": 1}'), [Edit(("a",), 2), Edit(("env", "b"), 3)])
>>> done.text
'{"a": 2, "env": {"b": 3}}'
>>> undo(done, changes).document.text
'{"a": 1}'
>>> theirs, kept = undo(done.set(("a",), 9), changes)
>>> theirs.text, [change.path for change in kept]
('{"a": 9}', [('a',)])
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, NamedTuple, TypeVar

from synrouter_cli.textedit.document import Document
from synrouter_cli.textedit.values import ABSENT, Key, Path, named_place, place_of, same

D = TypeVar("D", bound=Document)
LINE: Final = "\n"
"""As `by` of an edit: what it puts is a line."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to stand at `path`: ABSENT is nothing. Where `element`, it is to be in the array at `path`, in the place
    of an object that has the same value at the key `by`; `by` LINE makes it a line of the string at `path`.

    `unless` is for what belongs to a whole that the client rewrites: it is only put where nothing is, and an undo takes
    it back, whatever it has become, once nothing stands at `unless`."""

    path: tuple[Key, ...]
    value: Any
    element: bool = False
    by: str | None = None
    unless: tuple[Key, ...] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit did at `path`: `before` became `after`, ABSENT being nothing. `source` is how `before` was
    spelled. Where `element`, `after` was put into the array (or, with LINE, the string) at `path`."""

    path: tuple[Key, ...]
    before: Any
    after: Any
    element: bool = False
    source: str | None = None
    by: str | None = None
    unless: tuple[Key, ...] | None = None

    def packed(self) -> dict[str, Any]:
        """For a file of JSON: what is ABSENT or not set is left out. May hold a key of the user's.

        >>> Change(("a",), ABSENT, 1).packed()
        {'path': ['a'], 'after': 1}
        """
        said = {"before": self.before, "after": self.after}
        packed = {"path": list(self.path), **{name: value for name, value in said.items() if value is not ABSENT}}
        unless = list(self.unless) if self.unless is not None else None
        rest = {"element": self.element or None, "source": self.source, "by": self.by, "unless": unless}
        return packed | {name: value for name, value in rest.items() if value is not None}

    @classmethod
    def unpacked(cls, packed: Mapping[str, Any]) -> Change:
        """What `packed` gave."""
        before, after = packed.get("before", ABSENT), packed.get("after", ABSENT)
        rest = packed.get("element", False), packed.get("source"), packed.get("by")
        unless = tuple(packed["unless"]) if "unless" in packed else None
        return cls(tuple(packed["path"]), before, after, *rest, unless)


class Applied(NamedTuple, Generic[D]):
    document: D
    changes: tuple[Change, ...]


class Undone(NamedTuple, Generic[D]):
    document: D
    kept: tuple[Change, ...]
    """Changes that were not taken back, since the user has changed the same key."""


def leaves(path: Path, value: Any) -> Iterator[Edit]:
    """`value` at `path` as an edit for each leaf, so that an undo keeps the one that the user has changed.

    >>> [edit.path for edit in leaves(("a",), {"b": 1, "c": {"d": []}})]
    [('a', 'b'), ('a', 'c', 'd')]
    """
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves((*path, key), inner)
    else:
        yield Edit(tuple(path), value)


def apply(document: D, edits: Iterable[Edit], earlier: Sequence[Change] = ()) -> Applied[D]:
    """`document` with every edit, and all that an undo needs: a parent that had to be made is a change of its
    own. `earlier` is what was recorded the last time; what was there before that is what comes back.
    Raises EditError where an edit has no place."""
    changes: list[Change] = []
    for edit in edits:
        document, made = _edited(document, edit)
        changes += made
    return Applied(document, _joined(earlier, changes))


def _edited(document: D, edit: Edit) -> tuple[D, list[Change]]:
    path, value = edit.path, edit.value
    if edit.element:
        return _with_element(document, edit)
    before_value = document.get(path)
    if same(before_value, value) or (edit.unless is not None and before_value is not ABSENT):
        return document, []
    source = document.source(path) if before_value is not ABSENT else None
    change = Change(path, before_value, value, source=source, unless=edit.unless)
    if value is ABSENT:
        return document.remove(path), [change]
    return document.set(path, value), [*_parents(document, path), change]


def _with_element(document: D, edit: Edit) -> tuple[D, list[Change]]:
    path, value, array = edit.path, edit.value, document.get(edit.path)
    added = Change(path, ABSENT, value, element=True, by=edit.by)
    if edit.by == LINE:
        lines = _lines(array)
        made = _parents(document, path)
        return (document, []) if value in lines else (document.set(path, LINE.join([*lines, value])), [*made, added])
    if place_of(array, value) is not None:
        return document, []
    place = named_place(array, value, edit.by)
    if place is not None:
        source = document.source((*path, place))
        change = Change(path, array[place], value, element=True, source=source, by=edit.by)
        return document.set((*path, place), value), [change]
    made = _parents(document, (*path, 0), array=True)
    return document.append(path, value), [*made, added]


def _lines(value: Any) -> list[str]:
    return value.splitlines() if isinstance(value, str) else []


def _parents(document: Document, path: tuple[Key, ...], array: bool = False) -> list[Change]:
    """A change for each parent of `path` that `document` does not have, or has as null, or empty: that one
    becomes what it is, but gets its spelling back."""
    made = []
    for depth in range(len(path)):
        before, source = document.get(path[:depth]), document.source(path[:depth])
        if not depth and source is None:
            continue  # a file of lines, which has no brackets to put back
        if before is ABSENT or before in (None, [], {}):
            empty: Any = [] if array and depth == len(path) - 1 else {}
            after = empty if before is ABSENT or before is None else before
            made.append(Change(path[:depth], before, after, source=source))
    return made


def _joined(earlier: Sequence[Change], later: Sequence[Change]) -> tuple[Change, ...]:
    """One change a key. What stood there between the two was ours where it is what `earlier` put."""
    joined = {_identity(change): change for change in earlier}
    for change in later:
        first = joined.get(_identity(change))
        ours = change.element and change.before is ABSENT
        if first is not None and (ours or same(first.after, change.before)):
            change = replace(change, before=first.before, source=first.source)
        joined[_identity(change)] = change
    return tuple(
        change for change in joined.values() if change.source is not None or not same(change.before, change.after)
    )


def _identity(change: Change) -> tuple[object, ...]:
    if not change.element:
        return (change.path, None)
    named = isinstance(change.after, dict) and change.by in change.after
    return (change.path, repr(change.after[change.by] if named else change.after))


def undo(document: D, changes: Iterable[Change]) -> Undone[D]:
    """`document` without `changes`, as far as they still stand; does nothing the second time.
    Raises EditError where one can't be taken back without changing something else."""
    kept: list[Change] = []
    newest_first = tuple(changes)[::-1]
    for change in sorted(newest_first, key=lambda each: -len(each.path) - each.element):  # what is inside first
        path, now = change.path, document.get(change.path)
        if change.element:
            document, taken = _without_element(document, change)
            kept += [] if taken else [change]
        elif change.unless is not None:
            if document.get(change.unless) is ABSENT:
                document, kept = document.remove(path), [each for each in kept if each.path[: len(path)] != path]
        elif same(now, change.after):
            document = (
                document.remove(path) if change.before is ABSENT else document.set(path, change.before, change.source)
            )
        elif not same(now, change.before) and not _was_filled(change, now):
            kept.append(change)
    return Undone(document, tuple(reversed(kept)))


def _without_element(document: D, change: Change) -> tuple[D, bool]:
    """And whether it is as it was before: False where the user has changed our element."""
    path, after, array = change.path, change.after, document.get(change.path)
    if change.by == LINE:
        left = [line for line in _lines(array) if line != after]
        if len(left) < len(_lines(array)):
            document = document.set(path, LINE.join(left)) if left else document.remove(path)
        return document, True
    place = place_of(array, after)
    if place is None:
        at = named_place(array, after, change.by)
        return document, at is None or same(array[at], change.before)
    if change.before is ABSENT:
        return document.remove((*path, place)), True
    return document.set((*path, place), change.before, change.source), True


def _was_filled(change: Change, now: Any) -> bool:
    """Whether `change` made an empty object or array, which holds something of the user's now."""
    return change.after in ({}, []) and type(now) is type(change.after)
