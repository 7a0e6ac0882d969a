"""`synrouter up`: serves in the foreground with the dashboard, with a line a turn, or in the background.

    14:02:31 claude-code a1b2c3 #4 claude-sonnet-4-6 in 12 · read 27,132 · wrote 1,335 · out 88 · hit 95% ·
    $0.0132 (saved $0.0733, by Synrouter $0.0104)

Saved is against no caching at all; by Synrouter, against the client's own request, unchanged. An unknown price is `?`,
an estimate is marked `~`, a loss has a minus.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.dashboard.units import UNKNOWN, usd
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.listening import HOST
from synrouter_cli.settings import Settings, load
from synrouter_cli.wire.usage import Usage

if TYPE_CHECKING:  # at run time only once the settings are read: a mistake in them shows at once
    from synrouter_cli.daemon.client import Daemon
    from synrouter_cli.daemon.face import Face

_KEYRING_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line sets; None is left to the environment and `config.toml`."""

    port: int | None = None
    mode: str | None = None
    level: str | None = None
    upstreams: tuple[str, ...] = ()
    listen: str | None = None
    allow_hosts: tuple[str, ...] = ()

    def load(self) -> Settings:
        return load(
            port=self.port,
            mode=self.mode,
            level=self.level,
            upstreams=self.upstreams,
            listen=self.listen,
            allow_hosts=self.allow_hosts,
        )

    def words(self) -> Iterator[str]:
        """The same for another command line."""
        single = (("port", self.port), ("mode", self.mode), ("level", self.level), ("listen", self.listen))
        for name, value in single:
            if value is not None:
                yield from (f"--{name}", str(value))
        for name, values in (("upstream", self.upstreams), ("allow-host", self.allow_hosts)):
            for value in values:
                yield from (f"--{name}", value)


def up(options: Options, *, plain: bool = False, detach: bool = False, detached: bool = False) -> int:
    """Serve until stopped, or with `detach` have it done in the background; returns the exit code.

    `detached` is what the process in the background is told. Raises what `server.run` raises, and NeverServed.
    """
    settings = options.load()
    if detach:
        return _detach(settings, options)
    from synrouter_cli.daemon import server, wiring

    face = None if plain or detached else terminal_face(settings)
    code = server.run(settings, assemble=wiring.assemble_with(turn_line), detached=detached, face=face)
    if face is not None and code == 0:  # its user left the dashboard, and may have meant only that
        print("synrouter: stopped. To keep it running in the background: synrouter up --detach", file=sys.stderr)
    return code


def terminal_face(settings: Settings) -> Face | None:
    """The dashboard, drawn by a process of its own; None where there is no terminal for one."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb":
        return None
    from synrouter_cli.daemon.face import Face

    def spawn() -> subprocess.Popen[bytes]:
        from synrouter_cli.commands import live  # once the proxy serves: this takes longer than to bind

        return live.spawn(settings.paths)

    return Face(spawn)


def _detach(settings: Settings, options: Options) -> int:
    from synrouter_cli.daemon import detach, lock, server

    if lock.is_held(settings.paths.lock_file):
        raise server.already_running(settings.paths)
    settings.paths.create()
    try:
        daemon = detach.serve_detached(settings.paths, ["up", "--detached", *options.words()])
    except detach.Ended as ended:
        print(ended.said, end="", file=sys.stderr)
        return ended.code
    url = f"http://{HOST}:{daemon.state.port}"
    print(f"synrouter: listening on {url}", flush=True)
    if warning := settings.listening.warning(daemon.state.port):
        print(f"synrouter: {warning}", file=sys.stderr)
    for line in _next_commands(has_key=bool(settings.provider_keys) or _keyring_has_one(daemon)):
        print(line, file=sys.stderr)
    return 0


def _keyring_has_one(daemon: Daemon) -> bool:
    """Whether it found a key in the keyring, as far as that shows soon; a locked one may take a minute."""
    from synrouter_cli.daemon.client import ControlError

    deadline = time.monotonic() + _KEYRING_S
    while True:
        try:
            health = daemon.control.health()
        except ControlError:
            return False
        if not health.keyring.startswith("reading") or time.monotonic() > deadline:
            return bool(health.keys)
        time.sleep(0.05)


def _next_commands(*, has_key: bool) -> Iterator[str]:
    """What a person types now, for the client that most of them have."""
    how = "" if has_key else " --auth subscription"  # the client keeps its own login
    if not has_key:
        yield "  no provider's key: synrouter keys set anthropic, or use your Claude login:"
    yield f"  next: synrouter configure claude-code{how}"
    yield f"    or: synrouter run{how} claude-code    # no file touched"
    yield "  to watch it: synrouter stats --live    to stop it: synrouter down"


_KINDS: Final = {"main": "", "ping": " keep-warm ping"}


def turn_line(turn: Turn, zone: tzinfo | None = None) -> str:
    """One finished turn in one line, its time in `zone` (the local one if None)."""
    at = datetime.fromtimestamp(turn.started_at, zone).strftime("%H:%M:%S")
    kind = _KINDS.get(turn.kind, f" {turn.kind}")
    who = f"{at} {clean(turn.client)} {clean(turn.session)[:6]} #{turn.turn}{kind}"
    trimmed = f"trimmed {turn.trimmed_tokens:,}" if turn.trimmed_tokens else ""
    parts = [*_token_parts(turn), trimmed, _money(turn), *_outcome_parts(turn)]
    return f"{who} {clean(turn.model) or UNKNOWN} {' · '.join(part for part in parts if part)}"


def _token_parts(turn: Turn) -> list[str]:
    usage = turn.usage
    if usage is None:
        return []
    mark = "" if turn.usage_quality == "exact" else "~"
    counts = (
        ("in", usage.input_tokens),
        ("read", usage.cache_read_tokens),
        ("wrote", usage.cache_write_tokens),
        ("out", usage.output_tokens),
    )
    return [f"{name} {mark}{count:,}" for name, count in counts] + [_hit(usage)]


def _hit(usage: Usage) -> str:
    """Read tokens of all prompt tokens, rounded down: only a full hit is 100%."""
    if not usage.prompt_tokens:
        return ""
    return f"hit {100 * usage.cache_read_tokens // usage.prompt_tokens}%"


def _money(turn: Turn) -> str:
    if turn.usage is None and turn.cost_pusd == 0:
        return ""  # refused: nothing to say of money
    mark = "" if turn.usage_quality == "exact" else "~"
    cost = UNKNOWN if turn.cost_pusd is None else mark + _usd(turn.cost_pusd)
    if turn.billing == "subscription":
        return f"list {cost} (subscription)"

    def against(baseline: int | None) -> str:
        if turn.cost_pusd is None or baseline is None:
            return UNKNOWN
        return mark + _usd(baseline - turn.cost_pusd)

    saved, ours = against(turn.baseline_no_cache_pusd), against(turn.baseline_client_pusd)
    return f"{cost} (saved {saved}, by Synrouter {ours})"


def _usd(pusd: int) -> str:
    return usd(Decimal(pusd).scaleb(-12))


def _outcome_parts(turn: Turn) -> list[str]:
    if turn.status == "ok":
        return []
    words = [turn.status, str(turn.http_status or ""), clean(turn.error_type or "")]
    return [" ".join(word for word in words if word)]
