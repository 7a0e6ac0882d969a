"""A client's environment as lines of a shell; the local key is not in them, the shell asks for it.

>>> from synrouter_cli.clients.client import TOKEN, Launch
>>> launch = Launch({"URL": "http://127.0.0.1:7477", "KEY": f"a {TOKEN}"}, unset=("OLD",))
>>> list(lines(launch, "sh"))
['unset OLD', 'export URL=http://127.0.0.1:7477', 'export KEY="a $(synrouter token show)"']
>>> list(lines(launch, "fish"))[1:]
["set -gx URL 'http://127.0.0.1:7477'", "set -gx KEY 'a '(synrouter token show)"]
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from typing import Final

from synrouter_cli.clients.client import TOKEN, Launch

_ASK: Final = "synrouter token show"
_QUOTES_OF_POWERSHELL: Final = re.compile("(['\u2018-\u201b])")
"""All of them end a string there."""


def _sh(name: str, value: str) -> str:
    if TOKEN not in value:
        return f"export {name}={shlex.quote(value)}"
    quoted = "".join(f"\\{letter}" if letter in '\\"`$' else letter for letter in value.replace(TOKEN, "\0"))
    return f'export {name}="{quoted}"'.replace("\0", f"$({_ASK})")


def _fish(name: str, value: str) -> str:
    parts = [_fish_quoted(part) if part else "" for part in value.split(TOKEN)]
    return f"set -gx {name} {f'({_ASK})'.join(parts) or _fish_quoted('')}"


def _powershell(name: str, value: str) -> str:
    parts = [_powershell_quoted(part) for part in value.split(TOKEN)]
    return f"$env:{name} = {f' + ({_ASK}) + '.join(parts)}"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell_quoted(text: str) -> str:
    return "'" + _QUOTES_OF_POWERSHELL.sub(r"\1\1", text) + "'"


_LIKE_SH: Final = ("sh", "bash", "zsh")
_SETS: Final[dict[str, Callable[[str, str], str]]] = {
    **dict.fromkeys(_LIKE_SH, _sh),
    "fish": _fish,
    "powershell": _powershell,
}
_UNSETS: Final = {
    **dict.fromkeys(_LIKE_SH, "unset {}"),
    "fish": "set -e {}",
    "powershell": "Remove-Item Env:{} -ErrorAction Ignore",
}
_WORDS: Final[dict[str, Callable[[str], str]]] = {
    **dict.fromkeys(_LIKE_SH, shlex.quote),
    "fish": _fish_quoted,
    "powershell": _powershell_quoted,
}
SHELLS: Final = tuple(_SETS)


def lines(launch: Launch, shell: str) -> Iterator[str]:
    """What `shell`, one of SHELLS, takes to have the environment of `launch`."""
    yield from (_UNSETS[shell].format(name) for name in launch.unset)
    yield from (_SETS[shell](name, value) for name, value in launch.environ.items())


def word(text: str, shell: str) -> str:
    """One argument of a command line: bare where nothing in it means anything to a shell."""
    return text if re.fullmatch(r"[A-Za-z0-9_][\w./:=-]*|--?[\w-]+", text, re.ASCII) else _WORDS[shell](text)
