"""Thinking ⇄ the fields that servers and clients of this dialect carry reasoning in.

The dialect itself has none; three are in use. `reasoning_content` (DeepSeek, Kimi, Qwen, vLLM, llama.cpp), `reasoning`
(OpenRouter, vLLM, Together) and `reasoning_text` are text: which one it was is sealed as the block's signature.
`reasoning_details` (OpenRouter) has entries with signatures: an entry of Claude's is Claude's own block, any other is
sealed whole. Out go both, text and entries, so that a client gives back what it can. All reasoning stands before
the text here; a block that stood elsewhere has its place sealed with its signature.

>>> fields = reasoning_out([Placed(Thinking("Look", "EqQB"))])
>>> fields["reasoning_content"], fields["reasoning_details"][0]["signature"]
('Look', 'EqQB')
>>> reasoning_in(fields)
[Placed(block=Thinking(text='Look', signature='EqQB', extras={}, item=None), chars=0, calls=0)]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from synrouter_cli.wire.codecs.chat.fields import Object
from synrouter_cli.wire.ir import RedactedThinking, Thinking
from synrouter_cli.wire.sealed import OURS, seal, unseal

__all__ = [
    "FIELDS",
    "FORMAT",
    "SEALED",
    "Placed",
    "call_extras",
    "call_kept",
    "call_seal",
    "carried_by_calls",
    "detail_out",
    "detail_text",
    "entry_in",
    "reasoning_in",
    "reasoning_out",
    "text_of",
]

FIELDS: Final = ("reasoning_content", "reasoning", "reasoning_text")
"""Where reasoning stands as text; a server that fills several says the same in each."""
SEALED: Final = {name: seal("chat", name) for name in FIELDS}
"""The signature of thinking that came as plain text, by the field that it came in."""
_FIELD_OF: Final = {sealed: name for name, sealed in SEALED.items()}
FORMAT: Final = "anthropic-claude-v1"
"""OpenRouter's name for entries that hold Claude's own signatures."""
_PLACE: Final = "place"
_TURN: Final = "turn"
_MARK: Final = OURS
_KEPT: Final = frozenset({"extra_content", "thoughtSignature"})
_ENTRY: Final = ("type", "id", "text", "summary", "data", "signature", "format", "index")


@dataclass(frozen=True, slots=True)
class Placed:
    """Thinking, and how much of the answer stands before it: characters of text, or calls of tools."""

    block: Thinking | RedactedThinking
    chars: int = 0
    calls: int = 0


# ── in ──


def reasoning_in(message: Mapping[str, Any]) -> list[Placed]:
    """The thinking of an assistant's message, from whichever of the fields it has."""
    details = message.get("reasoning_details")
    if not isinstance(details, list):
        name, said = text_of(message)
        return [Placed(Thinking(said, SEALED[name]))] if said else []
    entries = [one for one in details if isinstance(one, dict)]
    found = [placed for entry in entries if (placed := entry_in(entry)) is not None]
    if not any(detail_text(entry) for entry in entries):
        name, said = text_of(message)
        if said:
            found.insert(0, Placed(Thinking(said, SEALED[name])))
    return found


def text_of(message: Mapping[str, Any]) -> tuple[str, str]:
    """Name and text of the first field that has some."""
    for name in FIELDS:
        said = message.get(name)
        if said and isinstance(said, str):
            return name, said
    return FIELDS[0], ""


def detail_text(entry: Mapping[str, Any]) -> str:
    """What an entry shows."""
    said = entry.get("text") or entry.get("summary")
    return said if isinstance(said, str) else ""


def entry_in(entry: Object) -> Placed | None:
    """The block of one entry; None for one that only repeats what a call carries, and for one that says nothing."""
    data, signature = entry.get("data"), entry.get("signature")
    if isinstance(data, str) and data.startswith(_MARK) and (opened := unseal(data)) and opened[0] == _TURN:
        return None
    kind, form = entry.get("type"), entry.get("format", FORMAT)
    own = form == FORMAT and not entry.get("id")
    if own and kind == "reasoning.text" and signature and isinstance(signature, str):
        signature, chars, calls = _place(signature)
        return Placed(Thinking(detail_text(entry), signature), chars, calls)
    if own and kind == "reasoning.encrypted" and data and isinstance(data, str):
        data, chars, calls = _place(data)
        return Placed(RedactedThinking(data), chars, calls)
    if not (data or detail_text(entry)):
        return None
    token = seal("chat", {"detail": _tidy(entry)})
    return Placed(Thinking(detail_text(entry), token) if detail_text(entry) else RedactedThinking(token))


def _tidy(entry: Object) -> Object:
    """An entry with its keys in one order, however the pieces of it came."""
    known = {key: entry[key] for key in _ENTRY if entry.get(key) is not None}
    return {**known, **{key: entry[key] for key in sorted(entry.keys() - known.keys()) if entry[key] is not None}}


