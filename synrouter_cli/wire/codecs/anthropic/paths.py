"""Where something stands in a request, put together only where it is told: that is rarely, and blocks are many.

>>> joined((("messages", 3), "content"))
'messages.3.content'
"""

from __future__ import annotations

from typing import TypeAlias

__all__ = ["Path", "joined"]

Path: TypeAlias = "str | tuple[Path, str | int]"


def joined(path: Path) -> str:
    return path if isinstance(path, str) else f"{joined(path[0])}.{path[1]}"
