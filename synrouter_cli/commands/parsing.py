"""How Typer parses and explains our commands: help in groups, and no pydantic for plain values.

An argument is shown by its metavar alone, without braces and Python's name of its type.

Typer converts every value that is no flag through pydantic, which takes longer to import (60 ms) than most of our
commands run. Texts and numbers are converted here; whatever else an option may hold is left to Typer.

Example: `app.command(cls=QuickCommand, rich_help_panel="Look")` lists the command under "Look:".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

if TYPE_CHECKING:  # Typer's copy of click, which is private
    from typer._click.core import Context
    from typer._click.formatting import HelpFormatter

RUN, LOOK, SET_UP = "Run", "Look", "Set up"
PANELS = (RUN, LOOK, SET_UP, "Commands")
"""The headings that commands stand under, in their order."""

_NUMBERS = {int: "a whole number", float: "a number"}


class QuickCommand(TyperCommand):
    """A command whose flags, texts and numbers are converted without pydantic."""

    def get_params(self, ctx: Context) -> list[Any]:
        return [_quick(parameter) for parameter in super().get_params(ctx)]

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            if getattr(error, "ctx", ctx) is None:  # an option without its value: the parser does not say whose
                error.ctx = ctx  # type: ignore[attr-defined]
            raise


def _quick(parameter: Any) -> Any:
    if parameter.param_type_name == "argument":
        # Private to Typer too: without them the help is uglier.
        parameter._usage_display_name = lambda: _usage(parameter)
        parameter.display_type_rich = lambda ctx: None
    kind = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    if kind in (bool, str, int, float) or kind == list[str]:
        # Private to Typer: should it go, commands are slower and do the same.
        parameter._runtime_param = _Plain(kind)
    return parameter


def _usage(parameter: Any) -> str:
    """An argument in the line of the usage; a metavar that has brackets says itself that it can be left out."""
    name: str = parameter.metavar or parameter.name.upper()
    return name if parameter.required or name.startswith("[") else f"[{name}]"


class _Plain:
    """Converts the values of one parameter, as Typer's own converters do."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def coerce(self, value: Any, param: Any, ctx: Context) -> Any:
        if self._kind == list[str]:
            return list(value or ())
        if value is None or self._kind in (bool, str):
            return value
        try:
            return self._kind(value)
        except ValueError:
            detail = f"{value!r} is not {_NUMBERS[self._kind]}."
            raise typer.BadParameter(detail, ctx=ctx, param=param) from None


class GroupedHelp(TyperGroup):
    """Lists its commands under their panels, in the order of their definition, before the options."""

    def get_params(self, ctx: Context) -> list[Any]:
        return [_quick(parameter) for parameter in super().get_params(ctx)]

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        rows = [record for parameter in self.get_params(ctx) if (record := parameter.get_help_record(ctx))]
        with formatter.section("Options"):
            formatter.write_dl(rows)

    def list_commands(self, ctx: Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        shown = {name: command for name, command in self.commands.items() if not command.hidden}
        width = max(map(len, shown))
        panels: dict[str, list[tuple[str, str]]] = {panel: [] for panel in PANELS}
        for name, command in shown.items():
            panel = getattr(command, "rich_help_panel", None)
            text = command.get_short_help_str(formatter.width - 6 - width)
            panels[panel if panel in panels else PANELS[-1]].append((name.ljust(width), text))
        for panel, rows in panels.items():
            if rows:
                with formatter.section(panel):
                    formatter.write_dl(rows)
