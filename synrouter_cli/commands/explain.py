"""`synrouter explain`: why a turn read from the cache what it read, what that cost, what to do about it.

synrouter explain                       the last miss that cost something
synrouter explain a1b2                  the turns of a session, and its costliest miss
synrouter explain a1b2 --turn 12        one turn
"""

from __future__ import annotations

import shutil
import textwrap

from synrouter_cli.commands import explaining, own_cache
from synrouter_cli.commands.saying import NO_LEDGER
from synrouter_cli.commands.verdict_words import detail_of
from synrouter_cli.daemon import client
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.errors import SynrouterError, UsageError
from synrouter_cli.ledger import lookups
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.paths import Paths

_SHOWN = 3
_WIDEST = 100


class NothingToExplain(SynrouterError):
    """{detail}"""

    next_command = "synrouter sessions"


def explain(paths: Paths, session: str | None, *, turn: int | None = None, as_json: bool = False) -> None:
    """Print the explanation. Raises NothingToExplain, UsageError, and what `lookups` raises."""
    if session is None and turn is not None:
        raise UsageError(detail="--turn goes with a session.", hint="synrouter explain SESSION --turn 12")
    if not paths.ledger_file.exists():
        raise NothingToExplain(detail=NO_LEDGER, hint="synrouter up")
    if session is None:
        _show(paths, _last_miss(paths), None, [], as_json=as_json)
        return
    turns = lookups.turns_of(paths.ledger_file, _full_id(paths, session))
    if turn is None:
        _show(paths, explaining.costliest(turns), turns, turns, as_json=as_json)
        return
    found = next((each for each in turns if each.turn == turn), None)
    if found is None:
        detail = f"Session {clean(turns[-1].session)} has no turn {turn}; its last is {turns[-1].turn}."
        raise NothingToExplain(detail=detail, hint=f"synrouter explain {clean(turns[-1].session)}")
    _show(paths, found, None, turns, as_json=as_json)


def _last_miss(paths: Paths) -> Turn:
    found = lookups.last_costly_miss(paths.ledger_file, 0.0)
    if found is None:
        raise NothingToExplain(detail="No miss in the ledger cost anything.")
    return found


def _full_id(paths: Paths, prefix: str) -> str:
    found = lookups.find_session(paths.ledger_file, prefix) if prefix else []
    if not found:
        raise NothingToExplain(detail=f"No session begins with {clean(prefix)!r}.")
    if len(found) > 1 and prefix not in found:
        some = ", ".join(clean(each) for each in found[:_SHOWN])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        detail = f"{clean(prefix)!r} is the start of {some}{more}."
        raise UsageError(detail=detail, hint=f"synrouter explain {clean(found[0])}")
    return prefix if prefix in found else found[0]


def _show(paths: Paths, turn: Turn | None, turns: list[Turn] | None, all_turns: list[Turn], *, as_json: bool) -> None:
    """`turns` are to be listed too; `all_turns` are those of the turn's session."""
    line = _changed_line(paths, turn) if turn is not None else None
    last = own_cache.before(all_turns, turn) if turn is not None else None
    if as_json:
        import msgspec  # only here: the text needs none

        encoder = msgspec.json.Encoder(decimal_format="number")
        answer = explaining.as_object(turn, line, turns, last=last)
        print(msgspec.json.format(encoder.encode(answer), indent=2).decode())
        return
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    lines = explaining.overview(turns) if turns else []
    if turn is not None:
        lines += [*([""] if lines else []), *explaining.explanation(turn, line=line, last=last, width=width)]
    elif turns:
        lines += ["", *textwrap.wrap(own_cache.summary(turns) or "No miss of this session cost anything.", width)]
    print("\n".join(lines))


def _changed_line(paths: Paths, turn: Turn) -> str | None:
    """From the running daemon, which alone knows it, and only for a while."""
    if not detail_of(turn).keys() & {"tools", "system", "message"}:
        return None
    try:
        return client.find(paths).control.changed_line(turn.session, turn.turn)
    except (SynrouterError, client.ControlError):
        return None
