"""Files of `NAME=value` lines as agents read them (`.env`): flat, all values strings, the last of a name counts.

>>> Dotenv.parse("# mine\\nA='1'\\n").set(("B",), "x y").text
'# mine\\nA=\\'1\\'\\nB="x y"\\n'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from synrouter_cli.errors import EditError
from synrouter_cli.textedit.document import Document, error_at
from synrouter_cli.textedit.values import Path

_LINE: Final = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*"""
    r"""(?P<value>"(?:\\.|[^"\\])*"|'[^']*'|`[^`]*`|[^\r\n]*?)[ \t]*(?:[ \t]#[^\r\n]*)?(?P<end>\r\n|\r|\n|\Z)""",
    re.DOTALL,
)
_OTHER: Final = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n|\Z)")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:@%+,-]*")


class Dotenv(Document):
    """Quoted values may span lines; in double quotes \\n, \\" and \\\\ are escapes."""

    __slots__ = ()

    @classmethod
    def _read(cls, body: str) -> Any:
        return {match["name"]: _unquoted(match["value"]) for match in _lines(body)}

    def source(self, path: Path) -> str | None:
        return next(
            (match["value"] for match in reversed(list(_lines(self.body))) if (match["name"],) == tuple(path)), None
        )

    def _put(self, path: Path, value: Any, source: str | None) -> str:
        body = self.body
        if len(path) != 1 or not isinstance(path[0], str) or not isinstance(value, str):
            raise EditError(1, 1, "only NAME=value has a place here")
        spelled = source or _quoted(value)
        for match in reversed(list(_lines(body))):
            if match["name"] == path[0]:
                return body[: match.start("value")] + spelled + body[match.end("value") :]
        newline = self.newline
        open_end = body and not body.endswith(("\n", "\r"))  # stays so, that an undo gives the same bytes
        return f"{body}{newline}{path[0]}={spelled}" if open_end else f"{body}{path[0]}={spelled}{newline}"

    def _drop(self, path: Path) -> str:
        body = self.body
        for match in reversed(list(_lines(body))):
            if (match["name"],) == tuple(path):
                before = body[: match.start()]
                if not match["end"]:
                    before = before.removesuffix("\n").removesuffix("\r")
                body = before + body[match.end() :]
        return body


def _lines(body: str) -> Iterator[re.Match[str]]:
    """Every assignment. Raises EditError at a line that is neither one, a comment, nor empty."""
    at = 0
    while at < len(body):
        match = _LINE.match(body, at)
        found = match or _OTHER.match(body, at)
        if found is None or found.end() == at:
            raise error_at(body, at, "expected NAME=value")
        if match is not None:
            yield match
        at = found.end()


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", lambda each: {"n": "\n", "r": "\r"}.get(each[1], each[1]), text[1:-1], flags=re.DOTALL)
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'`" else text


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r") + '"'
