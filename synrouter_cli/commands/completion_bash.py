"""The completion script for bash 3.2 and newer (macOS has 3.2), with or without the package bash-completion.

Candidates are compared as text and never expanded: `compgen -W` would run what a name has in backticks.
"""

from __future__ import annotations

from collections.abc import Iterator

from synrouter_cli.commands.completion_tree import Node, Takes

_SCRIPT = """\
# bash completion for synrouter; made by: synrouter completions bash

_synrouter_values() {{
    "${{COMP_WORDS[0]/#\\~/$HOME}}" complete-values "$1" 2>/dev/null | cut -f1
}}

_synrouter() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} place= words= word i line=$'\\n'
    # bash makes a word of its own of each "=".
    if [[ $cur == "=" ]]; then
        cur=
    elif [[ $prev == "=" ]]; then
        prev=${{COMP_WORDS[COMP_CWORD-2]}}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$place/${{COMP_WORDS[i]}}" in
            {places}) place="$place/${{COMP_WORDS[i]}}" ;;
        esac
    done
    case "$place $prev" in
{values}
        *)
            if [[ $cur == -* ]]; then
                case "$place" in
{options}
                esac
            else
                case "$place" in
{commands}
                esac
            fi
            ;;
    esac
    COMPREPLY=()
    while IFS= read -r word; do
        [[ -n $word && $word == "$cur"* ]] && COMPREPLY+=("$word")
    done <<< "${{words// /$line}}"
    if [[ ${{#COMPREPLY[@]}} -eq 1 && ${{COMPREPLY[0]}} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
}}

complete -F _synrouter synrouter
"""


def render(root: Node) -> str:
    nodes = list(root.everywhere())
    return _SCRIPT.format(
        places=" | ".join(node.place for node in nodes if node.place),
        values="\n".join(line for node in nodes for line in _values(node)),
        options="\n".join(f'                    "{node.place}") words="{_option_names(node)}" ;;' for node in nodes),
        commands="\n".join(
            f'                    "{node.place}") {found} ;;' for node in nodes if (found := _next(node))
        ),
    )


def _values(node: Node) -> Iterator[str]:
    """What stands behind each option that takes a value."""
    for option in node.options:
        if option.takes is not None:
            patterns = " | ".join(f'"{node.place} {name}"' for name in option.names)
            yield f"        {patterns}) {_assign(option.takes)} ;;"


def _assign(takes: Takes) -> str:
    if takes.words or takes.kind:
        return f"words={_words(takes)}"
    return "return"


def _words(takes: Takes) -> str:
    return f'"{" ".join(takes.words)}"' if takes.words else f'"$(_synrouter_values {takes.kind})"'


def _option_names(node: Node) -> str:
    return " ".join(name for option in node.options for name in option.names)


def _next(node: Node) -> str:
    """What finds the subcommands, or the argument's values."""
    if node.commands:
        return f'words="{" ".join(node.commands)}"'
    argument = node.argument
    if argument and argument.files:
        return "compopt -o default 2>/dev/null; return"
    return f"words={_words(argument)}" if argument and (argument.words or argument.kind) else ""
