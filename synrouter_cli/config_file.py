"""What `config.toml` may say, read and checked. A mistake is told by its line and key."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synrouter_cli.addresses import PROVIDER_NAME, check_upstream
from synrouter_cli.errors import ConfigError
from synrouter_cli.listening import read_address, read_host
from synrouter_cli.own_providers import Where, read_aliases, read_budget, read_providers, read_routes
from synrouter_cli.toml_lines import line_of

if TYPE_CHECKING:  # at run time when settings are made: msgspec is slow to load, and many commands need paths only
    from synrouter_cli.providers import Provider

__all__ = [
    "LEVELS",
    "MIB",
    "MODES",
    "NEVER_KEPT",
    "SCALARS",
    "KeepWarm",
    "Trim",
    "builtin_providers",
    "checked",
    "read_config",
]

MODES: Final = ("auto", "coding", "general")
LEVELS: Final = ("observe", "safe", "standard", "max")
MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Trim:
    """What `[trim]` says, None being the level's own: results over `over_chars` are cut to `keep_chars`, 0 is never."""

    over_chars: int | None = None
    keep_chars: int | None = None
    tools: tuple[tuple[str, int], ...] = ()
    """(name or glob, its own over_chars), in the order of the file."""


@dataclass(frozen=True, slots=True)
class KeepWarm:
    """What `[keep_warm]` says: whether entries are pinged before they expire, and for how many USD at most."""

    enabled: bool = False
    session_usd: Decimal = Decimal("0.40")
    """Four hours for a prompt of 200,000 tokens at Opus prices."""
    day_usd: Decimal = Decimal("5.00")


NEVER_KEPT: Final = KeepWarm()


def builtin_providers() -> Mapping[str, Provider]:
    from synrouter_cli.providers import builtin

    return builtin()


@dataclass(frozen=True, slots=True)
class _Check:
    """One key of the file: its type, what else must hold, and how that reads in an error."""

    kind: type | tuple[type, ...]
    holds: Callable[[Any], bool]
    expected: str


def _one_of(choices: tuple[str, ...]) -> _Check:
    return _Check(str, lambda value: value in choices, f"one of {', '.join(choices)}")


def _between(low: int, high: int, unit: str) -> _Check:
    return _Check(int, lambda value: low <= value <= high, f"a whole number of {unit} from {low} to {high}")


_SECONDS = _Check((int, float), lambda value: 0 < value <= 86400, "a number of seconds above 0")

SCALARS: Final[Mapping[str, _Check]] = {
    "port": _Check(int, lambda value: 0 <= value <= 65535, "a number from 0 to 65535"),
    "listen": _Check(str, lambda value: True, "an IP address"),
    "allow_hosts": _Check(
        list,
        lambda value: all(isinstance(item, str) for item in value),
        'a list of names, such as ["host.docker.internal"]',
    ),
    "mode": _one_of(MODES),
    "level": _one_of(LEVELS),
    "max_body_bytes": _between(1, 1024 * MIB, "bytes"),
    "in_flight_bytes": _between(1, 64 * 1024 * MIB, "bytes"),
    "ping_interval_s": _SECONDS,
    "idle_timeout_s": _SECONDS,
    "connect_timeout_s": _SECONDS,
    "drain_s": _Check((int, float), lambda value: 0 <= value <= 86400, "a number of seconds"),
    "ca_bundle": _Check(str, lambda value: Path(value).expanduser().is_absolute(), "an absolute path"),
    "upstreams": _Check(dict, lambda value: True, "a table of NAME = URL"),
    "key_files": _Check(dict, lambda value: True, 'a table of NAME = "/path"'),
    "keyring_wait_s": _SECONDS,
    "trim": _Check(dict, lambda value: True, "a table"),
    "diagnostics": _Check(bool, lambda value: True, "true or false"),
    "keep_warm": _Check(dict, lambda value: True, "a table"),
    **{name: _Check(dict, lambda value: True, "a table") for name in ("providers", "routes", "aliases", "budget")},
}
_OVER_CHARS = _Check(
    int, lambda value: value == 0 or 1000 <= value <= 1_000_000_000, "0 (never) or a number of characters from 1000"
)
_TRIM: Final[Mapping[str, _Check]] = {
    "over_chars": _OVER_CHARS,
    "keep_chars": _between(100, 1_000_000_000, "characters"),
    "tools": _Check(dict, lambda value: True, "a table of TOOL = CHARACTERS"),
}


