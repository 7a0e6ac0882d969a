"""Keyrings for tests. None is on the allowlist: one is chosen by name only to be refused, or handed in directly."""

from __future__ import annotations

import threading

from keyring.backend import KeyringBackend


class Plaintext(KeyringBackend):
    """Keeps what it is given, in memory."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.items[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.items[service, username]


class Forgetful(Plaintext):
    """Says that it kept a key, and did not."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Nothing is kept."""


class Silent(Plaintext):
    """Locked, and nobody answers."""

    def get_password(self, service: str, username: str) -> str | None:
        threading.Event().wait()
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        threading.Event().wait()
