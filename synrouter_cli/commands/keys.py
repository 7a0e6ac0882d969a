"""`synrouter keys`: the providers' keys in the OS keyring. They come from a hidden prompt or stdin, never from argv.

$ synrouter keys list
anthropic  sk-ant-…9f2c  keyring      Secret Service
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from synrouter_cli import keys
from synrouter_cli.commands.saying import say, say_next
from synrouter_cli.credentials import Secret, checked_key, masked, variable_of
from synrouter_cli.daemon import client, lock
from synrouter_cli.daemon.client import Daemon
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.errors import ConfigError, KeyRefused, KeyringError, NoProviderKey, SynrouterError, UsageError
from synrouter_cli.keys import Found
from synrouter_cli.paths import Paths
from synrouter_cli.settings import Settings, load

SCHEMA_VERSION: Final = 1
_STDIN_CHARS: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One key: `source` is environment | key file | keyring, `where` the variable, the path or the backend."""

    provider: str
    key: str
    """Masked."""
    source: str
    where: str
    used: bool
    """False where one that goes before it is used instead."""


def set_key(provider: str) -> None:
    """Ask for the key, keep it, have a running proxy take it up. Raises UsageError, ConfigError, KeyringError."""
    settings = _settings(provider)
    try:
        key = checked_key(_typed(provider), where="the key")
    except ConfigError as error:
        raise UsageError(detail=error.message, hint=f"synrouter keys set {provider}") from None
    daemon = _running(settings.paths)
    found = keys.write(provider, key, patience_s=settings.keyring_wait_s, waits=_waits)
    print(f"{provider}: kept in the keyring ({found.backend}).", flush=True)
    if source := settings.key_sources.get(provider):
        print(f"synrouter: the key from {source} goes before it.", file=sys.stderr)
    _tell(daemon, "The key is kept", "from now on.")


def remove(provider: str) -> None:
    """Take the key out of the keyring. Raises KeyringError where none is there."""
    settings = _settings(provider)
    daemon = _running(settings.paths)
    if not keys.remove(provider, patience_s=settings.keyring_wait_s, waits=_waits):
        raise KeyringError(detail=f"The keyring holds no key for {provider}.", hint="synrouter keys list")
    print(f"{provider}: removed from the keyring.", flush=True)
    _tell(daemon, "The key is removed", "no more.")


def list_keys(*, as_json: bool) -> None:
    """Print every key there is, masked. Raises KeyringError where there is none and the keyring can't be read."""
    settings = load()
    problem: KeyringError | None = None
    found = Found("")
    try:
        found = keys.read(settings.providers, patience_s=settings.keyring_wait_s, waits=_waits)
    except KeyringError as error:
        problem = error
    rows = list(_rows(settings, found))
    if as_json:
        said = {"backend": found.backend or None, "problem": problem.message if problem else None}
        print(json.dumps({"schema_version": SCHEMA_VERSION, "keys": [asdict(row) for row in rows], "keyring": said}))
    elif rows or problem is None:
        print("\n".join(_lines(rows)) or "no keys yet: synrouter keys set PROVIDER", flush=True)
    if problem is not None and not rows:
        raise problem
    if problem is not None:
        say([problem.message])
        say_next(problem.hint)


def test(provider: str) -> None:
    """Ask the provider with the key that would be used; print its answer in words.

    Raises KeyRefused, NoProviderKey, KeyringError, UpstreamUnreachable and its kin.
    """
    settings = _settings(provider)
    key, source = _used(settings, provider)
    the_key = "whether it works" if key is None else f"the key from {source}"
    suffix = "" if key is None else f"; it takes the key from {source}"
    from synrouter_cli.commands.key_trial import Verdict, ask  # the HTTP side is slow to load

    verdict, status = ask(settings, provider, key)
    if verdict is Verdict.REFUSED and key is None and settings.providers[provider].auth == ("", ""):
        detail = f"{provider} wants a key ({status}), and gets none."
        raise KeyringError(detail=detail, hint=f'[providers.{provider}] auth = "bearer" or "x-api-key" in config.toml')
    if verdict is Verdict.REFUSED and key is None:
        raise NoProviderKey(provider=provider)
    if verdict is Verdict.REFUSED:
        raise KeyRefused(provider=provider, source=source, status=status)
    if verdict is Verdict.UNCLEAR:
        detail = f"{provider} answered {status}, which says nothing of {the_key}."
        raise SynrouterError(detail=detail, hint=f"synrouter keys test {provider}")
    print(f"{provider}: works{suffix}.")


def _settings(provider: str) -> Settings:
    settings = load()
    if provider not in settings.providers:
        known = ", ".join(sorted(settings.providers))
        raise UsageError(detail=f"There is no provider {provider!r}; known are: {known}.", hint="synrouter providers")
    return settings


def _typed(provider: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.read(_STDIN_CHARS)
    from getpass import getpass

    return getpass(f"key for {provider} (it is not shown): ", stream=sys.stderr)


def _waits() -> None:
    print("synrouter: waiting for the keyring to be unlocked …", file=sys.stderr, flush=True)


def _used(settings: Settings, provider: str) -> tuple[Secret | None, str]:
    """The key that would be used and where it comes from; None where there is none and none is needed."""
    if provider in settings.provider_keys:
        return settings.provider_keys[provider], settings.key_sources[provider]
    local = settings.providers[provider].local
    try:
        found = keys.read([provider], patience_s=settings.keyring_wait_s, waits=_waits)
    except KeyringError:
        if not local:
            raise
        found = Found("")
    if local and provider not in found.keys:
        return None, ""
    if provider not in found.keys:
        raise NoProviderKey(provider=provider)
    daemon = _running(settings.paths)
    if daemon is not None and daemon.health is not None and provider not in (daemon.health.keys or {}):
        _tell(daemon, "The keyring is open", "too.")  # it had found it locked
    return found.keys[provider], f"the keyring ({found.backend})"


def _running(paths: Paths) -> Daemon | None:
    return client.find(paths) if lock.is_held(paths.lock_file) else None


def _tell(daemon: Daemon | None, done: str, since: str) -> None:
    if daemon is None:
        return
    try:
        said: dict[str, Any] = daemon.control.reload_keys()
    except client.ControlError as error:
        detail = f"{done}, but the running proxy goes on as before: {error}."
        raise SynrouterError(detail=detail, hint="synrouter down && synrouter up") from None
    if problem := said.get("problem"):
        detail = f"{done}, but the running proxy goes on as before: {clean(str(problem))}"
        raise SynrouterError(detail=detail, hint="synrouter down && synrouter up")
    if said.get("keyring", "").startswith("reading"):
        print("synrouter: the running proxy still reads the keyring.", file=sys.stderr)
    else:
        print(f"synrouter: the running proxy uses it {since}", file=sys.stderr)


def _rows(settings: Settings, found: Found) -> Iterator[Row]:
    for provider in sorted({*settings.provider_keys, *found.keys}):
        if provider in settings.provider_keys:
            where = settings.key_sources[provider]
            source = "environment" if where == variable_of(provider) else "key file"
            yield Row(provider, masked(settings.provider_keys[provider].reveal()), source, where, True)
        if provider in found.keys:
            used = provider not in settings.provider_keys
            yield Row(provider, masked(found.keys[provider].reveal()), "keyring", found.backend, used)


def _lines(rows: list[Row]) -> Iterator[str]:
    width = max((len(row.provider) for row in rows), default=0)
    for row in rows:
        note = "" if row.used else "  (not used)"
        yield f"{row.provider:<{width}}  {row.key:<12}  {row.source:<11}  {row.where}{note}"
