"""What there is to complete: the commands as Typer knows them, reduced to words and where words come from.

An option's metavar says what it takes: `day|session` lists the words, `WHEN` stands for a kind of value that the
ledger or the program knows, anything else is free.

Example: `read(get_command(app)).commands["stats"].options[3].takes.words` is ("day", "session", …).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

KINDS: Final[Mapping[str, str]] = {
    "NAME=URL": "upstreams",
    "PROVIDER": "providers",
    "CLIENT": "clients",
    "SESSION": "sessions",
    "MODEL": "models",
    "WHEN": "days",
    "ZONE": "zones",
}
"""Metavars whose values are asked for when they are needed, and what they are called then."""
FILES: Final = "[PATH]..."
"""The metavar of arguments that the shell completes by itself."""


@dataclass(frozen=True, slots=True)
class Takes:
    """What a value can be: one of `words`, or one of a `kind`, or a file's path, or anything where none is said."""

    words: tuple[str, ...] = ()
    kind: str = ""
    files: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    names: tuple[str, ...]
    help: str
    takes: Takes | None
    """None: a flag."""


@dataclass(frozen=True, slots=True)
class Node:
    """A command: its place as `/token/show`, the root's is empty."""

    place: str
    help: str
    options: tuple[Option, ...]
    argument: Takes | None
    commands: Mapping[str, Node] = field(default_factory=dict)

    def everywhere(self) -> Iterator[Node]:
        """This command and all below it."""
        yield self
        for command in self.commands.values():
            yield from command.everywhere()


def read(command: Any, place: str = "") -> Node:
    """The tree of a Typer command; hidden commands and options are left out."""
    shown = [parameter for parameter in command.params if not parameter.hidden]
    arguments = [_takes(parameter) for parameter in shown if parameter.param_type_name == "argument"]
    options = [_option(parameter) for parameter in shown if parameter.param_type_name == "option"]
    below = {
        name: read(child, f"{place}/{name}")
        for name, child in getattr(command, "commands", {}).items()
        if not child.hidden
    }
    options.append(Option(("--help", "-h"), "Show the help and exit.", None))
    return Node(place, _first_sentence(command.help or ""), tuple(options), next(iter(arguments), None), below)


def _option(parameter: Any) -> Option:
    names = tuple(sorted(parameter.opts, key=lambda name: not name.startswith("--")))
    text = (parameter.help or "").partition("  [")[0]
    return Option(names, text, None if parameter.is_flag else _takes(parameter))


def _takes(parameter: Any) -> Takes:
    metavar = parameter.metavar or ""
    if "|" in metavar:
        return Takes(words=tuple(metavar.split("|")))
    return Takes(kind=KINDS.get(metavar, ""), files=metavar == FILES)


def _first_sentence(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())
