"""The completion script for PowerShell 5.1 and newer, to be dot-sourced from `$PROFILE`."""

from __future__ import annotations

from collections.abc import Iterator

from synrouter_cli.commands.completion_tree import Node, Takes

_SCRIPT = """\
# PowerShell completion for synrouter; made by: synrouter completions powershell

Register-ArgumentCompleter -Native -CommandName synrouter -ScriptBlock {{
    param($wordToComplete, $commandAst, $cursorPosition)
    $commands = @{{
{commands}
    }}
    $options = @{{
{options}
    }}
    $values = @{{
{values}
    }}
    $elements = @($commandAst.CommandElements | Where-Object {{ $_.Extent.EndOffset -lt $cursorPosition }})
    $place = ''
    $previous = ''
    foreach ($element in ($elements | Select-Object -Skip 1)) {{
        $previous = $element.Extent.Text
        if ($commands.ContainsKey("$place/$previous")) {{ $place = "$place/$previous" }}
    }}
    $found = @(if ($values.ContainsKey("$place $previous")) {{
        $kind = $values["$place $previous"]
        if ($kind -is [string]) {{
            if ($kind) {{
                & $elements[0].Extent.Text complete-values $kind 2>$null | ForEach-Object {{ , ($_ -split "`t", 2) }}
            }}
        }} else {{
            $kind | ForEach-Object {{ , @($_, $_) }}
        }}
    }} elseif ($wordToComplete -like '-*') {{
        $options[$place]
    }} else {{
        $commands[$place]
    }})
    $found | Where-Object {{ $_ -and $_[0].StartsWith($wordToComplete) }} | ForEach-Object {{
        $what = if ($_[1]) {{ $_[1] }} else {{ $_[0] }}
        [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $what)
    }}
}}
"""


def render(root: Node) -> str:
    nodes = list(root.everywhere())
    return _SCRIPT.format(
        commands="\n".join(f"        '{node.place}' = @({'; '.join(_next(node))})" for node in nodes),
        options="\n".join(f"        '{node.place}' = @({'; '.join(_options(node))})" for node in nodes),
        values="\n".join(line for node in nodes for line in _values(node)),
    )


def _next(node: Node) -> Iterator[str]:
    for name, command in node.commands.items():
        yield _pair(name, command.help)
    if node.argument:
        yield from (_pair(word, word) for word in node.argument.words)


def _options(node: Node) -> Iterator[str]:
    yield from (_pair(name, option.help) for option in node.options for name in option.names)


def _values(node: Node) -> Iterator[str]:
    for option in node.options:
        if option.takes is not None:
            yield from (f"        '{node.place} {name}' = {_list(option.takes)}" for name in option.names)


def _list(takes: Takes) -> str:
    return f"@({', '.join(map(_quoted, takes.words))})" if takes.words else _quoted(takes.kind)


def _pair(word: str, what: str) -> str:
    """A pair that stays one in a list of statements, where PowerShell takes the outermost array apart."""
    return f", @({_quoted(word)}, {_quoted(what)})"


def _quoted(text: str) -> str:
    """Text in single quotes, as PowerShell reads them.

    >>> _quoted("don't")
    "'don''t'"
    """
    return "'" + text.replace("'", "''") + "'"
