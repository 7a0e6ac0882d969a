"""Tools in layers, core → extended → platform → MCP: the earlier a layer, the more sessions share it.

A layer is told by the tool's name and type, from the tables below. A name that could be either stays `EXTENDED`:
what was seen to differ between sessions (`shared_end`) says the rest. A wrong guess costs a marker's place, never
an answer.

>>> layer_of("read_file"), layer_of("TodoWrite"), layer_of("mcp__db__query")
(0, 1, 3)
>>> layer_of("web_search", "web_search_20250305")
2
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import msgspec

from synrouter_cli.prompt.body import parseable
from synrouter_cli.prompt.prompt import TOOLS, Prompt, Unit

__all__ = [
    "CORE",
    "EXTENDED",
    "MCP",
    "PLATFORM",
    "Tools",
    "group_ends",
    "layer_ends",
    "layer_of",
    "read_tools",
    "shared_end",
]

CORE, EXTENDED, PLATFORM, MCP = 0, 1, 2, 3

_CORE_NAMES: Final = frozenset(
    # reading and finding; names are compared in lower case and without separators
    "cat codesearch fileread filesearch find findfiles findpath getfilecontents glob globtool grep grepsearch greptool"
    " list listcodedefinitionnames listdir listdirectory listfiles ls openfile read readfile readfiles readmanyfiles"
    " readmultiplefiles ripgrep searchfilecontent searchfiles view viewfile"
    # editing
    " applydiff applypatch create createdirectory createfile deletefile deletepath edit editfile editnotebook editor"
    " filewrite insert insertcontent inserteditintofile movefile movepath multiedit multireplacestringinfile"
    " notebookedit patch replace replaceinfile replacestringinfile searchandreplace searchreplace strreplace"
    " strreplacebasededittool strreplaceeditor write writefile writetofile"
    # running
    " bash bashoutput bashtool exec execcommand execute executebash executecommand jobkill joboutput killbash killshell"
    " localshell powershell process readbash runcommand runcommands runinterminal runshellcommand runterminalcmd shell"
    " shellcommand stopbash taskoutput taskstop terminal writebash writestdin".split()
)
_SEPARATORS = str.maketrans("", "", "_-")
_MCP_NAME = re.compile(r"mcp[_\-.:/]|[^\W_][\w-]*?(?:__|[./:])[^\W_]")
"""`mcp__server__tool`, `mcp_server_tool`, `server__tool`, `server___tool`, `server.tool`, `server/tool`. With a single
`_` (`server_tool`) nothing tells a server from a tool of the client's own."""
_SERVER = re.compile(r"mcp__(.+?)__|mcp[_\-.:/]([^_\-.:/]+)|(.+?)(?:__|[./:])")
_OWN_TYPES = frozenset({"", "custom", "function"})
_TYPES = {"mcp_toolset": MCP}
"""Provider types with a layer of their own; all others (`web_search_20250305`, `bash_20250124`) are the platform's."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools of a request: their units, and for each its name and its layer."""

    units: tuple[Unit, ...] = ()
    names: tuple[str, ...] = ()
    layers: tuple[int, ...] = ()


class _Tool(msgspec.Struct, gc=False, rename={"server": "mcp_server_name"}):
    name: object = ""
    type: object = ""
    server: object = ""


_tool = msgspec.json.Decoder(_Tool)


def read_tools(prompt: Prompt, earlier: Tools | None = None) -> Tools:
    """The names and layers of a prompt's tools; its body must be there.

    `earlier` is the answer for the session's last request: leading units that are the same objects are taken over from
    it, and where all are, it is the answer. A set of tools from an MCP server (`mcp_toolset`) is named by its server.
    """
    units = tuple(prompt.units[: prompt.unit_counts[TOOLS]])
    known = earlier if earlier is not None else Tools()
    same = 0
    for unit, other in zip(units, known.units, strict=False):
        if unit is not other:
            break
        same += 1
    if same == len(units) == len(known.units):
        return known
    new = [_named(prompt, place) for place in range(same, len(units))]
    return Tools(
        units,
        known.names[:same] + tuple(name for name, _ in new),
        known.layers[:same] + tuple(layer for _, layer in new),
    )


def _named(prompt: Prompt, place: int) -> tuple[str, int]:
    assert prompt.body is not None
    start = prompt.starts[place]
    raw = prompt.body[start : start + prompt.units[place].length]
    try:
        tool = _tool.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        tool = _tool.decode(parseable(raw))  # a lone surrogate; the prompt was split on such a copy too
    name, kind, server = (value if isinstance(value, str) else "" for value in (tool.name, tool.type, tool.server))
    return name or (f"{kind}:{server}" if kind not in _OWN_TYPES else ""), layer_of(name, kind)


def layer_of(name: str, kind: str = "") -> int:
    """The layer of a tool by its name and its `type`."""
    if kind not in _OWN_TYPES:
        return _TYPES.get(kind, PLATFORM)
    if _MCP_NAME.match(name):
        return MCP
    return CORE if name.lower().translate(_SEPARATORS) in _CORE_NAMES else EXTENDED


def layer_ends(prompt: Prompt, layers: Sequence[int]) -> tuple[int, ...]:
    """Where in the tools a layer ends, as exclusive block positions: all before are of earlier layers than all after.

    The order before it does not matter (clients sort by name): a marker there serves every session that differs in
    later layers only. The end of all tools is not among them. Deferred tools stand outside the prefix: they are passed
    over, and the block before each position may carry a marker (platform.claude.com, "Prompt caching").
    """
    places = [place for place in range(len(layers)) if prompt.blocks[place].kind != "deferred_tool"]
    own = [layers[place] for place in places]
    highest = list(accumulate(own, max))
    lowest = list(accumulate(reversed(own), min))[::-1]
    return tuple(places[i] + 1 for i in range(len(places) - 1) if highest[i] < lowest[i + 1])


def group_ends(prompt: Prompt, tools: Tools) -> tuple[int, ...]:
    """Where in the tools those of one MCP server, or the client's own, end and others begin, as `layer_ends` counts."""
    places = [place for place in range(len(tools.names)) if prompt.blocks[place].kind != "deferred_tool"]
    groups = [_server(tools.names[place]) if tools.layers[place] == MCP else "" for place in places]
    return tuple(places[i] + 1 for i in range(len(places) - 1) if groups[i] != groups[i + 1])


def _server(name: str) -> str:
    found = _SERVER.match(name)
    return next((group for group in found.groups() if group), name) if found is not None else name


def shared_end(keys: Sequence[bytes], others: Iterable[Container[bytes]], tools_end: int) -> int:
    """How many leading tools are shared with another session that goes on differently; 0 where none does.

    `keys` are the prompt's cumulative keys; each of `others` holds those of another session of the same model, at least
    those of its tools (`Prompt.index` is quickest). Sessions with all of these tools don't count: they share the end of
    the tools. A deferred tool has the key of what stands before it: the end is put before it, and other sessions may
    have theirs elsewhere. Where deferred tools come first of all, the block before the end may be one: see `markable`.
    """
    best = 0
    for known in others:
        if tools_end <= best + 1 or keys[tools_end - 1] in known:
            continue
        low, high = best, tools_end - 1
        while low < high:
            middle = (low + high + 1) // 2
            if keys[middle - 1] in known:
                low = middle
            else:
                high = middle - 1
        best = low
    return _before_deferred(keys, best)


def _before_deferred(keys: Sequence[bytes], end: int) -> int:
    while end > 1 and keys[end - 1] == keys[end - 2]:
        end -= 1
    return end
