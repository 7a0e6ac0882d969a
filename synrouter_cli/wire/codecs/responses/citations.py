"""Annotations of output text ⇄ citations as Anthropic has them: those of web pages have a place in both.

>>> page = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2}
>>> cited(page, "Hi there")["cited_text"]
'Hi'
>>> annotation(cited(page, "Hi there"), "Hi there") == page
True
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synrouter_cli.wire.ir import Json


def cited(annotation: Any, text: str) -> Json | None:
    """A citation of a web page; None for what Anthropic has no place for."""
    if not isinstance(annotation, dict) or annotation.get("type") != "url_citation":
        return None
    start, end = _index(annotation, "start_index", 0), _index(annotation, "end_index", len(text))
    return {
        "type": "web_search_result_location",
        "cited_text": text[start:end],
        "encrypted_index": "",
        "title": annotation.get("title"),
        "url": annotation.get("url") or "",
    }


def annotation(citation: Any, text: str) -> dict[str, Any] | None:
    """An annotation of `text`; None for what this dialect has no place for (pages, characters, search results)."""
    if not isinstance(citation, dict) or not isinstance(citation.get("url"), str):
        return None
    quoted = citation.get("cited_text") or ""
    start = text.find(quoted) if quoted else -1
    return {
        "type": "url_citation",
        "url": citation["url"],
        "title": citation.get("title") or "",
        "start_index": max(start, 0),
        "end_index": start + len(quoted) if start >= 0 else len(text),
    }


def _index(source: Mapping[str, Any], key: str, default: int) -> int:
    value = source.get(key)
    return value if isinstance(value, int) and value >= 0 else default
