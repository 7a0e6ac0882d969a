"""A body taken apart at its top: its long lists as pieces that are not decoded yet, everything else decoded.

>>> split = splitter({"model": Any, "messages": list[msgspec.Raw]})
>>> [type(one).__name__ for one in split(b'{"model": "m", "messages": [{}], "more": 1}').values()]
['str', 'list', 'int']
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

__all__ = ["splitter"]


def splitter(fields: Mapping[str, Any]) -> Callable[[bytes], dict[str, Any]]:
    """`fields` are those that most bodies have no others than, each with its type. The function raises what msgspec
    raises, also where a field is of another type."""
    shape = msgspec.defstruct(
        "Body",
        [(name, kind | msgspec.UnsetType, msgspec.UNSET) for name, kind in fields.items()],
        forbid_unknown_fields=True,
        gc=False,
    )
    known: Callable[[bytes], Any] = msgspec.json.Decoder(shape).decode
    pieces = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
    decoders = {name: msgspec.json.Decoder(kind).decode for name, kind in fields.items()}
    anything = msgspec.json.Decoder().decode

    def split(body: bytes) -> dict[str, Any]:
        try:
            found = known(body)
        except msgspec.ValidationError:
            return {name: decoders.get(name, anything)(piece) for name, piece in pieces(body).items()}
        return {name: value for name in fields if (value := getattr(found, name)) is not msgspec.UNSET}

    return split
