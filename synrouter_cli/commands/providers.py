"""`synrouter providers`: who there is, in which dialects, with which key, and where.

Provider    Dialects                  Key                              Address
anthropic   anthropic                 keyring                          https://api.anthropic.com
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Final

from synrouter_cli.commands.cells import breadth, columns, padded
from synrouter_cli.commands.key_states import Survey, survey
from synrouter_cli.commands.saying import say, say_next, wrapped
from synrouter_cli.credentials import variable_of
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.errors import NoKeyring
from synrouter_cli.providers import relay_of
from synrouter_cli.settings import Settings, load

SCHEMA_VERSION: Final = 1
_GAP: Final = 2
_TITLES: Final = ("Provider", "Dialects", "Key", "Address")


@dataclass(frozen=True, slots=True)
class Row:
    """One provider. `key`: environment, key file, keyring, none, or not needed."""

    provider: str
    title: str
    dialects: tuple[str, ...]
    """The one that is preferred first."""
    address: str
    moved: bool
    """Whether the user pointed it there."""
    key: str
    key_where: str
    key_variable: str
    cache: str
    local: bool
    own: bool
    """Whether it is one of the user's, of config.toml."""
    note: str
    """What its address is known for."""


def show(*, as_json: bool) -> None:
    """Print all of them. Raises ConfigError."""
    settings = load()
    known = survey(settings)
    rows = list(listed(settings, known))
    if as_json:
        problem = known.problem.message if known.problem else None
        said = {"schema_version": SCHEMA_VERSION, "providers": [asdict(row) for row in rows], "keyring": problem}
        print(json.dumps(said))
        return
    print("\n".join(table(rows, columns())), flush=True)
    tell_problem(known)


def tell_problem(known: Survey) -> None:
    """Say on stderr why keys may be missing from what was printed."""
    if known.problem is not None and not (isinstance(known.problem, NoKeyring) and known.has_keys):
        say([known.problem.message])
        say_next(known.problem.hint)


def listed(settings: Settings, known: Survey) -> Iterator[Row]:
    """A row each, in the order of the data file, the user's own last."""
    for name, provider in settings.providers.items():
        address = known.upstreams.get(name, provider.base_url)
        relay = relay_of(address)
        state = known.states[name]
        yield Row(
            provider=name, title=provider.title, dialects=tuple(provider.dialects), address=address,
            moved=name in known.upstreams, key=state.source, key_where=state.where, key_variable=variable_of(name),
            cache=provider.cache, local=provider.local, own=not provider.builtin,
            note=relay.sentence if relay is not None else "",
        )  # fmt: skip


def table(rows: Iterable[Row], room: int) -> Iterator[str]:
    """The rows for people, in at most `room` columns: what does not fit stands in a line below, as does what is known
    of an address."""
    shown = list(rows)
    cells = [(row.provider, " ".join(row.dialects), row.key, _address(row)) for row in shown]
    widths = [max(len(row[column]) for row in (_TITLES, *cells)) for column in range(3)]
    for row, note in zip((_TITLES, *cells), ("", *(row.note for row in shown)), strict=True):
        yield from _laid_out([padded(cell, space, True) for cell, space in zip(row, (*widths, 0), strict=True)], room)
        below = " " * (widths[0] + _GAP)
        yield from (below + line for line in (wrapped(note, room - len(below)) if note else ()))


def _laid_out(cells: list[str], room: int) -> Iterator[str]:
    """Cells side by side; one that would not fit begins a line below the second."""
    first, *others = cells
    line = first
    for cell in others:
        if breadth(f"{line}{cell.rstrip()}") + _GAP > room and line.strip():
            yield line.rstrip()
            line = " " * len(first)
        line += " " * _GAP + cell
    yield line.rstrip()


def _address(row: Row) -> str:
    return clean(row.address) + (" (yours)" if row.moved or row.own else "")