def _place(signature: str) -> tuple[str, int, int]:
    """A signature without the place that may be sealed with it."""
    opened = unseal(signature) if signature.startswith(_MARK) else None
    if opened is None or opened[0] != _PLACE:
        return signature, 0, 0
    kept, chars, calls = opened[1]
    return kept, chars, calls


def carried_by_calls(message: Mapping[str, Any]) -> list[Placed] | None:
    """The thinking that the calls of a message bring back sealed, and what stands after the last of them; None where
    they carry none."""
    calls = message.get("tool_calls")
    calls = calls if isinstance(calls, list) else ()
    kept = any(isinstance(one, dict) and not _KEPT.isdisjoint(one) for one in calls)
    if "reasoning_details" not in message and not kept:
        return None
    found: dict[str, list[Placed]] = {}
    for sealed in _seals(message):
        opened = unseal(sealed)
        if opened is not None and opened[0] == _TURN and sealed not in found:
            found[sealed] = [_unpacked(one) for one in opened[1]]
    if not found:
        return None
    placed = [one for several in found.values() for one in several]
    after = len(message.get("tool_calls") or ())
    placed += [one for one in reasoning_in(message) if one.calls >= after]
    return sorted(placed, key=lambda one: one.calls)


def _seals(message: Mapping[str, Any]) -> Iterable[str]:
    details = message.get("reasoning_details")
    for entry in details if isinstance(details, list) else ():
        if isinstance(entry, dict) and isinstance(data := entry.get("data"), str):
            yield data
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        sealed = thought_signature(call) if isinstance(call, dict) else None
        if sealed is not None:
            yield sealed


def thought_signature(call: Mapping[str, Any]) -> str | None:
    """What a call carries of thinking, where Gemini's clients keep it (ai.google.dev, "Thought signatures")."""
    extra = call.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    found = google.get("thought_signature") if isinstance(google, dict) else call.get("thoughtSignature")
    return found if isinstance(found, str) else None


def _unpacked(one: list[Any]) -> Placed:
    said, signature, chars, calls = one
    return Placed(RedactedThinking(signature) if said is None else Thinking(said, signature), chars, calls)


# ── out ──


def reasoning_out(thinking: Iterable[Placed]) -> Object:
    """The fields of a message for its thinking."""
    plain: dict[str, str] = {}
    details: list[Object] = []
    for placed in thinking:
        block = placed.block
        if isinstance(block, Thinking) and block.text:
            name = _FIELD_OF.get(block.signature, FIELDS[0])
            plain[name] = plain.get(name, "") + block.text
            if block.signature in _FIELD_OF:
                continue
        entry = detail_out(placed, len(details))
        if entry is not None:
            details.append(entry)
    return {**plain, **({"reasoning_details": details} if details else {})}


def detail_out(placed: Placed, index: int) -> Object | None:
    """The entry for a block: the one that it came as, else Claude's form; None for plain text."""
    block = placed.block
    token = block.data if isinstance(block, RedactedThinking) else block.signature
    opened = unseal(token) if token.startswith(_MARK) else None
    if not token or (opened is not None and opened[0] == "chat"):
        kept = opened[1] if opened is not None else None
        return kept["detail"] if isinstance(kept, dict) and isinstance(kept.get("detail"), dict) else None
    if placed.chars or placed.calls:
        token = seal(_PLACE, [token, placed.chars, placed.calls])
    if isinstance(block, RedactedThinking):
        return {"type": "reasoning.encrypted", "data": token, "format": FORMAT, "index": index}
    return {"type": "reasoning.text", "text": block.text, "signature": token, "format": FORMAT, "index": index}


def call_kept(called: str, extras: Mapping[str, Any]) -> RedactedThinking:
    """What a server wants back with a call, Gemini its thought's signature, as a block that other dialects keep."""
    return RedactedThinking(seal("chat", {"call": called, "extras": dict(extras)}))


def call_extras(thinking: Iterable[Placed]) -> dict[str, Object]:
    """What was kept so, by the call's id."""
    found: dict[str, Object] = {}
    for one in thinking:
        token = one.block.data if isinstance(one.block, RedactedThinking) else ""
        opened = unseal(token) if token.startswith(_MARK) else None
        if opened is not None and opened[0] == "chat" and isinstance(opened[1], dict) and "call" in opened[1]:
            found[opened[1]["call"]] = opened[1]["extras"]
    return found


def call_seal(thinking: Iterable[Placed]) -> str:
    """The thinking that stands before a call and after the one before it, as one string that the call carries."""
    return seal(_TURN, [[*_packed(one.block), one.chars, one.calls] for one in thinking])


def _packed(block: Thinking | RedactedThinking) -> tuple[str | None, str]:
    return (None, block.data) if isinstance(block, RedactedThinking) else (block.text, block.signature)
