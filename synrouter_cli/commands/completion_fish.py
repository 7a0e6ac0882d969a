"""The completion script for fish 3 and newer, which shows what each candidate is."""

from __future__ import annotations

from collections.abc import Iterator

from synrouter_cli.commands.completion_tree import Node, Option, Takes

_HEAD = """\
# fish completion for synrouter; made by: synrouter completions fish

function __synrouter_at --description 'Whether the command line stands at this command'
    set -l place
    for word in (commandline -opc)[2..]
        switch "$place/$word"
            case {places}
                set place "$place/$word"
        end
    end
    test "$place" = "$argv[1]"
end

function __synrouter_values
    set -l words (commandline -opc)
    eval $words[1] complete-values $argv[1] 2>/dev/null
end

complete -c synrouter -f
"""


def render(root: Node) -> str:
    nodes = list(root.everywhere())
    head = _HEAD.format(places=" ".join(node.place for node in nodes if node.place))
    return head + "".join(f"{line}\n" for node in nodes for line in _lines(node))


def _lines(node: Node) -> Iterator[str]:
    start = f"complete -c synrouter -n {_quoted(f'__synrouter_at {node.place or chr(34) * 2}')}"
    for name, command in node.commands.items():
        yield f"{start} -a {name} -d {_quoted(command.help)}"
    if node.argument and node.argument.files:
        yield f"{start} -F"
    if not node.commands and node.argument and (values := _values(node.argument)):
        yield f"{start} -a {_quoted(values)}"
    for option in node.options:
        yield f"{start} {_option(option)}"


def _option(option: Option) -> str:
    names = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names]
    words = [*names, "-d", _quoted(option.help)]
    if option.takes is not None:
        words.append("-x")
        if values := _values(option.takes):
            words += ["-a", _quoted(values)]
    return " ".join(words)


def _values(takes: Takes) -> str:
    return " ".join(takes.words) or (f"(__synrouter_values {takes.kind})" if takes.kind else "")


def _quoted(text: str) -> str:
    r"""Text in single quotes, as fish reads them.

    >>> _quoted("don't")
    "'don\\'t'"
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
