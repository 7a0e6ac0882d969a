"""One client's files in a folder of the test's own, configured and undone as the commands do it, without the client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from support.client_files import wish
from support.clients import tree
from synrouter_cli.clients.changing import carry_out, prepare, prepare_undo, take_back
from synrouter_cli.clients.client import Client, Plan, Surroundings, Wish
from synrouter_cli.clients.machine import surroundings
from synrouter_cli.clients.records import Record, Records
from synrouter_cli.credentials import Secret

KEY = "sk-sr-local-" + "a" * 43


@dataclass(frozen=True)
class Desk:
    """`folder` holds the user's home, a project, and what is remembered."""

    client: Client
    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for place in (self.home, self.project, self.folder / "own"):
            place.mkdir(exist_ok=True)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def around(self) -> Surroundings:
        """As `run` and `doctor` see it."""
        return self._around([])

    def wish(self, asked: str = "", port: int = 7477) -> Wish:
        return wish(asked, url=f"http://127.0.0.1:{port}", token_file=self.folder / "own" / "it's the token")

    def configure(self, asked: str = "", port: int = 7477) -> Plan:
        assert self.client.configure is not None
        earlier = self._record()
        asked_for = self.wish(asked, port)
        plan = self.client.configure(asked_for, self._around([earlier] if earlier else []))
        record = Record(self.client.name, "user", "", asked_for.url, "key", asked)
        carry_out(prepare(plan, record, earlier, Secret(KEY), port), earlier, self._records, self._backups)
        return plan

    def undo(self) -> list[tuple[Any, ...]]:
        """The paths of the keys that stay, since the user has changed them."""
        record = self._record()
        assert record is not None
        return [change.path for _, change in take_back(prepare_undo(record), self._records, self._backups)]

    def write(self, path: str, text: str) -> None:
        """As the user does it, below the home."""
        target = self.home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())

    def read(self, path: str) -> str:
        return (self.home / path).read_bytes().decode()

    def files(self) -> dict[str, object]:
        """Path → mode and content of the files in the home, folders left aside."""
        return {path: entry for path, entry in tree(self.home).items() if (self.home / path).is_file()}

    def overrides(self, **environ: str) -> list[str]:
        assert self.client.overrides is not None
        return list(self.client.overrides(self.wish(), replace(self.around, environ={**self.environ, **environ})))

    @property
    def _records(self) -> Records:
        return Records(self.folder / "own" / "clients.json")

    @property
    def _backups(self) -> Path:
        return self.folder / "own" / "backups"

    def _record(self) -> Record | None:
        return self._records.of(self.client.name, "user")

    def _around(self, records: list[Record]) -> Surroundings:
        environ = {"HOME": str(self.home), **self.environ}
        return replace(surroundings(environ, records), home=self.home, project=self.project, platform="linux")
