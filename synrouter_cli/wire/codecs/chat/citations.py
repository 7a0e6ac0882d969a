"""Annotations of an answer ⇄ citations: what Anthropic cites of a web search is a `url_citation` here.

>>> cited = citation({"type": "url_citation", "url_citation": {
...     "start_index": 0, "end_index": 3, "title": "T", "url": "https://a"}}, "Yes, it is.")
>>> cited["type"], cited["cited_text"]
('web_search_result_location', 'Yes')
>>> annotation(cited, 0, 3)["url_citation"]["url"]
'https://a'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synrouter_cli.wire.codecs.chat.fields import Object

__all__ = ["annotation", "citation"]


def citation(annotation: Any, text: str) -> Object | None:
    """Anthropic's citation for an annotation of `text`; None for a kind that it has none for."""
    if not isinstance(annotation, dict):
        return None
    found = annotation.get("url_citation")
    if annotation.get("type") != "url_citation" or not isinstance(found, dict):
        return None
    start, end = found.get("start_index"), found.get("end_index")
    spanned = isinstance(start, int) and isinstance(end, int)
    quoted = found.get("content")
    return {
        "type": "web_search_result_location",
        "cited_text": quoted if isinstance(quoted, str) else text[start:end] if spanned else "",
        "url": str(found.get("url") or ""),
        "title": found.get("title"),
        "encrypted_index": "",
    }


def annotation(citation: Mapping[str, Any], start: int, end: int) -> Object | None:
    """The annotation for a citation of the text between two places; None where it cites no page of the web."""
    url = citation.get("url") or citation.get("source")
    if not isinstance(url, str) or citation.get("type") not in ("web_search_result_location", "search_result_location"):
        return None
    title = citation.get("title")
    place = {"start_index": start, "end_index": end, "title": title if isinstance(title, str) else "", "url": url}
    return {"type": "url_citation", "url_citation": place}
