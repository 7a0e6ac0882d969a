"""What a plan makes of one file's text, what is remembered of it, and how that is taken back.

What was there before is never taken for the user's where it is ours, from a record that was lost or another port.

>>> from synrouter_cli.textedit import Edit
>>> file = FileEdit(None, "json", (Edit(("key",), TOKEN), Edit(("url",), "http://127.0.0.1:7477")))
>>> text, changes = edited("{}", file, (), token="sk-sr-local-1")
>>> [change.after for change in changes if change.path], without(text, "json", changes)
(['$SYNROUTER_TOKEN$', 'http://127.0.0.1:7477'], ('{}', ()))
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from synrouter_cli.clients.client import FORMATS, NAME, TOKEN, FileEdit
from synrouter_cli.textedit import ABSENT, Change, Document, Key, apply, undo

_LOCAL_KEY = re.compile(r"sk-sr-local-[A-Za-z0-9_-]+")
_COMMAND = re.compile(r"synrouter\S* .*token show")
_LOOPBACK = re.compile(r"https?://(?:127\.0\.0\.1|localhost|\[::1\]):(\d+)(?:/|$)")
_KEY_NAME = re.compile(
    r"""((?:key|token(?!s["']?\s*[:=]\s*\d+\b)|secret|password|authorization|credential)[\w-]*["']?\s*[:=]\s*(?:bearer\s+)?["']?)([^"'\s,}\]]{6,})""",
    re.IGNORECASE,
)
_KEY_SHAPE = re.compile(r"\b(?:sk|pk|xai|gsk|fw|hf|gh[pousr]|AIza|AKIA)[-_A-Za-z0-9]{12,}")
_REFERENCE: Final = ("$", "{", "!", "/", "file:", "env:")


def initial_text(kind: str) -> str:
    """What a file of that format begins as."""
    return FORMATS[kind][1]


def edited(
    text: str, file: FileEdit, earlier: Sequence[Change], *, token: str, port: int | None = None
) -> tuple[str, tuple[Change, ...]]:
    """`text` with the plan's edits and without those of `earlier` that the plan no longer has; and what to remember,
    TOKEN in it for the key. Raises EditError, and ConfigConflict with it, where an edit has no place."""
    document = FORMATS[file.format][0].parse(text)
    planned = {_place(edit.path, edit.element, edit.value, edit.by) for edit in file.edits}
    gone: list[Change] = []
    left: list[Change] = []
    for change in earlier:
        known = _with_key(change, document, token)
        outdated = change.element and known.after != _swapped(change.after, TOKEN, token)
        below = _is_parent(change) and any(edit.path[: len(change.path)] == change.path for edit in file.edits)
        stays = below or (_place_of(change) in planned and not outdated)
        (left if stays else gone).append(known)
    document = undo(document, gone).document
    edits = [replace(edit, value=_swapped(edit.value, TOKEN, token)) for edit in file.edits]
    done, changes = apply(document, edits, left)
    made = {_place_of(change) for change in changes}
    there = [
        Change(edit.path, ABSENT, edit.value, edit.element, by=edit.by)  # of a record that was lost
        for edit in edits
        if is_ours(edit.value, port) and _place(edit.path, edit.element, edit.value, edit.by) not in made
    ]
    return done.text, tuple(_remembered(change, token, port) for change in (*changes, *there))


def without(text: str, kind: str, changes: Iterable[Change]) -> tuple[str, tuple[Change, ...]]:
    """`text` as it would be had we not come, and the changes that stay since the user has changed the same key.
    Raises EditError where the text does not parse."""
    document = FORMATS[kind][0].parse(text)
    undone = undo(document, [_with_key(change, document, "") for change in changes])
    return undone.document.text, undone.kept


def with_new_key(text: str, kind: str, changes: Iterable[Change], *, old: str, new: str) -> str:
    """`text` with the new key wherever `changes` had put the old one and it still stands."""
    document = FORMATS[kind][0].parse(text)
    for change in changes:
        if holds_key(change.after):
            for path, value in _text_places(document.get(change.path), change.path):
                document = document.set(path, value.replace(old, new)) if old in value else document
    return document.text


def holds_key(value: Any) -> bool:
    """Whether TOKEN stands in it."""
    return any(TOKEN in text for text in texts_in(value))


def is_ours(value: Any, port: int | None = None) -> bool:
    """Whether a value can only have come from us; `port` is the one that we listen on.

    >>> is_ours("synrouter/claude-opus-4-8"), is_ours({"key": "sk-sr-local-abc"}), is_ours("mine")
    (True, True, False)
    >>> is_ours("http://127.0.0.1:7477/v1", 7477), is_ours("http://127.0.0.1:11434", 7477)
    (True, False)

    A list that names us beside others is the user's, say of the providers that are disabled:

    >>> is_ours(["synrouter", "openai"])
    False
    """
    if isinstance(value, list):
        value = [element for element in value if element != NAME]

    def ours(text: str) -> bool:
        at = _LOOPBACK.match(text)
        named = text == NAME or text.startswith(f"{NAME}/") or TOKEN in text
        own = named or _LOCAL_KEY.search(text) or _COMMAND.search(text)
        return bool(own or (at and port is not None and int(at[1]) == port))

    return any(map(ours, texts_in(value)))


def redacted(line: str) -> str:
    """A line of a configuration without what may be a key in it.

    >>> redacted('  "apiKey": "abcdef123456",  // mine'), redacted('key: ${MY_KEY}')
    ('  "apiKey": "…",  // mine', 'key: ${MY_KEY}')
    >>> redacted('"token": 12345678, "max_tokens": 128000')
    '"token": …, "max_tokens": 128000'
    """

    def masked(match: re.Match[str]) -> str:
        return match[0] if match[2].startswith(_REFERENCE) or TOKEN in match[2] else f"{match[1]}…"

    line = _LOCAL_KEY.sub("sk-sr-local-…", line)
    return _KEY_SHAPE.sub("…", _KEY_NAME.sub(masked, line))


def _remembered(change: Change, token: str, port: int | None) -> Change:
    if change.before is not ABSENT and not _is_parent(change) and is_ours(change.before, port):
        change = replace(change, before=ABSENT, source=None)
    return replace(change, after=_swapped(change.after, token, TOKEN))


def _with_key(change: Change, document: Document, token: str) -> Change:
    """With the key that stands in the file now in the place of TOKEN, whichever that is."""
    if not holds_key(change.after):
        return change
    found = next((key for text in texts_in(document.get(change.path)) for key in _LOCAL_KEY.findall(text)), token)
    return replace(change, after=_swapped(change.after, TOKEN, found))


def _is_parent(change: Change) -> bool:
    return change.after in ({}, []) and not change.element


def _place_of(change: Change) -> tuple[object, ...]:
    return _place(change.path, change.element, change.after, change.by)


def _place(path: Iterable[object], element: bool, value: Any, by: str | None) -> tuple[object, ...]:
    if not element:
        return (tuple(path), None)
    named = isinstance(value, dict) and by in value
    return (tuple(path), repr(value[by] if named else value))


def texts_in(value: Any) -> Iterator[str]:
    """Every string in `value`, but for the names of keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts_in(inner)


def _text_places(value: Any, path: tuple[Key, ...]) -> Iterator[tuple[tuple[Key, ...], str]]:
    """Every string in `value`, which stands at `path`, and where it stands."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _text_places(inner, (*path, key))


def _swapped(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new) if old else value
    if isinstance(value, dict):
        return {key: _swapped(inner, old, new) for key, inner in value.items()}
    return [_swapped(inner, old, new) for inner in value] if isinstance(value, list) else value


__all__ = ["edited", "holds_key", "initial_text", "is_ours", "redacted", "with_new_key", "without"]
