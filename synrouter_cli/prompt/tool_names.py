"""What a tool's call is by its name: a command, a search, a fetch, or something whose result is never cut.

Names are compared in one spelling (`WebFetch` is `web_fetch`), of an MCP tool its own name without its server's. The
first row that fits decides; a name that no row knows is nobody's, and its result is left alone.

The table is part of a trimming version (`trim.VERSION`): a session under way must be cut by the one it began with.

>>> kind_of_tool("Bash"), kind_of_tool("mcp__files__read_text_file"), kind_of_tool("WebFetch"), kind_of_tool("Skill")
('command', 'read', 'fetch', '')
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

__all__ = ["COMMAND", "FETCH", "READ", "SEARCH", "UNKNOWN", "glob_pattern", "kind_of_tool"]

COMMAND: Final = "command"
SEARCH: Final = "search"
FETCH: Final = "fetch"
READ: Final = "read"
UNKNOWN: Final = ""

# Names as of Claude Code, Codex, Copilot, OpenClaw, Kilo, OpenCode, Pi, Hermes, Droid, Cline, Roo, Qwen, Gemini,
# Continue, Crush, Zed, Cursor, Goose, and of widely used MCP servers.
_TABLE: Final = (
    # what agents read of running commands and of pages is called "read" too
    (COMMAND, "read_bash read_powershell read_shell read_terminal* read_process* read_command_output read_output"),
    (FETCH, "read_web_page read_webpage read_url read_url_content read_page read_console_messages"),
    (FETCH, "read_network_requests"),
    # instructions that the agent asks for, and tools that it looks up
    (UNKNOWN, "*skill* tool_search* *_tool_search search_tool search_tools list_tools fetch_instructions fetch_rules"),
    (UNKNOWN, "*memory* *todo*"),
    # files
    (READ, "read read_* *_read *_read_* view view_* *_view_file cat open open_file* *get_file* *_file_contents"),
    (READ, "fetch_file* fetch_blob* download_file* load_file* file_read* str_replace_based_edit_tool"),
    (READ, "str_replace_editor text_editor edit_tool editor find_symbol* get_symbol* access_mcp_resource"),
    # commands
    (COMMAND, "bash *_bash bash_* shell *_shell shell_* exec exec_* *_exec execute execute_* *_execute run run_*"),
    (COMMAND, "*_run_command terminal terminal_* *_terminal* powershell command command_* *_command write_stdin"),
    (COMMAND, "process job_output local_shell* repl python *_logs get_logs query *_query query_*"),
    # searches
    (SEARCH, "grep grep_* *_grep glob glob_* *_glob rg ripgrep find find_* *_find finder search search_* *_search"),
    (SEARCH, "*_search_* codebase_search codesearch websearch sourcegraph"),
    (SEARCH, "ls list list_* *_list_* file_glob_search directory_tree tree"),
    # pages
    (FETCH, "fetch fetch_* *_fetch *_fetch_* webfetch fetchurl web_extract web_crawl crawl* scrape* *_scrape"),
    (FETCH, "browser browser_* *_browser_* *_browser get_page_text take_snapshot navigate* http_request curl"),
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[^0-9a-z]+")


@lru_cache(maxsize=512)
def glob_pattern(glob: str) -> re.Pattern[str]:
    """A name or a glob (`*`, `?`) as a pattern for whole names; upper and lower case are the same."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(char) or re.escape(char) for char in glob), re.IGNORECASE | re.DOTALL)


def _one_pattern(globs: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{glob_pattern(glob).pattern})" for glob in globs.split()))


_ROWS: Final = tuple((kind, _one_pattern(globs)) for kind, globs in _TABLE)


def kind_of_tool(name: str) -> str:
    """COMMAND, SEARCH, FETCH, READ, or UNKNOWN where nothing is known of such a name."""
    spelled = _one_spelling(name.rsplit("__", 1)[-1])
    return next((kind for kind, pattern in _ROWS if pattern.fullmatch(spelled)), UNKNOWN)


def _one_spelling(name: str) -> str:
    return _SEPARATORS.sub("_", _HUMP.sub("_", name).lower()).strip("_")
