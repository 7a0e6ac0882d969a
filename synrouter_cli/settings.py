"""What the user set, read once: command line over environment over `config.toml` over defaults.

The only reader of our own environment. Nothing is read from the working directory, so a repository
can change neither an upstream nor a key.

>>> load(port=7500, environ={"SYNROUTER_HOME": "/tmp/x"}).paths.config_file.as_posix()
'/tmp/x/config.toml'
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synrouter_cli.addresses import (
    PROVIDER_NAME,
    Proxies,
    check_self_loop,
    check_upstream,
    parse_upstream,
    read_proxies,
)
from synrouter_cli.credentials import Secret as Secret
from synrouter_cli.credentials import keys_of_environment, read_key_file, variable_of
from synrouter_cli.errors import ConfigError
from synrouter_cli.listening import HOST as HOST
from synrouter_cli.listening import LOOPBACK_ONLY, Listening, check_exposure, read_address, read_host
from synrouter_cli.own_providers import BudgetLimits, read_aliases, read_budget, read_providers, read_routes
from synrouter_cli.toml_lines import line_of

if TYPE_CHECKING:  # at run time when settings are made: msgspec is slow to load, and many commands need paths only
    from synrouter_cli.providers import Provider

MODES: Final = ("auto", "coding", "general")
LEVELS: Final = ("observe", "safe", "standard", "max")
MIB: Final = 1024 * 1024

_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


@dataclass(frozen=True, slots=True)
class Paths:
    """Where things lie. Directories are ours alone (0700), files are written at 0600."""

    config_dir: Path
    data_dir: Path
    state_dir: Path
    log_dir: Path

    @property
    def config_file(self) -> Path:
        return self.config_dir / "config.toml"

    @property
    def ledger_file(self) -> Path:
        return self.data_dir / "ledger.db"

    @property
    def token_file(self) -> Path:
        return self.data_dir / "token"

    @property
    def control_token_file(self) -> Path:
        return self.data_dir / "control-token"

    @property
    def digest_key_file(self) -> Path:
        return self.data_dir / "digest-key"

    @property
    def state_file(self) -> Path:
        return self.state_dir / "daemon.json"

    @property
    def lock_file(self) -> Path:
        return self.state_dir / "daemon.lock"

    @property
    def log_file(self) -> Path:
        return self.log_dir / "synrouter.log"

    @property
    def models_file(self) -> Path:
        """What the providers said of their models."""
        return self.data_dir / "models.json"

    @property
    def clients_file(self) -> Path:
        """What was configured where."""
        return self.data_dir / "clients.json"

    @property
    def backups_dir(self) -> Path:
        """Clients' files as they were."""
        return self.data_dir / "backups"

    def create(self) -> None:
        """Make the directories, 0700 whatever the umask. Raises ConfigError where others may write."""
        for directory in (self.config_dir, self.data_dir, self.state_dir, self.log_dir):
            try:
                _create_private(directory)
            except OSError as error:
                raise ConfigError(where=str(directory), detail=error.strerror or "can't be created") from None


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
NO_BUDGET: Final = BudgetLimits()


