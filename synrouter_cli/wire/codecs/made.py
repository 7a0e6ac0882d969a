"""What was made of a message, found again by the message itself for as long as that lives: the codecs read a message
that comes again as the same value (`codecs/remembered.py`), so most of what a request becomes has been made before.

What was made is shared, so nothing may change it, and it must not hold the message.

>>> made, message = Made(), Message("user", ())
>>> made.keep(message, 3, "m"), made.get(message, 3), made.get(message, 4)
('m', 'm', None)
>>> del message; len(made)
0
"""

from __future__ import annotations

import weakref
from typing import Generic, TypeVar

from synrouter_cli.wire.ir import Message

__all__ = ["Made"]

T = TypeVar("T")


class Made(Generic[T]):
    """One thing a message. `context` is whatever else it was made of; made of another one it is another thing."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[int, tuple[object, T, weakref.ref[Message]]] = {}

    def __len__(self) -> int:
        return len(self._found)

    def get(self, message: Message, context: object) -> T | None:
        found = self._found.get(id(message))
        return found[1] if found is not None and found[0] == context else None

    def keep(self, message: Message, context: object, made: T) -> T:
        key, all_found = id(message), self._found
        self._found[key] = (context, made, weakref.ref(message, lambda _: all_found.pop(key, None)))
        return made
