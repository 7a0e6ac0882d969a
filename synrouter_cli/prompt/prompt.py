"""A request split into blocks in render order: tools, system, messages. Values only; `segments.py` makes them.

>>> Prompt().message_ends()
[]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

__all__ = ["MESSAGES", "SYSTEM", "TOOLS", "Block", "Mark", "Prompt", "Unit", "first_unit_of"]

TOOLS, SYSTEM, MESSAGES = 0, 1, 2


class Mark(msgspec.Struct, frozen=True, gc=False):
    """A `cache_control` value: where it stands (relative to its unit) and what it says.

    `ttl` is "5m", "1h" or whatever else was sent, "?" where the value is no ephemeral marker, and None where it is
    null (no marker, but a place for one). `ttl_span` is where the ttl's own value stands; `extra` says that there
    are keys beside type and ttl, which are kept.
    """

    start: int
    end: int
    ttl: str | None
    ttl_span: tuple[int, int] | None = None
    extra: bool = False


class Block(msgspec.Struct, frozen=True, gc=False):
    """One block. `start` and `end` are relative to its unit; `bare` is a string that stands for a text block."""

    layer: int
    role: str
    kind: str
    start: int
    end: int
    bare: bool
    markable: bool
    digest: bytes
    tokens: int
    mark: Mark | None = None
    nested: tuple[Mark, ...] = ()
    image: bool = False
    citations: bool = False


class Unit(msgspec.Struct, frozen=True, gc=False):
    """What is compared as a whole: a tool, a system block (or the system string), a message's content.

    `own` are settings that the message carries for itself (`output_config`), as they came. `marked` says that one of
    its blocks has a marker, `answers` that one is a tool result; `image` and `citations` likewise.
    """

    role: str
    length: int
    blocks: tuple[Block, ...]
    own: bytes = b""
    marked: bool = False
    answers: bool = False
    image: bool = False
    citations: bool = False


class Prompt:
    """A request split into blocks. Offsets are those of `body`, the bytes as they came.

    `keys`, `tokens` (cumulative estimates) and `runs` (the number of each block's lookback position, in which a run
    of tool_use or of tool_result counts as one) run parallel to `blocks`.
    """

    __slots__ = (
        "automatic",
        "blocks",
        "body",
        "dropped",
        "ends",
        "first_block",
        "index",
        "keys",
        "layer_ends",
        "markable",
        "marked",
        "max_tokens",
        "metadata",
        "model",
        "roles",
        "runs",
        "seeds",
        "settings",
        "starts",
        "stream",
        "tokens",
        "unit_counts",
        "units",
    )

    def __init__(self) -> None:
        self.body: bytes | None = b""
        self.model = ""
        self.units: list[Unit] = []
        self.starts: list[int] = []
        self.unit_counts = (0, 0, 0)
        self.blocks: list[Block] = []
        self.first_block: list[int] = []
        self.keys: list[bytes] = []
        self.tokens: list[int] = []
        self.runs: list[int] = []
        self.markable: list[bool] = []
        self.marked: list[int] | None = None
        """The units in which a block has a marker; found where they are asked for."""
        self.index: dict[bytes, int] = {}
        """The block at which each key stands first."""
        self.roles: list[str] = []
        """Each message's role, with its own settings where it has some."""
        self.ends: list[int] = []
        self.layer_ends = (0, 0, 0)
        self.dropped = 0
        """Thinking before this block is in no key: the provider leaves it out."""
        self.seeds: tuple[bytes, bytes, bytes] = (b"", b"", b"")
        self.settings: dict[str, bytes] = {}
        self.automatic: Mark | None = None
        self.metadata: bytes = b""
        self.max_tokens: int | None = None
        self.stream = False

    @property
    def size(self) -> int:
        return len(self.body) if self.body is not None else 0

    @property
    def message_units(self) -> Sequence[Unit]:
        return self.units[self.unit_counts[0] + self.unit_counts[1] :]

    def message_ends(self) -> list[int]:
        """For each message the index of its last block. Not to be changed."""
        if not self.ends and self.unit_counts[2]:
            head = self.unit_counts[0] + self.unit_counts[1]
            self.ends = [first - 1 for first in self.first_block[head + 1 :]]
            self.ends.append(len(self.blocks) - 1)
        return self.ends

    def real_user_block(self) -> int:
        """The first block of the newest user message that is no tool result; 0 where there is none."""
        head = self.unit_counts[0] + self.unit_counts[1]
        for index in range(len(self.units) - 1, head - 1, -1):
            unit = self.units[index]
            if unit.role == "user" and not unit.answers:
                return self.first_block[index]
        return 0

    def shared_with(self, keys: Sequence[bytes]) -> int:
        """How many leading blocks this prompt shares with one of these cumulative keys."""
        low, high = 0, min(len(self.keys), len(keys))
        while low < high:
            middle = (low + high + 1) // 2
            if self.keys[middle - 1] == keys[middle - 1]:
                low = middle
            else:
                high = middle - 1
        return low

    def marked_blocks(self) -> Iterator[tuple[int, Block]]:
        """The blocks that carry a marker, or a place for one, or have one inside."""
        if self.marked is None:
            self.marked = [place for place, unit in enumerate(self.units) if unit.marked]
        for place in self.marked:
            for index, block in enumerate(self.units[place].blocks, self.first_block[place]):
                if block.mark is not None or block.nested:
                    yield index, block

    def unit_of(self, block: int) -> int:
        """The index of the unit that holds a block."""
        low, high = 0, len(self.first_block)
        while high - low > 1:
            middle = (low + high) // 2
            if self.first_block[middle] <= block:
                low = middle
            else:
                high = middle
        # units without blocks share their first block with the next one
        while low > 0 and not self.units[low].blocks:
            low -= 1
        return low

    def forget_body(self) -> None:
        """Give the bytes back to the machine; the digests stay."""
        self.body = None


def first_unit_of(prompt: Prompt, layer: int) -> int:
    """The index of a layer's first unit."""
    return sum(prompt.unit_counts[:layer])
