"""Values as YAML that versions 1.1 and 1.2 read alike: a text is plain only where nothing could take it for
another thing.

>>> print(block({"model": {"name": "on", "list": [1, "a"]}}, "", "\\n"))
model:
  name: "on"
  list:
    - 1
    - a
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

UNIT: Final = "  "

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*(?: [A-Za-z0-9_./@+-]+)*")
_TAKEN: Final = frozenset("y n yes no on off true false null nan inf".split())
_UNPRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


def block(value: Any, indent: str, newline: str) -> str:
    """A filled object or array on lines, all but the first indented by `indent`."""
    if isinstance(value, dict):
        lines = [f"{flow(str(key))}:{_below(each, indent, newline)}" for key, each in value.items()]
    else:
        lines = [f"- {item(each, indent, newline)}" for each in value]
    return (newline + indent).join(lines)


def item(value: Any, indent: str, newline: str) -> str:
    """What stands behind a dash at `indent`."""
    return block(value, indent + UNIT, newline) if is_filled(value) else flow(value)


def _below(value: Any, indent: str, newline: str) -> str:
    if not is_filled(value):
        return f" {flow(value)}"
    return newline + indent + UNIT + block(value, indent + UNIT, newline)


def is_filled(value: Any) -> bool:
    return isinstance(value, dict | list) and len(value) > 0


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(str(key))}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _TAKEN
        return value if plain else _quoted(value)
    if isinstance(value, float):
        return _float(value)
    return json.dumps(value)


def _quoted(text: str) -> str:
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    digits, exponent, power = repr(value).partition("e")
    if exponent and "." not in digits:
        digits += ".0"  # YAML 1.1 takes 1e+20 for a text
    return digits + exponent + power