def _builtin() -> Mapping[str, Provider]:
    from synrouter_cli.providers import builtin

    return builtin()


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Sizes in bytes, durations in seconds."""

    paths: Paths
    listening: Listening = LOOPBACK_ONLY
    """Nothing but 127.0.0.1 unless the user names an address and Hosts."""
    port: int = 7477
    """0 lets the system choose."""
    mode: str = "auto"
    level: str = "standard"
    upstreams: Mapping[str, str] = field(default_factory=dict)
    """Provider → base URL without a trailing slash; only those that are pointed elsewhere."""
    provider_keys: Mapping[str, Secret] = field(default_factory=dict)
    key_sources: Mapping[str, str] = field(default_factory=dict)
    """Provider → where its key came from, for `status`. Of providers in neither the keyring is asked later."""
    key_files: Mapping[str, Path] = field(default_factory=dict)
    keyring_wait_s: float = 60.0
    """How long a person has to unlock the keyring."""
    max_body_bytes: int = 64 * MIB
    in_flight_bytes: int = 512 * MIB
    ping_interval_s: float = 12.0
    idle_timeout_s: float = 300.0
    connect_timeout_s: float = 10.0
    drain_s: float = 30.0
    ca_bundles: tuple[Path, ...] = ()
    """Certificates to trust besides the system's."""
    proxies: Proxies = field(default_factory=Proxies)
    trim: Trim = field(default_factory=Trim)
    diagnostics: bool = False
    """The provider is asked why a prompt was not read from its cache, in sessions that begin from now on."""
    keep_warm: KeepWarm = NEVER_KEPT
    providers: Mapping[str, Provider] = field(default_factory=_builtin)
    """Those there are, the user's own among them."""
    own_models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Provider → the models that `config.toml` says it has."""
    routes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    budget: BudgetLimits = NO_BUDGET


def load(
    *,
    port: int | None = None,
    mode: str | None = None,
    level: str | None = None,
    upstreams: Iterable[str] = (),
    listen: str | None = None,
    allow_hosts: Iterable[str] = (),
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """The settings of this run; the arguments are the command line's (`upstreams` as NAME=URL). `allow_hosts` join
    those of the file.

    Raises ConfigError, which names the option, the variable or the file and line, and the key.
    """
    paths = find_paths(environ)
    values = _read_config(paths.config_file)
    config_upstreams: dict[str, str] = values.pop("upstreams", {})
    key_files: dict[str, Path] = values.setdefault("key_files", {})
    ca_bundle: Path | None = values.pop("ca_bundle", None)
    if environ.get("SYNROUTER_PORT"):
        values["port"] = _checked("SYNROUTER_PORT", _number(environ["SYNROUTER_PORT"]), _SCALARS["port"])
    for option, value in (("port", port), ("mode", mode), ("level", level)):
        if value is not None:
            values[option] = _checked(f"--{option}", value, _SCALARS[option])
    listening = _listening(paths.config_file, values, listen, allow_hosts)
    chosen = config_upstreams | dict(parse_upstream(spec) for spec in upstreams)
    own = {name: provider.base_url for name, provider in values.get("providers", {}).items() if not provider.builtin}
    check_self_loop(own | chosen, values.get("port", 7477))
    keys, sources = _provider_keys(environ, key_files)
    bundles = [ca_bundle] if ca_bundle else [Path(environ[name]) for name in _CA_VARIABLES if environ.get(name)]
    return Settings(
        paths=paths,
        listening=listening,
        upstreams=chosen,
        provider_keys=keys,
        key_sources=sources,
        ca_bundles=tuple(dict.fromkeys(bundles)),
        proxies=read_proxies(environ),
        **values,
    )


def _listening(config_file: Path, values: dict[str, Any], listen: str | None, allow_hosts: Iterable[str]) -> Listening:
    """What the file and the command line say together; takes it out of the file's `values`."""
    where = str(config_file) if listen is None else "--listen"
    address: str = values.pop("listen", HOST) if listen is None else read_address(listen, where=where)
    of_file: list[str] = values.pop("allow_hosts", [])
    values.pop("listen", None)
    hosts = [*of_file, *(read_host(host, where="--allow-host") for host in allow_hosts)]
    return check_exposure(Listening(address, tuple(dict.fromkeys(hosts))), where=where)


def find_paths(environ: Mapping[str, str] = os.environ) -> Paths:
    """Our directories: all under SYNROUTER_HOME where that is set, else the platform's own."""
    home = environ.get("SYNROUTER_HOME")
    if home:
        root = Path(home).expanduser().absolute()
        return Paths(root, root / "data", root / "state", root / "logs")
    from platformdirs import PlatformDirs  # only here: it need not load where SYNROUTER_HOME says it all

    dirs = PlatformDirs("synrouter", appauthor=False)
    return Paths(dirs.user_config_path, dirs.user_data_path, dirs.user_state_path, dirs.user_log_path)


def _create_private(directory: Path) -> None:
    if not directory.exists():
        if not directory.parent.exists():
            _create_private(directory.parent)
        directory.mkdir(exist_ok=True)
        directory.chmod(0o700)
    elif os.name == "posix" and directory.stat().st_mode & stat.S_IWOTH:
        raise ConfigError(where=str(directory), detail="every user may write there", hint=f"chmod 700 {directory}")


def _provider_keys(environ: Mapping[str, str], files: Mapping[str, Path]) -> tuple[dict[str, Secret], dict[str, str]]:
    """Provider → key and provider → where from; the environment goes before key files, of which the rest are unread."""
    keys = keys_of_environment(environ)
    sources = {provider: variable_of(provider) for provider in keys}
    for provider, path in files.items():
        if provider not in keys:
            keys[provider] = read_key_file(path)
            sources[provider] = str(path)
    return keys, sources


# ── config.toml ──


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

