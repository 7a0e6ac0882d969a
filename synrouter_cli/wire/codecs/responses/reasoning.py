"""Reasoning items ⇄ thinking. Ours carry another provider's thinking sealed, and are restored exactly; OpenAI's own
become thinking whose signature carries the item sealed.

>>> item = write_answer(Thinking("Look first", "EqQB"), "rs_1")
>>> item["summary"], read(item, "input.0").signature
([{'type': 'summary_text', 'text': 'Look first'}], 'EqQB')
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from synrouter_cli.wire.ir import Block, Loss, Opaque, RedactedThinking, Thinking
from synrouter_cli.wire.sealed import seal, unseal

HUB: Final = "anthropic"
OWN: Final = "responses"
JOINT: Final = "\n\n"
"""Between the parts of a summary."""
_THINKING: Final = frozenset({"type", "thinking", "signature"})

Item = dict[str, Any]


# ── in ──


def read(item: Item, path: str) -> Block:
    """The block of a reasoning item in a request."""
    sealed = item.get("encrypted_content")
    opened = unseal(sealed) if isinstance(sealed, str) else None
    if opened is None:
        return Thinking(text_of(item), item=item)
    dialect, value = opened
    if dialect == HUB and isinstance(value, dict):
        return _hub_block(value)
    if dialect == OWN and isinstance(value, dict):
        return Thinking(text_of(value), item=value)
    return Thinking(text_of(item), str(sealed))


def read_answer(item: Item) -> Thinking | None:
    """The thinking of a reasoning item in an answer, its signature the whole item; None where there is nothing."""
    said = text_of(item)
    if not said and not item.get("encrypted_content"):
        return None
    return Thinking(said, signature_of(item))


def signature_of(item: Item) -> str:
    """What another dialect is to keep of a reasoning item, to be given back in `Thinking.signature`."""
    kept = {key: value for key, value in item.items() if value is not None and key != "status"}
    return seal(OWN, kept)


def text_of(item: Mapping[str, Any]) -> str:
    """What a reasoning item shows: its summary, else what was thought."""
    for key in ("summary", "content"):
        parts = item.get(key)
        if isinstance(parts, list) and parts:
            said = [str(part.get("text") or "") for part in parts if isinstance(part, dict)]
            return JOINT.join(text for text in said if text)
    return ""


def _hub_block(value: Item) -> Block:
    kind = value.get("type")
    if kind == "thinking":
        extras = {key: one for key, one in value.items() if key not in _THINKING}
        return Thinking(str(value.get("thinking", "")), str(value.get("signature", "")), extras)
    if kind == "redacted_thinking":
        return RedactedThinking(str(value.get("data", "")))
    return Opaque(HUB, str(kind), value)


# ── out ──


def write(block: Thinking | RedactedThinking, path: str, losses: list[Loss]) -> Item | None:
    """The item to send for thinking in a request; None, and a loss, for what was not thought at this provider."""
    item = block.item if isinstance(block, Thinking) and block.item is not None else None
    if item is None and isinstance(block, Thinking):
        opened = unseal(block.signature)
        item = opened[1] if opened is not None and opened[0] == OWN else None
    if not isinstance(item, Mapping) or (block.item is None and not item.get("encrypted_content")):
        losses.append(Loss("foreign_thinking", path))
        return None
    return {"type": "reasoning", "id": "", "summary": [], **{k: v for k, v in item.items() if v is not None}}


def write_answer(block: Thinking | RedactedThinking | Opaque, item_id: str) -> Item:
    """The item that carries a block to a client, whoever's it is."""
    if isinstance(block, Thinking):
        opened = unseal(block.signature)
        if opened is not None and opened[0] == OWN and isinstance(opened[1], dict):
            return {"type": "reasoning", "id": item_id, "summary": [], **opened[1]}
    shown = block.text if isinstance(block, Thinking) else ""
    summary = [{"type": "summary_text", "text": shown}] if shown else []
    return {"type": "reasoning", "id": item_id, "summary": summary, "encrypted_content": _carried(block)}


def _carried(block: Thinking | RedactedThinking | Opaque) -> str:
    if isinstance(block, Opaque):
        return seal(block.dialect, block.data)
    if isinstance(block, RedactedThinking):
        return seal(HUB, {"type": "redacted_thinking", "data": block.data})
    if unseal(block.signature) is not None:
        return block.signature
    return seal(HUB, {"type": "thinking", "thinking": block.text, "signature": block.signature, **block.extras})