_USD = _Check((int, float), lambda value: 0 <= value <= 1_000_000, "an amount of USD, 0 or more")
_KEEP_WARM: Final[Mapping[str, _Check]] = {
    "enabled": _Check(bool, lambda value: True, "true or false"),
    "session_usd": _USD,
    "day_usd": _USD,
}


def checked(where: str, value: Any, check: _Check) -> Any:
    """The value. Raises ConfigError, which names the place `where` it stands."""
    a_number = isinstance(value, bool) and check.kind is not bool  # to Python, True is 1
    if a_number or not isinstance(value, check.kind) or not check.holds(value):
        hint = "synrouter up --help" if where.startswith("--") else None
        raise ConfigError(where=where, detail=f"expected {check.expected}", hint=hint)
    return value


def read_config(path: Path) -> dict[str, Any]:
    """The file's values, checked; {} where there is none."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        detail = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(where=str(path), detail=detail or "can't be read") from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(where=str(path), detail=str(error)) from None

    def where(*names: str) -> str:
        line = line_of(text, *names)
        return f"{path}{f' line {line}' if line else ''}, {'.'.join(names)}"

    _check_keys(values, SCALARS, where)
    for name, read in _READ.items():
        if name in values:
            values[name] = read(values[name], where)
    if "providers" in values:
        own, values["own_models"] = read_providers(values["providers"], where)
        values["providers"] = {**builtin_providers(), **own}
    providers = values["providers"] if "providers" in values else builtin_providers()
    for name in values.get("key_files", ()):
        if name not in providers:
            known = ", ".join(sorted(providers))
            raise ConfigError(where=where("key_files", name), detail=f"no such provider; known are: {known}")
    return values


def _check_keys(table: Mapping[str, Any], checks: Mapping[str, _Check], where: Where, *under: str) -> None:
    for key, value in table.items():
        if key not in checks:
            raise ConfigError(where=where(*under, key), detail=f"unknown key; known are {', '.join(checks)}")
        checked(where(*under, key), value, checks[key])


def _ca_bundle(file: str, where: Where) -> Path:
    return Path(file).expanduser()


def _listen(address: str, where: Where) -> str:
    return read_address(address, where=where("listen"))


def _allow_hosts(hosts: list[str], where: Where) -> list[str]:
    return [read_host(host, where=where("allow_hosts")) for host in hosts]


def _upstreams(table: dict[str, Any], where: Where) -> dict[str, str]:
    found = {}
    for name, url in table.items():
        if not PROVIDER_NAME.fullmatch(name) or not isinstance(url, str):
            raise ConfigError(where=where("upstreams", name), detail='expected NAME = "URL"')
        found[name] = check_upstream(url, where=where("upstreams", name))
    return found


def _key_files(table: dict[str, Any], where: Where) -> dict[str, Path]:
    found = {}
    for name, file in table.items():
        if not PROVIDER_NAME.fullmatch(name) or not isinstance(file, str):
            raise ConfigError(where=where("key_files", name), detail='expected NAME = "/path"')
        found[name] = Path(file).expanduser()
        if not found[name].is_absolute():
            raise ConfigError(where=where("key_files", name), detail="expected an absolute path")
    return found


def _trim(table: dict[str, Any], where: Where) -> Trim:
    _check_keys(table, _TRIM, where, "trim")
    over, keep = table.get("over_chars"), table.get("keep_chars")
    if over and keep and keep >= over:
        raise ConfigError(where=where("trim", "keep_chars"), detail=f"expected fewer than over_chars ({over})")
    tools: dict[str, Any] = table.get("tools", {})
    for name, value in tools.items():
        checked(where("trim", "tools", name), value, _OVER_CHARS)
    return Trim(over, keep, tuple(tools.items()))


def _keep_warm(table: dict[str, Any], where: Where) -> KeepWarm:
    _check_keys(table, _KEEP_WARM, where, "keep_warm")
    session, day = (Decimal(str(table.get(key, getattr(NEVER_KEPT, key)))) for key in ("session_usd", "day_usd"))
    return KeepWarm(table.get("enabled", False), session, day)


_READ: Final[Mapping[str, Callable[[Any, Where], Any]]] = {
    "ca_bundle": _ca_bundle,
    "listen": _listen,
    "allow_hosts": _allow_hosts,
    "upstreams": _upstreams,
    "key_files": _key_files,
    "trim": _trim,
    "keep_warm": _keep_warm,
    "routes": read_routes,
    "aliases": read_aliases,
    "budget": read_budget,
}
"""How the value of a key is read, in the order in which mistakes are told. The user's providers are read apart: they
give two values."""
