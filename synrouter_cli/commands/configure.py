"""`synrouter configure CLIENT`: write what makes a client use the proxy, or take it back.

Example: `configure("codex", Options(dry_run=True))` prints the diff and writes nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from synrouter_cli.clients import client_of
from synrouter_cli.clients.changing import Prepared, carry_out, prepare, prepare_undo, take_back
from synrouter_cli.clients.client import Client, Plan, Wish
from synrouter_cli.clients.machine import executable_of, project_root, surroundings
from synrouter_cli.clients.records import Record, Records
from synrouter_cli.commands.wishes import checked_auth, checked_scope, local_key, port_of, wish
from synrouter_cli.daemon import client, lock
from synrouter_cli.errors import NotPossible, UsageError
from synrouter_cli.providers import relay_of
from synrouter_cli.settings import Paths, Settings, load

_YES = ("y", "yes")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    undo: bool = False
    dry_run: bool = False
    yes: bool = False
    model: str = ""
    scope: str = "user"
    auth: str = "key"


def configure(name: str, options: Options) -> None:
    """Raises UsageError, NotPossible, ConfigConflict and its kin."""
    found = client_of(name)
    scope = checked_scope(found, options.scope)
    if not (options.yes or options.dry_run or sys.stdin.isatty()):
        raise UsageError(detail="Without a terminal there is nobody to ask.", hint=f"synrouter configure {name} --yes")
    settings = load()
    settings.paths.create()
    project = str(project_root(Path.cwd())) if scope == "project" else ""
    records = Records(settings.paths.clients_file)
    with records.locked():
        earlier = records.of(name, scope, project)
        if options.undo:
            _undo(found, earlier, records, settings.paths, options)
            return
        if found.configure is None:
            raise NotPossible(client=found.title, why=found.refusal)
        asked = wish(settings, asked_model=options.model, scope=scope, auth=checked_auth(found, options.auth))
        around = surroundings(os.environ, [earlier] if earlier is not None else [])
        plan = found.configure(asked, around)
        record = Record(name, scope, project, asked.url, asked.auth, asked.model)
        prepared = prepare(plan, record, earlier, local_key(settings.paths), port_of(settings))
        if not _agreed(prepared, options, "Write this?"):
            return
        carry_out(prepared, earlier, records, settings.paths.backups_dir)
    _say_done(found, asked, plan, prepared)
    _say(f"warning: {note}" for note in relay_notes(found, settings))
    _say_next(found, plan, settings)


def warnings_of(found: Client, asked: Wish) -> tuple[str, ...]:
    """What beats the configuration now, a sentence each."""
    return tuple(found.overrides(asked, surroundings(os.environ))) if found.overrides is not None else ()


def relay_notes(found: Client, settings: Settings) -> tuple[str, ...]:
    """What the relay that the proxy sends to says of this client, if it does not take it."""
    running = client.believable_state(settings.paths)
    upstreams = running.upstreams if running is not None else settings.upstreams
    relays = (relay_of(url) for url in upstreams.values())
    return tuple(relay.sentence for relay in relays if relay is not None and not relay.takes(found.name))


def _undo(found: Client, record: Record | None, records: Records, paths: Paths, options: Options) -> None:
    if record is None:
        print(f"{found.name}: nothing to take back.")
        return
    prepared = prepare_undo(record)
    if not _agreed(prepared, options, "Take this back?"):
        return
    kept = take_back(prepared, records, paths.backups_dir)
    print(f"{found.name}: taken back.")
    for step in prepared.steps:
        if step.changes_it:
            print(f"  {_short(step.held.path)}{'' if step.content is not None else '  (removed)'}")
    for path, change in kept:
        named = ".".join(map(str, change.path))
        print(f"synrouter: {named} in {_short(path)} was changed since and stays as it is.", file=sys.stderr)


def _agreed(prepared: Prepared, options: Options, question: str) -> bool:
    """Whether to go on: shows the diff where there is one to be judged."""
    if options.yes and not options.dry_run:
        return True
    if not prepared.changes_anything:
        print("nothing would change" if options.dry_run else "nothing has to change")
        return not options.dry_run
    print("\n".join(prepared.diff()), flush=True)
    if options.dry_run:
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() in _YES:
        return True
    print("synrouter: nothing was written.", file=sys.stderr)
    return False


def _say_done(found: Client, asked: Wish, plan: Plan, prepared: Prepared) -> None:
    uses = f", {plan.model}" if plan.model else ""
    print(f"{found.name}: configured for {asked.url}{uses}")
    for step in prepared.steps:
        print(f"  {_short(step.held.path)}{'' if step.content is not None else '  (removed)'}")
    plain = [step.held.path for step in prepared.steps if step.private]
    notes = [f"the local key stands in {_short(path)}, which only you can read now (0600)" for path in plain]
    _say([*notes, *plan.notes])
    _say(f"warning: {warning}" for warning in warnings_of(found, asked))


def _say_next(found: Client, plan: Plan, settings: Settings) -> None:
    if executable_of(found, os.environ) is None and found.executables:
        _say([f"{found.executables[0]} is not on your PATH"])
    steps = [plan.next] if plan.next else []
    if not lock.is_held(settings.paths.lock_file):
        steps.append("synrouter up")
    for step in steps:
        print(f"  next: {step}", file=sys.stderr)


def _say(notes: Iterable[str]) -> None:
    for note in notes:
        print(f"synrouter: {note}", file=sys.stderr)


def _short(path: Path) -> str:
    """With ~ for the user's home."""
    home = os.path.expanduser("~")
    text = str(path)
    return f"~{text[len(home) :]}" if home != "/" and text.startswith(home + os.sep) else text
