"""`CODECS` finds a codec by its dialect's name, and imports it only then: most requests need none.

>>> sorted(CODECS)
['anthropic', 'chat', 'responses']
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Final

from synrouter_cli.wire.codecs import Codec
from synrouter_cli.wire.ir import Dialect

__all__ = ["CODECS"]

_NAMES: Final[tuple[Dialect, ...]] = ("anthropic", "chat", "responses")


class _Codecs(Mapping[Dialect, Codec]):
    """A package of its dialect's name each, with its codec as `CODEC`."""

    def __getitem__(self, dialect: Dialect) -> Codec:
        if dialect not in _NAMES:
            raise KeyError(dialect)
        codec: Codec = import_module(f"synrouter_cli.wire.codecs.{dialect}").CODEC
        return codec

    def __iter__(self) -> Iterator[Dialect]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


CODECS: Final[Mapping[Dialect, Codec]] = _Codecs()
