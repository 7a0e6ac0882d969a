"""The process that touches the keyring: one question on stdin, one answer on stdout, gone after its patience.

A locked keyring may answer never, and its libraries can't be interrupted; a process can. Keys go over the pipes only.

    {"do": "read", "providers": ["anthropic"], "patience_s": 60} → {"backend": "…SecretService.Keyring", "keys": {…}}
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

SERVICE: Final = "synrouter"
ALLOWED: Final[Mapping[str, str]] = {
    "keyring.backends.SecretService.Keyring": "Secret Service",
    "keyring.backends.libsecret.Keyring": "Secret Service",
    "keyring.backends.macOS.Keyring": "macOS Keychain",
    "keyring.backends.Windows.WinVaultKeyring": "Windows Credential Manager",
    "keyring.backends.kwallet.DBusKeyring": "KWallet",
    "keyring.backends.kwallet.DBusKeyringKWallet4": "KWallet",
}
"""The classes that keep a key encrypted for its user, and what people call them. Any other one is refused."""
PATIENCE_S: Final = 60.0


class Refused(Exception):
    """The only backends there are must not be given a key; the text names the one that keyring would take."""


def choose() -> Any:
    """The backend that the user set, else the best allowed one. Raises Refused."""
    from keyring import backend, core

    chosen = core.load_env() or core.load_config()
    candidates = [chosen] if chosen is not None else list(backend.get_all_keyring())
    allowed = [one for one in candidates if class_of(one) in ALLOWED]
    if not allowed:
        raise Refused(class_of(max(candidates, key=backend.by_priority)) if candidates else "none")
    return max(allowed, key=backend.by_priority)


def class_of(backend: object) -> str:
    """The full name of its class: a subclass or a look-alike from elsewhere is another one."""
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def answer(asked: Mapping[str, Any], choose: Callable[[], Any] = choose) -> dict[str, Any]:
    """What to write: `backend` and, as asked, `keys` or `done`; or an `error` of refused | locked | lost | failed."""
    name = ""
    try:
        backend = choose()
        name = class_of(backend)
        return {"backend": name, **_DO[asked["do"]](backend, asked)}
    except Refused as refused:
        return {"error": "refused", "backend": str(refused)}
    except Exception as error:  # its text may hold anything
        kind = "locked" if type(error).__name__ in ("KeyringLocked", "LockedException") else "failed"
        return {"error": kind, "backend": name, "detail": type(error).__name__}


def _read(backend: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    found = {provider: backend.get_password(SERVICE, provider) for provider in asked["providers"]}
    return {"keys": {provider: key for provider, key in found.items() if key}}


def _write(backend: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    [provider] = asked["providers"]
    backend.set_password(SERVICE, provider, asked["key"])
    if backend.get_password(SERVICE, provider) != asked["key"]:
        return {"error": "lost"}
    return {"done": True}


def _remove(backend: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    [provider] = asked["providers"]
    if backend.get_password(SERVICE, provider) is None:
        return {"done": False}
    backend.delete_password(SERVICE, provider)
    if backend.get_password(SERVICE, provider) is not None:
        return {"error": "lost"}
    return {"done": True}


_DO: Final[Mapping[str, Callable[[Any, Mapping[str, Any]], dict[str, Any]]]] = {
    "read": _read,
    "write": _write,
    "remove": _remove,
}


def main() -> None:
    """Answer the one question. Whoever asked may be dead by then, so the end comes from here too."""
    asked = json.load(sys.stdin)
    end = threading.Timer(float(asked.get("patience_s", PATIENCE_S)), os._exit, (3,))
    end.daemon = True
    end.start()
    text = json.dumps(answer(asked))
    sys.stdout.write(text)
    sys.stdout.flush()
    os._exit(0)  # a thread of a library's that still waits must not keep us


if __name__ == "__main__":
    main()
