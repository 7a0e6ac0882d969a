"""`synrouter configure CLIENT`: write what makes a client use the proxy, or take it back.

Example: `configure("codex", Options(dry_run=True))` prints the diff, writes nothing and returns 0.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from synrouter_cli.clients import client_of
from synrouter_cli.clients.changing import Prepared, carry_out, prepare, prepare_undo, take_back
from synrouter_cli.clients.client import Client, Plan, Wish
from synrouter_cli.clients.machine import executable_of, project_root, surroundings
from synrouter_cli.clients.records import Record, Records
from synrouter_cli.commands.saying import is_coloured, say, say_next, short
from synrouter_cli.commands.wishes import SCOPES, checked_auth, checked_scope, local_key, port_of, wish
from synrouter_cli.daemon import client, lock
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.errors import EXIT_FAILURE, NotPossible, UsageError
from synrouter_cli.paths import Paths, find_paths
from synrouter_cli.providers import relay_of
from synrouter_cli.settings import Settings, load

_YES: Final = ("y", "yes")
_COLOURS: Final = {"+++": "1", "---": "1", "@@": "36", "+": "32", "-": "31"}
_LEAST_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    undo: bool = False
    dry_run: bool = False
    yes: bool = False
    model: str = ""
    scope: str = "user"
    auth: str = "key"

    def command(self, name: str, *more: str) -> str:
        """The same command line, with `more` at its end."""
        values = (("model", self.model, ""), ("scope", self.scope, "user"), ("auth", self.auth, "key"))
        given = [word for option, value, usual in values if value != usual for word in (f"--{option}", value)]
        return shlex.join(["synrouter", "configure", name, *(["--undo"] if self.undo else []), *given, *more])


def configure(name: str, options: Options) -> int:
    """The exit code: 1 where its user says no. Raises UsageError, NotPossible, ConfigConflict and its kin."""
    if options.undo:
        return _undo(name, options)
    found = client_of(name)
    if found.configure is None:
        raise NotPossible(client=found.title, why=found.refusal)
    scope, auth = checked_scope(found, options.scope), checked_auth(found, options.auth)
    _check_somebody_is_there(name, options)
    settings = load()
    project = str(project_root(Path.cwd())) if scope == "project" else ""
    with _records(settings.paths, options) as records:
        earlier = records.of(name, scope, project)
        asked = wish(settings, asked_model=options.model, scope=scope, auth=auth)
        plan = found.configure(asked, surroundings(os.environ, [earlier] if earlier is not None else []))
        record = Record(name, scope, project, asked.url, asked.auth, asked.model)
        key = local_key(settings.paths, make=not options.dry_run)
        prepared = prepare(plan, record, earlier, key, port_of(settings))
        if not _agreed(prepared, name, options):
            return EXIT_FAILURE
        if not options.dry_run:
            carry_out(prepared, earlier, records, settings.paths.backups_dir)
            _say_done(found, asked, plan, prepared)
    say([*plan.notes, *(f"warning: {each}" for each in (*warnings_of(found, asked), *relay_notes(found, settings)))])
    if not options.dry_run:
        _say_next(found, plan, settings)
    return 0


def warnings_of(found: Client, asked: Wish) -> tuple[str, ...]:
    """What beats the configuration now, a sentence each."""
    return tuple(found.overrides(asked, surroundings(os.environ))) if found.overrides is not None else ()


def relay_notes(found: Client, settings: Settings) -> tuple[str, ...]:
    """What the relay that the proxy sends to says of this client, if it does not take it."""
    running = client.believable_state(settings.paths)
    upstreams = running.upstreams if running is not None else settings.upstreams
    relays = (relay_of(url) for url in upstreams.values())
    return tuple(relay.sentence for relay in relays if relay is not None and not relay.takes(found.name))


def command_for(record: Record, *, undo: bool = False) -> str:
    """What to type to do the same again, or to take it back, wherever one is."""
    options = Options(undo, scope=record.scope, auth="key" if undo else record.auth, model="" if undo else record.model)
    there = f"cd {shlex.quote(record.project)} && " if record.project and Path(record.project).exists() else ""
    return f"{there}{options.command(record.client)}"


def _undo(name: str, options: Options) -> int:
    """By the record alone: the client may be one that this version does not know."""
    if options.scope not in SCOPES:
        raise UsageError(detail=f"There is no scope {options.scope!r}.", hint=f"synrouter configure {name} --undo")
    paths = find_paths()
    with _records(paths, options) as records:
        record = _recorded(records, name, options.scope)
        if record is None:
            _say_nothing_there(name, records)
            return 0
        _check_somebody_is_there(name, options)
        prepared = prepare_undo(record)
        if not _agreed(prepared, name, options):
            return EXIT_FAILURE
        if options.dry_run:
            return 0
        kept = take_back(prepared, records, paths.backups_dir)
    print(f"{name}: taken back.")
    _print_files(prepared)
    said = ((".".join(map(str, change.path)), short(path)) for path, change in kept)
    say(f"{key} in {file} was changed since and stays as it is." for key, file in said)
    return 0


def _recorded(records: Records, name: str, scope: str) -> Record | None:
    """What was done here, in the nearest folder; else in a project that is gone, and can't be gone to."""
    found = {record.project: record for record in records.all() if (record.client, record.scope) == (name, scope)}
    places = [str(folder) for folder in (Path.cwd(), *Path.cwd().parents)] if scope == "project" else [""]
    nearest = next((found[place] for place in places if place in found), None)
    return nearest or next((each for place, each in found.items() if place and not Path(place).exists()), None)


