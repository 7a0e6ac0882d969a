"""The completion script for zsh: a file `_synrouter` in `fpath`, or sourced after `compinit`."""

from __future__ import annotations

from collections.abc import Iterator

from synrouter_cli.commands.completion_tree import Node, Takes

_SCRIPT = """\
#compdef synrouter
# zsh completion for synrouter; made by: synrouter completions zsh

_synrouter_values() {{
    local line
    found=()
    while IFS= read -r line; do
        found+=("${{${{line%%$'\\t'*}}//:/\\\\:}}:${{line#*$'\\t'}}")
    done < <("${{(Q)words[1]/#\\~/$HOME}}" complete-values "$1" 2>/dev/null)
}}

_synrouter() {{
    local place= previous=${{words[CURRENT-1]}} i
    local -a found spacing
    for ((i = 2; i < CURRENT; i++)); do
        case "$place/${{words[i]}}" in
            ({places}) place+="/${{words[i]}}" ;;
        esac
    done
    if [[ $words[CURRENT] == --*=* ]]; then
        previous=${{words[CURRENT]%%=*}}
        compset -P '*='
    fi
    case "$place $previous" in
{values}
        (*)
            if [[ $words[CURRENT] == -* ]]; then
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
    [[ ${{found[1]-}} == *=:* ]] && spacing=(-S '')
    _describe -V synrouter found "${{spacing[@]}}"
}}

if [[ ${{funcstack[1]-}} == _synrouter ]]; then
    _synrouter "$@"
else
    compdef _synrouter synrouter
fi
"""


def render(root: Node) -> str:
    nodes = list(root.everywhere())
    return _SCRIPT.format(
        places="|".join(node.place for node in nodes if node.place),
        values="\n".join(line for node in nodes for line in _values(node)),
        options="\n".join(f'                    ("{node.place}") found=({_options(node)}) ;;' for node in nodes),
        commands="\n".join(
            f'                    ("{node.place}") {words} ;;' for node in nodes if (words := _next(node))
        ),
    )


def _values(node: Node) -> Iterator[str]:
    for option in node.options:
        if option.takes is not None:
            patterns = "|".join(f'"{node.place} {name}"' for name in option.names)
            yield f"        ({patterns}) {_fill(option.takes) or 'return'} ;;"


def _fill(takes: Takes | None) -> str:
    if takes is None:
        return ""
    if takes.words:
        return f"found=({' '.join(takes.words)})"
    if takes.files:
        return "_files; return"
    return f"_synrouter_values {takes.kind}" if takes.kind else ""


def _options(node: Node) -> str:
    return " ".join(_entry(name, option.help) for option in node.options for name in option.names)


def _next(node: Node) -> str:
    if node.commands:
        return f"found=({' '.join(_entry(name, command.help) for name, command in node.commands.items())})"
    return _fill(node.argument)


def _entry(word: str, what: str) -> str:
    r"""`'word:what it is'`, quoted for zsh and for `_describe`.

    >>> print(_entry("up", "Start it: don't wait."))
    'up:Start it: don'\''t wait.'
    """
    return "'" + f"{word}:{what}".replace("'", "'\\''") + "'"