_SCALARS: Final[Mapping[str, _Check]] = {
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


def _checked(where: str, value: Any, check: _Check) -> Any:
    a_number = isinstance(value, bool) and check.kind is not bool  # to Python, True is 1
    if a_number or not isinstance(value, check.kind) or not check.holds(value):
        hint = "synrouter up --help" if where.startswith("--") else None
        raise ConfigError(where=where, detail=f"expected {check.expected}", hint=hint)
    return value


def _number(text: str) -> int | str:
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else text


def _read_config(path: Path) -> dict[str, Any]:
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
    for key, value in values.items():
        where = _where(path, text, key)
        if key not in _SCALARS:
            raise ConfigError(where=where, detail=f"unknown key; known are {', '.join(_SCALARS)}")
        _checked(where, value, _SCALARS[key])
    if "ca_bundle" in values:
        values["ca_bundle"] = Path(values["ca_bundle"]).expanduser()
    if "listen" in values:
        values["listen"] = read_address(values["listen"], where=_where(path, text, "listen"))
    if "allow_hosts" in values:
        where = _where(path, text, "allow_hosts")
        values["allow_hosts"] = [read_host(host, where=where) for host in values["allow_hosts"]]
    if "upstreams" in values:
        values["upstreams"] = _config_upstreams(path, text, values["upstreams"])
    if "key_files" in values:
        values["key_files"] = _config_key_files(path, text, values["key_files"])
    if "trim" in values:
        values["trim"] = _config_trim(path, text, values["trim"])
    if "keep_warm" in values:
        values["keep_warm"] = _config_keep_warm(path, text, values["keep_warm"])

    _take_own(path, text, values)
    providers = values["providers"] if "providers" in values else _builtin()
    for name in values.get("key_files", ()):
        if name not in providers:
            known = ", ".join(sorted(providers))
            raise ConfigError(
                where=_where(path, text, "key_files", name), detail=f"no such provider; known are: {known}"
            )
    return values


def _take_own(path: Path, text: str, values: dict[str, Any]) -> None:
    """The user's own providers, routes and budgets."""

    def where(*names: str) -> str:
        return _where(path, text, *names)

    if "providers" in values:
        own, values["own_models"] = read_providers(values["providers"], where)
        values["providers"] = {**_builtin(), **own}
    tables: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("routes", read_routes),
        ("aliases", read_aliases),
        ("budget", read_budget),
    )
    for name, read in tables:
        if name in values:
            values[name] = read(values[name], where)


def _config_upstreams(path: Path, text: str, table: dict[str, Any]) -> dict[str, str]:
    checked = {}
    for name, url in table.items():
        where = _where(path, text, "upstreams", name)
        if not PROVIDER_NAME.fullmatch(name) or not isinstance(url, str):
            raise ConfigError(where=where, detail='expected NAME = "URL"')
        checked[name] = check_upstream(url, where=where)
    return checked


def _config_key_files(path: Path, text: str, table: dict[str, Any]) -> dict[str, Path]:
    checked = {}
    for name, file in table.items():
        where = _where(path, text, "key_files", name)
        if not PROVIDER_NAME.fullmatch(name) or not isinstance(file, str):
            raise ConfigError(where=where, detail='expected NAME = "/path"')
        checked[name] = Path(file).expanduser()
        if not checked[name].is_absolute():
            raise ConfigError(where=where, detail="expected an absolute path")
    return checked


def _config_trim(path: Path, text: str, table: dict[str, Any]) -> Trim:
    for key, value in table.items():
        where = _where(path, text, "trim", key)
        if key not in _TRIM:
            raise ConfigError(where=where, detail=f"unknown key; known are {', '.join(_TRIM)}")
        _checked(where, value, _TRIM[key])
    over, keep = table.get("over_chars"), table.get("keep_chars")
    if over and keep and keep >= over:
        where = _where(path, text, "trim", "keep_chars")
        raise ConfigError(where=where, detail=f"expected fewer than over_chars ({over})")
    tools: dict[str, Any] = table.get("tools", {})
    for name, value in tools.items():
        _checked(_where(path, text, "trim", "tools", name), value, _OVER_CHARS)
    return Trim(over, keep, tuple(tools.items()))


def _config_keep_warm(path: Path, text: str, table: dict[str, Any]) -> KeepWarm:
    for key, value in table.items():
        where = _where(path, text, "keep_warm", key)
        if key not in _KEEP_WARM:
            raise ConfigError(where=where, detail=f"unknown key; known are {', '.join(_KEEP_WARM)}")
        _checked(where, value, _KEEP_WARM[key])
    session, day = (Decimal(str(table.get(key, getattr(NEVER_KEPT, key)))) for key in ("session_usd", "day_usd"))
    return KeepWarm(table.get("enabled", False), session, day)


def _where(path: Path, text: str, *names: str) -> str:
    """A key of the file, as messages name it."""
    line = line_of(text, *names)
    return f"{path}{f' line {line}' if line else ''}, {'.'.join(names)}"
