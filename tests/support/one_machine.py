"""A client's files in memory: configured, configured again, edited by their user, undone; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePath, PurePosixPath
from typing import Any

from synrouter_cli.clients.client import Client, FileEdit, Launch, OwnFile, Plan, Surroundings, Wish
from synrouter_cli.clients.editing import edited, initial_text, without
from synrouter_cli.providers import default_model, known_models, small_model
from synrouter_cli.textedit import Change

HOME = PurePosixPath("/home/me")
PROJECT = HOME / "work" / "project"
URL = "http://127.0.0.1:7477"
LOCAL_KEY = "sk-sr-local-canary"


def wish(**fields: Any) -> Wish:
    models = known_models(date(2026, 11, 21))
    known: dict[str, Any] = {
        "url": URL,
        "token_command": ("/opt/synrouter", "token", "show"),
        "token_file": HOME / "token",
        "models": models,
        "by_id": {model.id: model for model in models},
        "default": default_model(),
        "small": small_model(),
    }
    return Wish(**(known | fields))


@dataclass
class Machine:
    """Path → text of every file there is; `undo` takes back what `configure` has done so far."""

    client: Client
    texts: dict[PurePath, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    platform: str = "linux"
    project: PurePath = PROJECT
    changes: dict[PurePath, tuple[str, tuple[Change, ...]]] = field(default_factory=dict)
    ours: set[PurePath] = field(default_factory=set)

    @property
    def around(self) -> Surroundings:
        return self._around(self.texts)

    def _around(self, texts: Mapping[PurePath, str]) -> Surroundings:
        folders = {parent for path in texts for parent in path.parents}
        exists = {*texts, *folders}.__contains__
        return Surroundings(HOME, self.project, self.environ, self.platform, texts.get, exists)

    def configure(self, **fields: Any) -> Plan:
        """As the command does it: the plan is made from the files as they would be without us."""
        assert self.client.configure is not None
        plain = {path: without(self.texts[path], *known)[0] for path, known in self.changes.items()}
        plan = self.client.configure(wish(**fields), self._around(self.texts | plain))
        for file in plan.files:
            if isinstance(file, OwnFile):
                assert file.path in self.ours or file.path not in self.texts
                self.ours.add(file.path)
                self.texts[file.path] = file.text
            else:
                self._edit(file)
        return plan

    def _edit(self, file: FileEdit) -> None:
        text = self.texts.get(file.path, initial_text(file.format))
        _, earlier = self.changes.get(file.path, ("", ()))
        self.texts[file.path], changes = edited(text, file, earlier, token=LOCAL_KEY, port=7477)
        self.changes[file.path] = (file.format, changes)

    def undo(self) -> None:
        for path, (kind, changes) in self.changes.items():
            self.texts[path], _ = without(self.texts[path], kind, changes)
            if self.texts[path] == initial_text(kind):
                del self.texts[path]
        for path in self.ours:
            del self.texts[path]

    def launch(self, **fields: Any) -> Launch:
        assert self.client.launch is not None
        return self.client.launch(wish(**fields), self.around)

    def points_at(self) -> str:
        assert self.client.points_at is not None
        return self.client.points_at(self.around)

    def overrides(self) -> list[str]:
        assert self.client.overrides is not None
        return list(self.client.overrides(wish(), self.around))
