"""`synrouter completions SHELL`: the script of a shell, made from the commands themselves.

Commands, options and fixed words stand in the script, so that they cost no process; only what the ledger or the
program knows is asked for, by `synrouter complete-values KIND`.

Example: `script("bash", get_command(app))` ends with `complete -F _synrouter synrouter`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from synrouter_cli.commands import completion_bash, completion_fish, completion_powershell, completion_zsh
from synrouter_cli.commands.completion_tree import Node, read
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.errors import UsageError

SHELLS: Final[Mapping[str, tuple[str, Callable[[Node], str]]]] = {
    "bash": ("synrouter.bash", completion_bash.render),
    "zsh": ("_synrouter", completion_zsh.render),
    "fish": ("synrouter.fish", completion_fish.render),
    "powershell": ("synrouter.ps1", completion_powershell.render),
}
"""Each shell with the name that its script has as a file."""


def show(shell: str, command: Any) -> None:
    """Print the script for `shell`. Raises UsageError for one that we don't know."""
    print(script(shell, command), end="")


def script(shell: str, command: Any) -> str:
    """The script for `shell` that completes `command`, a Typer command. Raises UsageError."""
    if shell not in SHELLS:
        detail = f"There are completions for {', '.join(SHELLS)}, not for {clean(shell)!r}."
        raise UsageError(detail=detail, hint="synrouter completions bash")
    _, render = SHELLS[shell]
    return render(read(command))
