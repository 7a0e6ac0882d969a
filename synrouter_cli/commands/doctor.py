"""`synrouter doctor`: everything that has to be right for clients to work through the proxy, each in a line, with the
next command where it is not. Never a key.

    ok    proxy        answers on http://127.0.0.1:7477
    warn  claude-code  ANTHROPIC_AUTH_TOKEN is set in this environment and goes before the file: unset …
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from synrouter_cli import __version__, keys
from synrouter_cli.clients import client_names, client_of
from synrouter_cli.clients.client import Client
from synrouter_cli.clients.editing import texts_in
from synrouter_cli.clients.machine import executable_of, said_version
from synrouter_cli.clients.records import Record, Records
from synrouter_cli.commands.clients import is_as_written
from synrouter_cli.commands.configure import command_for, relay_notes, warnings_of
from synrouter_cli.commands.saying import wrapped
from synrouter_cli.commands.wishes import AUTHS, SCOPES, port_of, wish
from synrouter_cli.daemon import client, lock, services
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.errors import EXIT_FAILURE, KeyringError, NotRunning, SynrouterError
from synrouter_cli.listening import HOST
from synrouter_cli.paths import Paths, find_paths
from synrouter_cli.settings import Settings, load

SCHEMA_VERSION: Final = 1
_KEYRING_S: Final = 5.0
_COMMANDS: Final = ("synrouter ", "cd ", "chmod ")
_SQLITE_MENDED: Final = (3, 51, 3)
"""From here on a checkpoint that meets a reset of the WAL can't lose a commit (sqlite.org, release notes)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `state`: ok, warn (works, but not as it should), fail (does not work)."""

    state: str
    subject: str
    text: str
    next: str = ""


def doctor(*, as_json: bool, room: int) -> int:
    """Print what was found; returns the exit code: 1 where something fails."""
    findings = list(examine())
    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "findings": [asdict(finding) for finding in findings]}))
    else:
        print("\n".join(lines(findings, room)))
    return EXIT_FAILURE if any(finding.state == "fail" for finding in findings) else 0


def examine() -> Iterator[Finding]:
    """Everything, in the order in which it matters; what breaks one check does not stop the others."""
    yield Finding("ok", "version", f"{__version__}, Python {sys.version.split()[0]}")
    yield from _guarded("sqlite", _sqlite)
    paths = find_paths()
    yield from _guarded("folders", lambda: _folders(paths))
    try:
        settings = load()
    except SynrouterError as error:
        yield Finding("fail", "config", error.message, error.hint)
        return
    yield Finding("ok", "config", _where(paths.config_file))
    yield from _guarded("command", _command)
    yield from _guarded("proxy", lambda: _proxy(settings))
    yield from _guarded("service", _service)
    yield from _guarded("keys", lambda: _keys(settings))
    yield from _guarded("clients", lambda: _clients(settings))


def lines(findings: list[Finding], room: int) -> Iterator[str]:
    """The findings for people, wrapped to `room` columns."""
    width = max(len(finding.subject) for finding in findings)
    indent = " " * (width + 8)
    for finding in findings:
        text = clean(finding.text)
        first, *rest = wrapped(text, room - len(indent))
        yield f"{finding.state:<4}  {finding.subject:<{width}}  {first}".rstrip()
        yield from (indent + line for line in rest)
        if finding.next:
            step = clean(finding.next)
            whole = step.startswith(_COMMANDS)  # to be copied
            said = [f"next: {step}"] if whole else wrapped(f"next: {step}", room - len(indent), indent="      ")
            yield from (indent + line for line in said)


