"""The OS keyring, behind an allowlist, a child process and a deadline: an item a provider, never silently plain text.

Nothing here imports keyring: `keyring_child` does, in a process of its own that a locked keyring can't hold for ever.

Example: `read(["anthropic"]).keys` is {"anthropic": Secret(…)}, or KeyringLocked is raised after a minute.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from synrouter_cli.credentials import Secret, checked_key, without_keys
from synrouter_cli.errors import ConfigError, KeyringError, KeyringLocked, NoKeyring
from synrouter_cli.keyring_child import ALLOWED, PATIENCE_S

_NOTICE_S: Final = 2.0
GRACE_S: Final = 2.0  # the child ends itself at the deadline; this is for one that can't
_ODD: Final[Mapping[str, str]] = {
    "keyring.backends.fail.Keyring": "keeps nothing: no keyring runs here",
    "keyring.backends.null.Keyring": "keeps nothing",
    "keyring.backends.chainer.ChainerBackend": "hands keys on to any other",
    "none": "keeps nothing: no keyring runs here",
}


@dataclass(frozen=True, slots=True)
class Found:
    """What the keyring said."""

    backend: str
    """As people call it: Secret Service, macOS Keychain, …"""
    keys: Mapping[str, Secret] = field(default_factory=dict)
    done: bool = False


def read(providers: Iterable[str], *, patience_s: float = PATIENCE_S, waits: Callable[[], None] | None = None) -> Found:
    """The keys that the keyring has for `providers`.

    `waits` is called once where it takes long: a person is asked to unlock it. Raises KeyringError, all of whose
    kinds say what to do.
    """
    return _ask({"do": "read", "providers": list(providers)}, patience_s, waits)


def write(
    provider: str, key: Secret, *, patience_s: float = PATIENCE_S, waits: Callable[[], None] | None = None
) -> Found:
    """Put a key into the place of the provider's last one and read it back. Raises KeyringError."""
    return _ask({"do": "write", "providers": [provider], "key": key.reveal()}, patience_s, waits)


def remove(provider: str, *, patience_s: float = PATIENCE_S, waits: Callable[[], None] | None = None) -> bool:
    """Take the provider's key out; False where there is none. Raises KeyringError."""
    return _ask({"do": "remove", "providers": [provider]}, patience_s, waits).done


def understood(out: bytes, asked: Mapping[str, Any], patience_s: float) -> Found:
    """The child's answer. Raises KeyringError; nothing at all means that it waited in vain."""
    provider = next(iter(asked["providers"]), "PROVIDER")
    if not out:
        detail = f", or nobody answered within {patience_s:g} s"
        raise KeyringLocked(backend="", detail=detail, provider=provider)
    try:
        said = json.loads(out)
    except ValueError:
        said = {"error": "failed", "detail": "no answer"}
    name = str(said.get("backend", ""))
    backend = ALLOWED.get(name, name)
    match said.get("error"):
        case None:
            pass
        case "refused":
            raise NoKeyring(backend=name, why=_ODD.get(name, "is not known to encrypt them for you alone"))
        case "locked":
            raise KeyringLocked(backend=f" ({backend})", detail="", provider=provider)
        case "lost":
            detail = f"The keyring ({backend}) did not keep what it was given: read back, it is not the same."
            raise KeyringError(detail=detail, hint="name a 0600 file under [key_files] in config.toml instead")
        case _:
            detail = f"The keyring{f' ({backend})' if backend else ''} failed: {said.get('detail', 'no reason given')}."
            hint = f"see that it runs, or set SYNROUTER_<PROVIDER>_KEY; then: synrouter keys test {provider}"
            raise KeyringError(detail=detail, hint=hint)
    return Found(backend, _usable(said.get("keys", {})), bool(said.get("done")))


def _usable(found: Mapping[str, str]) -> dict[str, Secret]:
    keys = {}
    for provider, key in found.items():
        with suppress(ConfigError):  # somebody else's item; no header could hold it
            keys[provider] = checked_key(key, where="keyring")
    return keys


def _ask(asked: Mapping[str, Any], patience_s: float, waits: Callable[[], None] | None) -> Found:
    with subprocess.Popen(
        command(), env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        try:
            out = _heard(child, question(asked, patience_s), patience_s, waits)
        finally:
            child.kill()
    return understood(out, asked, patience_s)


def _heard(
    child: subprocess.Popen[bytes], question: bytes, patience_s: float, waits: Callable[[], None] | None
) -> bytes:
    with suppress(subprocess.TimeoutExpired):
        return child.communicate(question, min(_NOTICE_S, patience_s))[0]
    if waits is not None:
        waits()
    with suppress(subprocess.TimeoutExpired):
        return child.communicate(timeout=patience_s + GRACE_S)[0]
    return b""


def question(asked: Mapping[str, Any], patience_s: float) -> bytes:
    """What goes into the child's stdin."""
    return json.dumps({**asked, "patience_s": patience_s}).encode()


def command() -> list[str]:
    """The child's command line, which holds no key."""
    # Without -P whatever lies in the directory that we were called in could be imported.
    return [sys.executable, "-P", "-m", "synrouter_cli.keyring_child"]


def environment() -> dict[str, str]:
    """The child's environment, which holds none either; it imports what we import."""
    paths = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    return {**without_keys(os.environ), "PYTHONPATH": paths}
