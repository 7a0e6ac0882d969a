"""The two local tokens: the client token opens the proxy, the control token the control API.

Each lies in a file of its own at 0600 and survives restarts; neither opens what the other is for.

Example: `TokenStore(paths).is_control(client_token(paths).reveal().encode())` is False.
"""

from __future__ import annotations

import hmac
import re
import secrets
from pathlib import Path

from synrouter_cli import private_files
from synrouter_cli.credentials import Secret
from synrouter_cli.errors import ConfigError
from synrouter_cli.paths import Paths

CLIENT_PREFIX = "sk-sr-local-"
CONTROL_PREFIX = "sk-sr-control-"
_RANDOM_BYTES = 32  # 43 url-safe characters


class TokenStore:
    """Both tokens in memory, for comparing in constant time."""

    def __init__(self, paths: Paths) -> None:
        """Read the tokens, making those that do not exist yet."""
        self._paths = paths
        self._control = _read_or_create(paths.control_token_file, CONTROL_PREFIX).encode()
        self._client = b""
        self.reload()

    def is_client(self, presented: bytes) -> bool:
        return hmac.compare_digest(presented, self._client)

    def is_control(self, presented: bytes) -> bool:
        return hmac.compare_digest(presented, self._control)

    def reload(self) -> None:
        """Take up a rotated client token; the old one opens nothing from here on. Raises ConfigError
        where the file holds no token: the one in memory stays."""
        self._client = _read_or_create(self._paths.token_file, CLIENT_PREFIX).encode()


def client_token(paths: Paths) -> Secret:
    """The client token, made now where there is none yet."""
    return Secret(_read_or_create(paths.token_file, CLIENT_PREFIX))


def control_token(paths: Paths) -> Secret:
    return Secret(_read_or_create(paths.control_token_file, CONTROL_PREFIX))


def rotate(paths: Paths) -> Secret:
    """A new client token in the place of the old. A running daemon has to be told."""
    token = _new(CLIENT_PREFIX)
    private_files.replace(paths.token_file, f"{token}\n".encode())
    return Secret(token)


def digest_key(paths: Paths) -> bytes:
    """The 32 bytes that key this installation's digests of credentials, kept like the tokens."""
    if not paths.digest_key_file.exists():
        private_files.create(paths.digest_key_file, secrets.token_bytes(_RANDOM_BYTES))
    key = paths.digest_key_file.read_bytes()
    if len(key) != _RANDOM_BYTES:
        raise ConfigError(where=str(paths.digest_key_file), detail="holds no key", hint=f"rm {paths.digest_key_file}")
    return key


def _new(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(_RANDOM_BYTES)


def _read_or_create(path: Path, prefix: str) -> str:
    if not path.exists():
        private_files.create(path, f"{_new(prefix)}\n".encode())
    path.chmod(0o600)
    text = path.read_bytes().decode("ascii", "replace").strip()
    if not re.fullmatch(re.escape(prefix) + r"[A-Za-z0-9_-]{32,}", text):
        raise ConfigError(where=str(path), detail="holds no token", hint=f"rm {path}")
    return text