def _guarded(subject: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except SynrouterError as error:
        yield Finding("fail", subject, error.message, error.hint)


def _sqlite() -> Iterator[Finding]:
    mended = sqlite3.sqlite_version_info >= _SQLITE_MENDED
    note = "" if mended else "; the proxy alone writes, which keeps clear of a fault of versions before 3.51.3"
    yield Finding("ok", "sqlite", f"{sqlite3.sqlite_version}{note}")


def _folders(paths: Paths) -> Iterator[Finding]:
    places = tuple(dict.fromkeys((paths.config_dir, paths.data_dir, paths.state_dir, paths.log_dir)))
    troubles = [*_unwritable(places), *(_open_to_others(places, paths) if os.name == "posix" else ())]
    yield from troubles
    if all(finding.state != "fail" for finding in troubles):
        yield Finding("ok", "folders", ", ".join(map(str, places)))


def _unwritable(places: Iterable[Path]) -> Iterator[Finding]:
    if unusable := [str(place) for place in places if not _takes_files(place)]:
        text = f"nothing can be written in {', '.join(unusable)}"
        yield Finding("fail", "folders", text, "let it be written, or set SYNROUTER_HOME to another folder")


def _open_to_others(places: Iterable[Path], paths: Paths) -> Iterator[Finding]:
    for place in filter(Path.is_dir, places):
        mode = place.stat().st_mode
        if mode & stat.S_IWOTH:
            yield Finding("fail", "folders", f"{place}: every user may write there", f"chmod 700 {place}")
        elif mode & 0o077 and place != paths.config_dir:
            yield Finding("warn", "folders", f"{place} can be read by others", f"chmod 700 {place}")
    for path in (paths.token_file, paths.control_token_file, paths.clients_file):
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding("fail", "folders", f"{path} can be read by others", f"chmod 600 {path}")


def _takes_files(place: Path) -> bool:
    """Whether files can be made in a folder, or the folder itself."""
    there = next(each for each in (place, *place.parents) if each.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _command() -> Iterator[Finding]:
    """The `synrouter` that shells and clients find, where it is not this one."""
    found = shutil.which("synrouter")
    ours = Path(sys.executable).with_name("synrouter.exe" if sys.platform == "win32" else "synrouter")
    if found is None:
        text = "synrouter is not on your PATH; the lines of `synrouter env` need it there"
        yield Finding("warn", "command", text, f"add {ours.parent} to PATH" if ours.exists() else "")
    elif not (ours.exists() and ours.samefile(found)):
        other = said_version(Path(found), os.environ)
        if other != __version__:
            what = f"version {other}" if other else "another program"
            text = f"the synrouter on your PATH, {found}, is {what}; this one is {__version__}"
            yield Finding("warn", "command", text, "remove one, or put this one first on PATH")


def _proxy(settings: Settings) -> Iterator[Finding]:
    if not lock.is_held(settings.paths.lock_file):
        raise NotRunning()
    daemon = client.find(settings.paths)
    yield Finding("ok", "proxy", f"answers on http://{HOST}:{daemon.state.port} (pid {daemon.state.pid})")
    if warning := daemon.state.listening.warning(daemon.state.port):
        yield Finding("warn", "proxy", warning)
    if daemon.state.version != __version__:
        text = f"it is version {daemon.state.version}, this command {__version__}"
        yield Finding("warn", "proxy", text, "synrouter down && synrouter up --detach")
    if daemon.health is not None and daemon.health.ledger.get("last_error"):
        yield Finding("fail", "ledger", str(daemon.health.ledger["last_error"]), "synrouter logs")


def _service() -> Iterator[Finding]:
    file = services.installed_file()
    if file is None:
        return
    gone = services.lost_program(file)
    if gone is not None:
        yield Finding("fail", "service", f"{gone}, which it starts, is gone", "synrouter service install")
    else:
        yield Finding("ok", "service", f"starts at login: {file}")


def _keys(settings: Settings) -> Iterator[Finding]:
    for provider, source in sorted(settings.key_sources.items()):
        yield Finding("ok", "keys", f"{provider} from {source}")
    daemon = client.seen(settings.paths)
    elsewhere = {
        provider: source
        for provider, source in (daemon.keys if daemon is not None else {}).items()
        if provider not in settings.provider_keys and not source.startswith("the keyring")
    }
    for provider, source in sorted(elsewhere.items()):
        yield Finding("ok", "keys", f"{provider} from {source} of the running proxy")
    given = bool(settings.provider_keys or elsewhere)
    asked = [name for name in settings.providers if name not in settings.provider_keys]
    try:
        found = keys.read(asked, patience_s=_KEYRING_S)
    except KeyringError as error:
        yield Finding("warn" if given else "fail", "keyring", error.message, error.hint)
        return
    yield Finding("ok", "keyring", found.backend)
    yield from (Finding("ok", "keys", f"{provider} from the keyring") for provider in sorted(found.keys))
    if not found.keys and not given:
        yield Finding(
            "warn", "keys", "none: only clients with a credential of their own work", "synrouter keys set anthropic"
        )


def _clients(settings: Settings) -> Iterator[Finding]:
    records = Records(settings.paths.clients_file).all()
    if not records:
        yield Finding("ok", "clients", "none is configured: synrouter configure --list shows what there is")
    for record in records:
        yield from _guarded(record.client, lambda record=record: _client(settings, record))  # type: ignore[misc]


def _client(settings: Settings, record: Record) -> Iterator[Finding]:
    if record.client not in client_names():
        text = "was configured by a version of Synrouter that knew it; this one does not"
        yield Finding("warn", record.client, text, command_for(record, undo=True))
        return
    if record.project and not Path(record.project).exists():
        undo = f"synrouter configure {record.client} --undo --scope project"
        yield Finding("warn", record.client, f"{record.project}, where it is configured, is gone", undo)
        return
    found = client_of(record.client)
    troubles = list(_troubles(settings, record, found))
    yield from troubles or [Finding("ok", record.client, f"configured for {record.url}{_place(record)}")]


def _troubles(settings: Settings, record: Record, found: Client) -> Iterator[Finding]:
    again = command_for(record)
    url = f"http://{HOST}:{port_of(settings)}"
    if record.url != url:
        yield Finding("fail", record.client, f"is configured for {record.url}, the proxy is on {url}", again)
    if not is_as_written(record):
        yield Finding("warn", record.client, "what was written has been changed since", again)
    if executable_of(found, os.environ) is None and found.executables:
        yield Finding("warn", record.client, f"{found.executables[0]} is not on your PATH")
    if (gone := _lost_command(record)) is not None:
        yield Finding("fail", record.client, f"{gone}, which it asks for the local key, is gone", again)
    asked = wish(settings, asked_model=record.model, scope=SCOPES[record.scope], auth=AUTHS[record.auth])
    for sentence in (*warnings_of(found, asked), *relay_notes(found, settings)):
        yield Finding("warn", record.client, sentence)


def _lost_command(record: Record) -> str | None:
    """The program that was written into its files to ask for the key, where it is not there any more."""
    texts = (text for file in record.files for change in file.changes for text in texts_in(change.after))
    words = (text.split(" token show")[0].split()[-1] for text in texts if " token show" in text)
    return next((word for word in words if Path(word).is_absolute() and not Path(word).exists()), None)


def _place(record: Record) -> str:
    return f" in {record.project}" if record.project else ""


def _where(path: Path) -> str:
    return str(path) if path.exists() else f"{path} (not there: defaults)"
