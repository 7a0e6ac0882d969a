"""Content of an answer: a string, or the list of parts in which Mistral's models give thinking and text.

>>> pieces([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}, {"type": "text", "text": "Yes"}])
('Hm', 'Yes')
"""

from __future__ import annotations

from typing import Any

__all__ = ["pieces"]


def pieces(content: Any) -> tuple[str, str]:
    """The thinking and the text of a content, whole or a piece of one."""
    if isinstance(content, str):
        return "", content
    if not isinstance(content, list):
        return "", ""
    thought = said = ""
    for part in content:
        if isinstance(part, dict) and part.get("type") == "thinking":
            inner = part.get("thinking")
            thought += inner if isinstance(inner, str) else pieces(inner)[1]
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            said += part["text"]
    return thought, said
