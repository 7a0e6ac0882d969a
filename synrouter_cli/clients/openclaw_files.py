"""Where OpenClaw's configuration is, and what it says once `$include` is followed: an object that names other files
stands for theirs, merged in order, with what stands beside it on top; objects merge, arrays are joined.

Source: the client itself (2026.9.6) and docs.openclaw.ai, "Environment variables", "Config includes" (November 2026).

>>> from pathlib import PurePosixPath as P
>>> texts = {P("/h/.openclaw/openclaw.json"): "{agents: {$include: './a.json5'}}", P("/h/.openclaw/a.json5"): "{}"}
>>> around = Surroundings(P("/h"), P("/p"), {}, "linux", texts.get, texts.__contains__)
>>> owner(around, config_file(around), ("agents", "defaults", "model"))
(PurePosixPath('/h/.openclaw/a.json5'), ('defaults', 'model'))
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Final

from synrouter_cli.clients.client import Surroundings
from synrouter_cli.textedit import Key

FORMAT: Final = "json5"
INCLUDE: Final = "$include"
DEEPEST: Final = 10
"""So many files may include each other."""
UNSET: Final = ("", "undefined", "null")
"""Values of OPENCLAW_HOME that count as none."""


def config_file(around: Surroundings) -> PurePath:
    """OPENCLAW_CONFIG_PATH, else `openclaw.json` in OPENCLAW_STATE_DIR or `.openclaw`; older names where only they
    are there."""
    home = _below(around.home, _variable(around, "OPENCLAW_HOME")) or around.home
    named = _below(home, _variable(around, "OPENCLAW_CONFIG_PATH"))
    if named is not None:
        return named
    state = _below(home, _variable(around, "OPENCLAW_STATE_DIR"))
    folder = state or around.first_of(home / ".openclaw", home / ".clawdbot")
    return around.first_of(folder / "openclaw.json", folder / "clawdbot.json")


def _variable(around: Surroundings, name: str) -> str:
    value = around.environ.get(name, "").strip()
    return "" if value in UNSET else value


def _below(home: PurePath, named: str) -> PurePath | None:
    if not named:
        return None
    return home / named[1:].lstrip("/") if named == "~" or named.startswith("~/") else PurePath(named)


def effective(around: Surroundings, path: PurePath) -> dict[str, Any]:
    """What the file says with all that it includes. A file that is missing, or included too deep, says nothing; the
    client itself refuses to start on such a configuration. Raises EditError where one does not parse."""
    value = _resolved(around, path, around.value(path, FORMAT), DEEPEST)
    return value if isinstance(value, dict) else {}


def _resolved(around: Surroundings, path: PurePath, value: Any, depth: int) -> Any:
    if isinstance(value, list):
        return [_resolved(around, path, inner, depth) for inner in value]
    if not isinstance(value, dict):
        return value
    beside = {key: _resolved(around, path, inner, depth) for key, inner in value.items() if key != INCLUDE}
    if INCLUDE not in value:
        return beside
    named = value[INCLUDE]
    result: Any = {}
    for name in named if isinstance(named, list) else [named]:
        target = _target(path, name)
        if target is not None and depth:
            result = merged(result, _resolved(around, target, around.value(target, FORMAT), depth - 1))
    return merged(result, beside)


def merged(under: Any, over: Any) -> Any:
    """Both in one: objects key by key, arrays one after the other, of anything else the second.

    >>> merged({"a": [1], "b": 1}, {"a": [2], "b": {}})
    {'a': [1, 2], 'b': {}}
    """
    if isinstance(under, dict) and isinstance(over, dict):
        both = {key: merged(under[key], over[key]) for key in under.keys() & over.keys()}
        return {**under, **over, **both}
    if isinstance(under, list) and isinstance(over, list):
        return [*under, *over]
    return over


def owner(around: Surroundings, path: PurePath, keys: tuple[Key, ...]) -> tuple[PurePath, tuple[Key, ...]]:
    """The file that `keys` are to be written to, and the keys there. Where a section is nothing but one include of a
    file beside ours, that file: with keys beside it the client could no longer write the section itself."""
    folder, left = path.parent, DEEPEST
    at = 0
    value = around.value(path, FORMAT)
    while isinstance(value, dict) and left:
        named = value.get(INCLUDE)
        target = _target(path, named) if len(value) == 1 else None
        if target is not None and target.is_relative_to(folder) and around.exists(target):
            path, keys, at, left = target, keys[at:], 0, left - 1
            value = around.value(path, FORMAT)
        elif at < len(keys):
            value, at = value.get(str(keys[at])), at + 1
        else:
            break
    return path, keys


def _target(path: PurePath, name: Any) -> PurePath | None:
    """The file that `path` includes as `name`, without `..` in it."""
    if not isinstance(name, str) or not name:
        return None
    parts: list[str] = []
    for part in (path.parent / name).parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return PurePath(*parts)
