"""`synrouter configure --list`: every client, whether it is installed, configured, and where it points.

Client       Installed          Configured      Points at
claude-code  2.1.329            yes             http://127.0.0.1:7477
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Final

from synrouter_cli.clients import all_clients
from synrouter_cli.clients.changing import prepare_undo
from synrouter_cli.clients.client import Client
from synrouter_cli.clients.machine import executable_of, surroundings, version_of
from synrouter_cli.clients.records import Record, Records
from synrouter_cli.commands.cells import cut, padded
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.errors import ConfigConflict
from synrouter_cli.paths import find_paths

SCHEMA_VERSION: Final = 1
_TITLES: Final = ("Client", "Installed", "Configured", "Points at")


@dataclass(frozen=True, slots=True)
class Row:
    """One client. `configured`: yes, no, changed since (by the user, or by the client), or not possible."""

    client: str
    installed: bool
    version: str
    configured: str
    points_at: str
    scopes: tuple[str, ...]
    """Where it is configured."""


def show(*, as_json: bool) -> None:
    """Raises ConfigConflict where what was configured can't be read."""
    rows = list(survey(Records(find_paths().clients_file).all()))
    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "clients": [asdict(row) for row in rows]}))
    else:
        print("\n".join(table(rows, shutil.get_terminal_size().columns)))


def survey(records: Iterable[Record]) -> Iterator[Row]:
    """A row for each client there is; all are asked for their version at the same time."""
    known: dict[str, list[Record]] = {}
    for record in records:
        known.setdefault(record.client, []).append(record)
    with ThreadPoolExecutor(8) as pool:
        yield from pool.map(lambda client: _row(client, known.get(client.name, [])), all_clients())


def table(rows: Iterable[Row], room: int) -> Iterator[str]:
    """The rows for people, in at most `room` columns."""
    cells = [_TITLES, *((row.client, _installed(row), _state(row), clean(row.points_at)) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    for row in cells:
        line = "  ".join(padded(cell, space, True) for cell, space in zip(row, widths, strict=False))
        yield cut(f"{line}  {row[3]}".rstrip(), room)


def is_as_written(record: Record) -> bool:
    """Whether all that was put there still stands. Raises ConfigConflict where a file can't be read."""
    steps = prepare_undo(record).steps
    return not any(step.kept or (step.held.content is None and record.files) for step in steps) and any(
        step.changes_it for step in steps
    )


def _installed(row: Row) -> str:
    return (row.version or "yes") if row.installed else "–"


def _state(row: Row) -> str:
    """Projects are counted: they have no room to be named."""
    projects = len(row.scopes) - row.scopes.count("user")
    where = [*(["user"] if "user" in row.scopes else []), f"{projects} project{'s' if projects > 1 else ''}"]
    return f"{row.configured} ({' + '.join(where)})" if projects else row.configured


def _row(client: Client, records: list[Record]) -> Row:
    executable = executable_of(client, os.environ)
    version = version_of(client, executable, os.environ) if executable is not None else ""
    return Row(
        client.name, executable is not None, version, _configured(client, records), _points_at(client),
        tuple(record.project or record.scope for record in records),
    )  # fmt: skip


def _configured(client: Client, records: list[Record]) -> str:
    if client.configure is None:
        return "not possible"
    try:
        return "no" if not records else "yes" if all(map(is_as_written, records)) else "changed since"
    except ConfigConflict:
        return "can't be read"


def _points_at(client: Client) -> str:
    try:
        return client.points_at(surroundings(os.environ)) if client.points_at is not None else ""
    except ConfigConflict:
        return "?"
