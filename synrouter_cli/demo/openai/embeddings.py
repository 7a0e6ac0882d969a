"""`POST /v1/embeddings`, small: a text's vector is made of its digest, so the same text has the same vector.

>>> embedded({"model": "text-embedding-3-small", "input": "hi", "dimensions": 2})["data"][0]["index"]
0
"""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Mapping
from hashlib import shake_256
from typing import Any, Final

from synrouter_cli.demo.openai.errors import Refusal, missing, wrong_type
from synrouter_cli.demo.openai.prompt import tokens_of

__all__ = ["embedded", "embedding_refusal"]

_DIMENSIONS: Final = 8


def embedding_refusal(body: Mapping[str, Any]) -> Refusal | None:
    """What is wrong with a request for embeddings."""
    for name in ("model", "input"):
        if body.get(name) is None:
            return missing(name)
    if not isinstance(body["input"], str | list) or not body["input"]:
        return wrong_type("input", "one of a string or array", body["input"])
    return None


def embedded(body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer: eight dimensions unless told, floats or base64 of 32-bit floats."""
    given = body["input"]
    single = isinstance(given, str) or isinstance(given[0], int)
    texts = [given] if single else given
    count, base64 = int(body.get("dimensions") or _DIMENSIONS), body.get("encoding_format") == "base64"
    tokens = sum(tokens_of(text) if isinstance(text, str) else len(text) for text in texts)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": at, "embedding": _vector(str(text), count, base64)}
            for at, text in enumerate(texts)
        ],
        "model": body["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _vector(text: str, count: int, base64: bool) -> list[float] | str:
    digest = shake_256(text.encode()).digest(count)
    numbers = [byte / 128 - 1 for byte in digest]
    return b64encode(struct.pack(f"<{count}f", *numbers)).decode() if base64 else numbers
