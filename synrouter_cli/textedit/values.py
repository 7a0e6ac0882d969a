"""Plain values by key path: what stands at a path, what a change makes of the whole, whether two are the same.

>>> changed({"a": {"b": 1}}, ("a", "c"), 2)
{'a': {'b': 1, 'c': 2}}
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Final, TypeAlias

Key: TypeAlias = str | int
Path: TypeAlias = Sequence[Key]
"""Names in objects, places in arrays, from the outside in."""


class Absent(Enum):
    """The type of ABSENT, which is no value of any format, null included."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return self.name


ABSENT: Final = Absent.ABSENT


def holds(container: Any, key: Key) -> bool:
    """Whether `container` is an object or array with something at `key`."""
    if isinstance(container, dict):
        return isinstance(key, str) and key in container
    return isinstance(container, list) and type(key) is int and 0 <= key < len(container)


def find(value: Any, path: Path) -> Any:
    """What stands at `path` in `value`; ABSENT where nothing does."""
    for key in path:
        if not holds(value, key):
            return ABSENT
        value = value[key]
    return value


def changed(value: Any, path: Path, new: Any) -> Any:
    """A copy of `value` with `new` at `path`, or without it where `new` is ABSENT. Parents that are missing
    or null become objects. Raises TypeError where a parent is neither."""
    if not path:
        return {} if new is ABSENT else new
    key, rest = path[0], path[1:]
    if new is ABSENT and not holds(value, key):
        return value
    if value is None or value is ABSENT:
        value = {}
    if isinstance(value, dict) and isinstance(key, str):
        copy: Any = dict(value)
    elif isinstance(value, list) and type(key) is int and 0 <= key <= len(value):
        copy = [*value, ABSENT] if key == len(value) else list(value)
    else:
        raise TypeError(f"{key!r} has no place there")
    if rest or new is not ABSENT:
        copy[key] = changed(find(copy, (key,)), rest, new)
    elif holds(copy, key):
        del copy[key]
    return copy


def same(one: Any, other: Any) -> bool:
    """Equal in type, too, but for the order of keys: 1 is neither 1.0 nor True, and NaN is NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) or (one != one and other != other)


def place_of(array: Any, element: Any) -> int | None:
    """Where in `array` an element equal to `element` stands first; None where none does or it is no array."""
    if not isinstance(array, list):
        return None
    return next((place for place, value in enumerate(array) if same(value, element)), None)


def named_place(array: Any, element: Any, by: str | None) -> int | None:
    """Where in `array` the first object stands that has the same at the key `by` as `element`; None where none does.

    >>> named_place([{"id": "a"}, {"id": "b", "x": 1}], {"id": "b"}, "id")
    1
    """
    if by is None or not isinstance(array, list) or not isinstance(element, dict) or by not in element:
        return None
    names = (value.get(by, ABSENT) if isinstance(value, dict) else ABSENT for value in array)
    return next((place for place, name in enumerate(names) if same(name, element[by])), None)
