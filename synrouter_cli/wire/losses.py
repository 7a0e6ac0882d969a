"""What can be lost between dialects: every code that a `Loss` may have, with the sentence that `explain` shows.

A loss is only what the target has no place for. Tools, thinking, usage, stop reasons and structured output have one
everywhere, and are never lost.

>>> sentence("top_k")
'The target has no top_k: it samples without that limit.'
>>> sentence("field:seed")
'The target does not know the field seed.'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from synrouter_cli.wire.ir import Loss

__all__ = ["LOSSES", "field", "sentence"]

LOSSES: Final[Mapping[str, str]] = {
    # content
    "audio": "The target takes no audio: a note stands in its place.",
    "block": "A block that only its own dialect knows was left out.",
    "cache_marker": "A cache marker stood where the target takes none.",
    "choices": "Of several choices the first was taken.",
    "citations": "The target has no citations: the text stays without them.",
    "empty_text": "An empty text was left out: the target refuses it.",
    "empty_message": "A message without content was left out: the target refuses it.",
    "file_id": "A file's id is known to its own provider only: a note stands in its place.",
    "foreign_thinking": "Thinking signed for another provider can't be shown to this one and was left out.",
    "document_type": "The target takes no document of this kind: a note stands in its place.",
    "image_detail": "The target has no choice of an image's detail.",
    "refusal_as_text": "A refusal goes on as text.",
    # tools
    "builtin_tool": "A tool that its own provider runs does not exist at the target.",
    "parallel_calls": "A client of before `tools` takes one call at a time: the first was taken.",
    "deferred_tool": "The target loads no tools later: the tool is offered from the start.",
    "strict": "The target's strict mode takes no optional properties: the tool is offered without it.",
    # settings
    "cache_key": "The target has no prompt_cache_key.",
    "forced_tool": "The model can't be forced to call a tool: it is told to in words.",
    "max_tokens_least": "The target's least number of tokens for an answer stands in place of a smaller one.",
    "metadata": "The target keeps no metadata but the user's id.",
    "message_name": "The target's messages have no name.",
    "previous": "The target keeps no earlier answer to go on from.",
    "sampling": "The model takes no temperature, top_p or top_k here, or only one of them.",
    "service_tier": "The target has no service tier of this name.",
    "stop": "Stop sequences of white space alone are refused by the target and were left out.",
    "stop_sequences": "The target has no stop sequences.",
    "store": "The target stores no answers.",
    "temperature": "The target's temperature ends at 1.",
    "top_k": "The target has no top_k: it samples without that limit.",
    "verbosity": "The target has no choice of verbosity.",
}
"""Code → sentence. Codes are stable: the ledger counts by them."""

_FIELD: Final = "field:"


def field(name: str, path: str | None = None) -> Loss:
    """The loss of a field that only its own dialect knows; the code carries the field's name."""
    return Loss(_FIELD + name, name if path is None else path)


def sentence(code: str) -> str:
    """What a code means; an unknown one, of a newer version's ledger, is shown as it is."""
    if code.startswith(_FIELD):
        return f"The target does not know the field {code.removeprefix(_FIELD)}."
    return LOSSES.get(code, code)
