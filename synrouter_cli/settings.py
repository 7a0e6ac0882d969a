"""What the user set, read once: command line over environment over `config.toml` over defaults.

The only reader of our own environment, but for where our files lie (`paths.py`). Nothing is read from the working
directory, so a repository can change neither an upstream nor a key.

>>> load(port=7500, environ={"SYNROUTER_HOME": "/tmp/x"}).paths.config_file.as_posix()
'/tmp/x/config.toml'
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synrouter_cli.addresses import Proxies, check_self_loop, parse_upstream, read_proxies
from synrouter_cli.config_file import MIB, NEVER_KEPT, SCALARS, KeepWarm, Trim, builtin_providers, checked, read_config
from synrouter_cli.credentials import Secret, keys_of_environment, read_key_file, variable_of
from synrouter_cli.listening import HOST, LOOPBACK_ONLY, Listening, check_exposure, read_address, read_host
from synrouter_cli.own_providers import BudgetLimits
from synrouter_cli.paths import Paths, find_paths

if TYPE_CHECKING:
    from synrouter_cli.providers import Provider

__all__ = ["NO_BUDGET", "Settings", "load"]

NO_BUDGET: Final = BudgetLimits()

_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


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
    providers: Mapping[str, Provider] = field(default_factory=builtin_providers)
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
    values = read_config(paths.config_file)
    config_upstreams: dict[str, str] = values.pop("upstreams", {})
    key_files: dict[str, Path] = values.setdefault("key_files", {})
    ca_bundle: Path | None = values.pop("ca_bundle", None)
    if environ.get("SYNROUTER_PORT"):
        values["port"] = checked("SYNROUTER_PORT", _number(environ["SYNROUTER_PORT"]), SCALARS["port"])
    for option, value in (("port", port), ("mode", mode), ("level", level)):
        if value is not None:
            values[option] = checked(f"--{option}", value, SCALARS[option])
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


def _provider_keys(environ: Mapping[str, str], files: Mapping[str, Path]) -> tuple[dict[str, Secret], dict[str, str]]:
    """Provider → key and provider → where from; the environment goes before key files, of which the rest are unread."""
    keys = keys_of_environment(environ)
    sources = {provider: variable_of(provider) for provider in keys}
    for provider, path in files.items():
        if provider not in keys:
            keys[provider] = read_key_file(path)
            sources[provider] = str(path)
    return keys, sources


def _number(text: str) -> int | str:
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else text
