"""Claude Code: `settings.json`, whose `env` goes before the shell's; the key comes from a helper command, so that it
stands in no file. With a subscription the client keeps its login, and the local key goes in a header of its own.

Source: the client itself (2.1.329) and code.claude.com, "Settings" and "LLM gateways" (November 2026).

>>> CLIENT.executables, CLIENT.scopes
(('claude',), ('user', 'project'))
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final

from synrouter_cli.clients.client import TOKEN, Client, FileEdit, Launch, Plan, Surroundings, Wish
from synrouter_cli.clients.client import variables_that_override as variables
from synrouter_cli.errors import ConfigConflict
from synrouter_cli.textedit import ABSENT, LINE, Edit

URL: Final = "ANTHROPIC_BASE_URL"
HEADERS: Final = "ANTHROPIC_CUSTOM_HEADERS"
OWN_KEYS: Final = ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY")
"""Variables that go before the helper."""
ELSEWHERE: Final = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
ALIASES: Final = tuple(f"ANTHROPIC_DEFAULT_{kind}_MODEL" for kind in ("HAIKU", "SONNET", "OPUS"))
"""What `haiku` and the others stand for: subagents, titles and summaries go to them."""
CHECKS: Final = (
    "in auto mode each command that needs a check is one more request to this model; Anthropic's own are free"
)
KEY_LINE: Final = f"x-synrouter-key: {TOKEN}"
MANAGED: Final = {
    "linux": "/etc/claude-code/managed-settings.json",
    "darwin": "/Library/Application Support/ClaudeCode/managed-settings.json",
    "win32": "C:/Program Files/ClaudeCode/managed-settings.json",
}


def user_file(around: Surroundings) -> PurePath:
    return around.folder("CLAUDE_CONFIG_DIR", ".claude") / "settings.json"


def project_files(around: Surroundings) -> tuple[PurePath, PurePath]:
    """That of this user alone, which goes before the other; that of the repository, for everybody."""
    return around.project / ".claude" / "settings.local.json", around.project / ".claude" / "settings.json"


def configure(wish: Wish, around: Surroundings) -> Plan:
    """Raises ConfigConflict where a subscription's key would have to stand in a project."""
    path = user_file(around) if wish.scope == "user" else project_files(around)[0]
    settings = around.value(path, "json")
    env = settings.get("env") if isinstance(settings.get("env"), dict) else {}
    edits = [Edit(("env", URL), wish.url)]
    notes: list[str] = []
    if wish.auth == "subscription":
        if wish.scope == "project":
            detail = "With a subscription the local key stands in the file, and a project is no place for it."
            raise ConfigConflict(detail=detail, hint="synrouter configure claude-code --auth subscription")
        edits.append(Edit(("env", HEADERS), KEY_LINE, element=True, by=LINE))
        for name in [*(name for name in OWN_KEYS if name in env), *(("apiKeyHelper",) * ("apiKeyHelper" in settings))]:
            notes.append(f"{name} in {path} goes before a subscription's login: take it out to use the login")
    else:
        edits.append(Edit(("apiKeyHelper",), wish.shell_command))
        for name in OWN_KEYS:
            if name in env:
                edits.append(Edit(("env", name), ABSENT))
                notes.append(f"{name} is set aside until --undo, since it goes before the helper")
    if "ENABLE_TOOL_SEARCH" not in env:  # older versions switch it off behind a base URL of one's own
        edits.append(Edit(("env", "ENABLE_TOOL_SEARCH"), "true"))
    if wish.model:
        edits.append(Edit(("model",), wish.model))
        aliases = _aliases(wish)
        edits += [Edit(("env", name), wish.model) for name in aliases if name not in env]
        if aliases:
            notes.append(CHECKS)
    return Plan((FileEdit(path, "json", tuple(edits)),), wish.model, tuple(notes))


def launch(wish: Wish, around: Surroundings) -> Launch:
    environ = {URL: wish.url, "ENABLE_TOOL_SEARCH": around.environ.get("ENABLE_TOOL_SEARCH") or "true"}
    if wish.auth == "subscription":
        theirs = around.environ.get(HEADERS, "").splitlines()
        environ[HEADERS] = "\n".join([*(line for line in theirs if "x-synrouter-key" not in line.lower()), KEY_LINE])
    else:
        environ["ANTHROPIC_AUTH_TOKEN"] = TOKEN
    environ |= {name: wish.model for name in _aliases(wish) if not around.environ.get(name)}
    arguments = ("--model", wish.model) if wish.model else ()
    if any(_env(around, path).get(URL) for path in (*project_files(around), user_file(around))):
        arguments = ("--settings", json.dumps({"env": {URL: wish.url}}), *arguments)  # files go before the shell
    unset = () if wish.auth == "subscription" else ("ANTHROPIC_API_KEY",)
    return Launch(environ, (*unset, *ELSEWHERE), arguments)


def _aliases(wish: Wish) -> tuple[str, ...]:
    """With another vendor's model all of its requests are that model's: there may be no key for Claude."""
    return ALIASES if wish.model and "claude" not in wish.model else ()


def points_at(around: Surroundings) -> str:
    url = _env(around, user_file(around)).get(URL, "")
    return url if isinstance(url, str) else ""


def overrides(wish: Wish, around: Surroundings) -> Iterator[str]:
    yield from variables(around, (*OWN_KEYS, *ELSEWHERE), than="")
    paths = project_files(around) if wish.scope == "user" else ()
    managed = MANAGED.get(around.platform)
    for path in (*((PurePath(managed),) if managed else ()), *paths):
        url = _env(around, path).get(URL)
        if url and url != wish.url:
            yield f"{path} goes before the user's settings and points {URL} elsewhere: take it out there"
        for name in OWN_KEYS:
            if _env(around, path).get(name):
                yield f"{path} goes before the user's settings and has {name}: take it out there"


def _env(around: Surroundings, path: PurePath) -> dict[str, Any]:
    env = around.value(path, "json").get("env")
    return env if isinstance(env, dict) else {}


CLIENT: Final = Client(
    name="claude-code",
    title="Claude Code",
    executables=("claude",),
    configure=configure,
    launch=launch,
    points_at=points_at,
    overrides=overrides,
    scopes=("user", "project"),
    auths=("key", "subscription"),
)
