"""Whether a shell command reads a file on purpose: decided on its words, in doubt for yes, since a read is never cut.

One pipeline that reads and only narrows what it read is enough: `make; cat log` is a read, `cat x | sh` is none.

>>> reads_file("cd src && sed -n 1,80p main.py | head -40"), reads_file("cat > notes.txt"), reads_file("rg -n foo src")
(True, False, False)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

__all__ = ["reads_file"]

_READERS: Final[Mapping[str, int]] = {
    **dict.fromkeys("cat tac head tail nl less more bat batcat type get-content gc".split(), 1),
    **dict.fromkeys("zcat gzcat bzcat xzcat zstdcat xxd hexdump od strings pdftotext pandoc".split(), 1),
    **dict.fromkeys("sed awk gawk mawk jq yq".split(), 2),
}
"""A reader's name → how many words that are no options it needs: without a file it reads what is piped to it."""
_NARROWING: Final = frozenset(
    "cat tac head tail nl less more bat batcat sed awk gawk mawk jq yq grep egrep fgrep rg cut tr sort uniq wc column"
    " expand fold fmt rev strings xxd hexdump od select-object select-string out-string".split()
)
_PREFIXES: Final = frozenset(
    "sudo doas time command builtin exec nohup nice stdbuf env timeout do then else if while until ! ( {".split()
)
"""Words that stand before the command that counts."""
_SHELLS: Final = frozenset("sh bash zsh dash ksh fish pwsh powershell cmd eval".split())
_ELSEWHERE: Final = frozenset("ssh docker podman kubectl adb wsl xargs parallel".split())
"""Commands that run the command named among their words, on another machine or for each of many files."""
_FINDERS: Final = frozenset(("find", "fd", "fdfind"))
_FOR_EACH_FOUND: Final = frozenset(("-exec", "-execdir", "--exec", "-x", "-X"))
_GIT_OPTIONS_WITH_VALUE: Final = frozenset(("-C", "-c"))
_MOST_CHARS: Final = 8_000
_DEEPEST: Final = 3

_HEREDOC = re.compile(r"<<-?[ \t]*(['\"]?)(\w+)\1")
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)"""
    r"""|(?P<away>(?:1|&)?>>?\|?[ \t]*(?!&|/dev/|\s)[^\s;|&()]+)"""  # the output goes into a file
    r"""|(?P<other>(?:\d*|&)>>?[ \t]*&?[^\s;|&()<>]*)"""
    r"""|(?P<pipe>\|&?(?!\|))"""
    r"""|(?P<end>\|\||&&?|;+|\n|\))"""
    r"""|(?P<word>(?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s;|&()<>"'\\])+|\()"""
    r"""|(?P<skip>\s|.)""",
    re.DOTALL,
)
_QUOTES = re.compile(r"""\\(.)|"((?:\\.|[^"\\])*)"|'([^']*)'""", re.DOTALL)
_ASSIGNMENT = re.compile(r"\w+=")
_NUMBER = re.compile(r"\d+[smhd]?")

_Stage = list[str]


def reads_file(command: str, depth: int = 0) -> bool:
    """Whether one of the command's pipelines prints a file, or a part of it, and does nothing else with it."""
    text = _without_heredocs(command[:_MOST_CHARS])
    return any(_is_read(pipeline, depth) for pipeline in _pipelines(text))


def _without_heredocs(text: str) -> str:
    lines = text.split("\n")
    last = {line.strip(): number for number, line in enumerate(lines)}
    kept = []
    end = ""
    for number, line in enumerate(lines):
        if end:
            end = "" if line.strip() == end else end
            continue
        start = _HEREDOC.search(line)
        if start is not None and last.get(start[2], 0) > number:
            end = start[2]
            line = line[: start.start()] + line[start.end() :]
        kept.append(line)
    return "\n".join(kept)


def _pipelines(text: str) -> Iterator[list[_Stage]]:
    """The command's pipelines, each a list of stages, each a list of words; `>` stands for output that goes away."""
    stages: list[_Stage] = [[]]
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "word":
            stages[-1].append(_QUOTES.sub(_unquoted, token[0]))
        elif kind == "away":
            stages[-1].append(">")
        elif kind == "pipe":
            stages.append([])
        elif kind == "end":
            yield stages
            stages = [[]]
    yield stages


def _unquoted(match: re.Match[str]) -> str:
    return match[1] or match[2] or match[3] or ""


def _is_read(pipeline: Sequence[_Stage], depth: int) -> bool:
    for place, stage in enumerate(pipeline):
        words = _bare_command(stage)
        # what comes out of a search may name the files, so only what runs a command for each may stand later
        if (place == 0 or _name(words) == "xargs") and _prints_file(words, depth):
            rest = [_bare_command(later) for later in pipeline[place + 1 :]]
            return all(_name(later) in _NARROWING and ">" not in later for later in rest)
    return False


def _bare_command(words: _Stage) -> _Stage:
    """Without `sudo`, `env A=1`, `timeout 5`, keywords and the like."""
    start = 0
    wrapped = False
    while start < len(words):
        word = words[start]
        if word in _PREFIXES:
            wrapped = True
        elif not (_ASSIGNMENT.match(word) or (wrapped and (word.startswith("-") or _NUMBER.fullmatch(word)))):
            break
        start += 1
    return words[start:]


def _name(words: _Stage) -> str:
    return re.split(r"[/\\]", words[0])[-1].lower().removesuffix(".exe") if words else ""


def _prints_file(words: _Stage, depth: int) -> bool:
    name = _name(words)
    if not name or ">" in words:
        return False
    if name in _SHELLS:
        inner = " ".join(word for word in words[1:] if not word.startswith(("-", "/c", "/C")))
        return depth < _DEEPEST and reads_file(inner, depth + 1)
    if name in _FINDERS:
        return any(one in _FOR_EACH_FOUND and next_ in _READERS for one, next_ in pairwise(words))
    if name in _ELSEWHERE:
        return any(part in _READERS for word in words[1:] for part in word.split())
    if name == "git":
        return _git_prints_file(words)
    if name == "sed" and any(word.startswith(("-i", "--in-place")) for word in words):
        return False
    return name in _READERS and sum(not word.startswith("-") for word in words[1:]) >= _READERS[name]


def _git_prints_file(words: _Stage) -> bool:
    """`git show REV:path` and `git cat-file`; other output of git, a diff or a log, is a command's."""
    start = 1
    while start < len(words) and words[start].startswith("-"):
        start += 2 if words[start] in _GIT_OPTIONS_WITH_VALUE else 1
    action = words[start] if start < len(words) else ""
    arguments = [word for word in words[start + 1 :] if not word.startswith("-")]
    return action == "cat-file" or (action == "show" and any(":" in word for word in arguments))
