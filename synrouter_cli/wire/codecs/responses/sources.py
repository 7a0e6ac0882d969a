"""Where the bytes of an image or a file are: data URLs, addresses and ids ⇄ `Source`.

>>> of_url("data:image/png;base64,iVBO")
Source(kind='base64', data='iVBO', media_type='image/png')
>>> url_of(of_url("https://example.com/a.png"))
'https://example.com/a.png'
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from synrouter_cli.wire.ir import Document, Source

PLAIN: Final = "text/plain"
PDF: Final = "application/pdf"
_BASE64: Final = ";base64"
_DEFAULT_NAMES: Final = {PDF: "document.pdf", PLAIN: "document.txt"}
"""A file that is sent as data needs a name in this dialect; these stand for none."""


def of_url(url: str) -> Source:
    if not url.startswith("data:"):
        return Source("url", url)
    head, comma, data = url[len("data:") :].partition(",")
    if not comma or not head.endswith(_BASE64):
        return Source("url", url)
    return Source("base64", data, head.removesuffix(_BASE64) or None)


def url_of(source: Source) -> str:
    """The URL of a source that is base64 or one already."""
    if source.kind == "url":
        return str(source.data)
    return f"data:{source.media_type or PDF}{_BASE64},{source.data}"


def of_file_data(data: str) -> Source:
    """A file's bytes: a data URL, or bare base64. Plain text becomes what it says."""
    source = of_url(data) if data.startswith("data:") else Source("base64", data)
    if source.media_type != PLAIN or source.kind != "base64":
        return source
    try:
        return Source("text", base64.b64decode(source.data, validate=True).decode(), PLAIN)
    except (binascii.Error, UnicodeDecodeError):
        return source


def file_data(document: Document) -> str | None:
    """A document's bytes as this dialect wants them; None where they are elsewhere."""
    source = document.source
    if source.kind == "base64":
        return url_of(source) if source.media_type else str(source.data)
    if source.kind == "text":
        packed = base64.b64encode(str(source.data).encode("utf-8", "replace")).decode()
        return f"data:{source.media_type or PLAIN}{_BASE64},{packed}"
    return None


def file_name(document: Document) -> str:
    """Its title, or what stands for none."""
    kind = PLAIN if document.source.kind == "text" else document.source.media_type or PDF
    return document.title or _DEFAULT_NAMES.get(kind, "document")


def title_of(name: str | None) -> str | None:
    return None if name in _DEFAULT_NAMES.values() or name == "document" else name
