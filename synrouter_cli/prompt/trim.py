"""Long results of commands, searches and fetches keep their head and tail; one line says what is missing.

What becomes of a result is decided by the result, the call that it answers and the limits, never by its place, the
time or other messages: the same history always becomes the same bytes. File reads, errors, what holds more than
text, and results of tools that no table knows are left alone.

>>> from synrouter_cli.prompt.segments import segment
>>> call = '{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"Bash","input":{"command":"make"}}]}'
>>> answer = '{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"%s"}]}' % ("ok " * 20_000)
>>> prompt = segment(('{"messages":[%s,%s]}' % (call, answer)).encode())
>>> trimmed(prompt, LIMITS["standard"]).removed_chars, trimmed(prompt, LIMITS["safe"]).removed_chars
(44000, 0)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from synrouter_cli.prompt.body import Edit, address
from synrouter_cli.prompt.calls import call_answered, read_fields
from synrouter_cli.prompt.cuts import cut_text
from synrouter_cli.prompt.limits import LIMITS, Limits, limits_of
from synrouter_cli.prompt.prompt import MESSAGES, Prompt, first_unit_of
from synrouter_cli.prompt.tool_names import COMMAND, FETCH, SEARCH, UNKNOWN

__all__ = ["LIMITS", "VERSION", "Cut", "Limits", "Trimmed", "limits_of", "trimmed"]

VERSION: Final = 1
"""Of the algorithm: cuts, wording, tables of names and of shell words. A session is trimmed by the one it began with,
so whatever changes a cut needs another number, and the earlier ways stay."""

_ADVICE: Final[Mapping[str, str]] = {
    COMMAND: "if they matter, ask for them with a narrower command, e.g. with head, tail, grep or sed -n",
    SEARCH: "if they matter, search again with a narrower pattern, path or limit",
    FETCH: "if they matter, ask for a part of it only",
    UNKNOWN: "if they matter, ask for less at once",
}
_NOT_AN_ERROR: Final = frozenset((b"", b"false", b"null"))
_raws = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Cut:
    """One block's result: the edits, at offsets in the body, and how many characters of text they take out."""

    block: int
    edits: tuple[Edit, ...]
    removed_chars: int


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What is cut in a prompt, in its order, and by which rules."""

    cuts: tuple[Cut, ...]
    limits: Limits
    version: int
    only: frozenset[bytes] | None = None

    @property
    def edits(self) -> tuple[Edit, ...]:
        return tuple(edit for cut in self.cuts for edit in cut.edits)

    @property
    def removed_chars(self) -> int:
        return sum(cut.removed_chars for cut in self.cuts)


def trimmed(
    prompt: Prompt,
    limits: Limits,
    *,
    version: int = VERSION,
    earlier: tuple[Prompt, Trimmed] | None = None,
    only: frozenset[bytes] | None = None,
) -> Trimmed:
    """What to cut in a prompt; nothing where `version` is not known.

    `earlier` is the session's last prompt with what was cut in it: what both share is not looked at again. With
    `only`, no block is cut but those of these digests (`Block.digest[:8]`). Neither `earlier` nor what stands behind
    a result changes what becomes of it.
    """
    least = limits.least
    if version != VERSION or not least or prompt.body is None:
        return Trimmed((), limits, version, only)
    first = first_unit_of(prompt, MESSAGES)
    cuts: list[Cut] = []
    if earlier is not None and _same_rules(earlier[1], limits, version, only):
        shared = _shared_messages(prompt, earlier[0])
        cuts += _taken_over(prompt, earlier[0], earlier[1].cuts, shared)
        first += shared
    for place in range(first, len(prompt.units)):
        unit = prompt.units[place]
        if unit.answers and unit.length > least:
            cuts += _cuts_of(prompt, place, limits)
    if only is not None:
        cuts = [cut for cut in cuts if prompt.blocks[cut.block].digest[:8] in only]
    return Trimmed(tuple(cuts), limits, version, only)


def _same_rules(before: Trimmed, limits: Limits, version: int, only: frozenset[bytes] | None) -> bool:
    return before.limits == limits and before.version == version and before.only in (None, only)


def _shared_messages(prompt: Prompt, previous: Prompt) -> int:
    """How many leading messages were taken over from there: `segment` takes over a prefix, so halving finds its end."""
    here, there = first_unit_of(prompt, MESSAGES), first_unit_of(previous, MESSAGES)
    low, high = 0, min(prompt.unit_counts[MESSAGES], previous.unit_counts[MESSAGES])
    while low < high:
        middle = (low + high + 1) // 2
        if prompt.units[here + middle - 1] is previous.units[there + middle - 1]:
            low = middle
        else:
            high = middle - 1
    return low


def _taken_over(prompt: Prompt, previous: Prompt, cuts: Sequence[Cut], shared: int) -> Iterator[Cut]:
    """The cuts in the first `shared` messages, at the places where these stand now."""
    if not shared:
        return
    here, there = first_unit_of(prompt, MESSAGES), first_unit_of(previous, MESSAGES)
    blocks = prompt.first_block[here] - previous.first_block[there]
    moved = prompt.starts[here] - previous.starts[there]
    ends = previous.first_block[there + shared :]
    end = ends[0] if ends else len(previous.blocks)
    for cut in cuts:
        if cut.block >= end:
            return
        if not blocks and not moved:
            yield cut
        else:
            yield Cut(cut.block + blocks, tuple(_moved(edit, moved) for edit in cut.edits), cut.removed_chars)


def _moved(edit: Edit, by: int) -> Edit:
    return replace(edit, offset=edit.offset + by)


def _cuts_of(prompt: Prompt, place: int, limits: Limits) -> Iterator[Cut]:
    least = limits.least
    for index, block in enumerate(prompt.units[place].blocks, prompt.first_block[place]):
        if block.kind != "tool_result" or block.image or block.end - block.start <= least:
            continue
        assert prompt.body is not None
        base = prompt.starts[place]
        data = prompt.body[base + block.start : base + block.end]
        try:
            splices = _result_edits(data, prompt, place, limits)
        except (msgspec.MsgspecError, ValueError, KeyError, RecursionError):
            continue  # whatever is odd about it goes out as it came
        if splices:
            edits = tuple(_moved(edit, base + block.start) for edit, _ in splices)
            yield Cut(index, edits, sum(chars for _, chars in splices))


def _result_edits(data: bytes, prompt: Prompt, place: int, limits: Limits) -> list[tuple[Edit, int]]:
    """Edits within a tool result's bytes, each with the number of characters that it takes out."""
    fields, clean = read_fields(data)
    if bytes(fields.get("is_error", b"")) not in _NOT_AN_ERROR:
        return []
    call = call_answered(prompt, place, fields)
    if call is None:
        return []
    over, keep = limits.for_call(call)
    found = []
    for start, end in _texts(fields["content"], address(clean)):
        splice = cut_text(data[start:end], over, keep, _ADVICE[call.kind])
        if splice is not None:
            edit = Edit(start + splice.start, splice.end - splice.start, splice.data)
            found.append((edit, splice.chars))
    return found


def _texts(content: msgspec.Raw, base: int) -> list[tuple[int, int]]:
    """Where the texts of a result's content stand; none where it holds anything else. Each has a limit of its own."""
    if bytes(memoryview(content)[:1]) == b'"':
        return [_place(content, base)]
    places = []
    for raw in _raws.decode(content):
        fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        if bytes(fields["type"]) != b'"text"' or bytes(memoryview(fields["text"])[:1]) != b'"':
            return []
        places.append(_place(fields["text"], base))
    return places


def _place(raw: msgspec.Raw, base: int) -> tuple[int, int]:
    start = address(raw) - base
    return start, start + len(memoryview(raw))