def _say_nothing_there(name: str, records: Records) -> None:
    others = [record for record in records.all() if record.client == name]
    if not others:
        client_of(name)  # says so where it is a name that nobody knows
    print(f"{name}: nothing to take back{' here' if others else ''}.")
    for record in others:
        say_next(command_for(record, undo=True))


@contextmanager
def _records(paths: Paths, options: Options) -> Iterator[Records]:
    """What is remembered, with other commands kept out unless nothing is to be written."""
    records = Records(paths.clients_file)
    if options.dry_run:
        yield records
    else:
        paths.create()
        with records.locked():
            yield records


def _check_somebody_is_there(name: str, options: Options) -> None:
    if not (options.yes or options.dry_run or sys.stdin.isatty()):
        hint = options.command(name, "--yes")
        raise UsageError(detail="Without a terminal there is nobody to ask.", hint=hint)


def _agreed(prepared: Prepared, name: str, options: Options) -> bool:
    """Whether to go on: shows the diff where there is one to be judged."""
    if options.yes and not options.dry_run:
        return True
    if not prepared.changes_anything:
        print("nothing would change" if options.dry_run else "nothing has to change")
        return True
    shown = list(_painted(list(prepared.diff())))
    room = max(shutil.get_terminal_size().lines - 4, _LEAST_LINES)
    if not options.dry_run and len(shown) > room:
        more = f"… {len(shown) - room + 1} more lines; to see all: {options.command(name, '--dry-run')}"
        shown = [*shown[: room - 1], more]
    print("\n".join(shown), flush=True)
    return options.dry_run or _said_yes("Take this back?" if options.undo else "Write this?")


def _said_yes(question: str) -> bool:
    try:
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        print(file=sys.stderr)
        raise
    if answer.strip().lower() in _YES:
        return True
    if not answer.endswith("\n"):
        print(file=sys.stderr)
    say(["nothing was written."])
    return False


def _painted(diff: list[str]) -> Iterator[str]:
    """As it is for a program; for a terminal without control characters, coloured where it knows colours."""
    coloured = is_coloured(os.environ, sys.stdout)
    for line in diff:
        text = clean(line.expandtabs(4)) if sys.stdout.isatty() else line
        colour = next((code for start, code in _COLOURS.items() if line.startswith(start)), "") if coloured else ""
        yield f"\x1b[{colour}m{text}\x1b[0m" if colour else text


def _say_done(found: Client, asked: Wish, plan: Plan, prepared: Prepared) -> None:
    uses = f", {plan.model}" if plan.model else ""
    print(f"{found.name}: configured for {asked.url}{uses}")
    _print_files(prepared)
    plain = [short(step.held.path) for step in prepared.steps if step.private]
    say(f"the local key stands in {path}, which only you can read now (0600)" for path in plain)


def _print_files(prepared: Prepared) -> None:
    for step in prepared.steps:
        if step.changes_it or step.file is not None:
            print(f"  {short(step.held.path)}{'' if step.content is not None else '  (removed)'}")


def _say_next(found: Client, plan: Plan, settings: Settings) -> None:
    if executable_of(found, os.environ) is None and found.executables:
        say([f"{found.executables[0]} is not on your PATH"])
    if plan.next:
        say_next(plan.next)
    if not lock.is_held(settings.paths.lock_file):
        say_next("synrouter up")
