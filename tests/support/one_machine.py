"""A client's files in memory: configured, configured again, edited by their user, undone; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from support.client_files import LOCAL_KEY, PROJECT, surroundings, wish
from synrouter_cli.clients.client import Client, FileEdit, Launch, OwnFile, Plan, Surroundings
from synrouter_cli.clients.editing import edited, initial_text, without
from synrouter_cli.textedit import Change


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
        return replace(surroundings(texts, platform=self.platform, **self.environ), project=self.project)

    def configure(self, model: str = "", **wished: Any) -> Plan:
        """As the command does it: the plan is made from the files as they would be without us. `wished` are more fields
        of the wish."""
        assert self.client.configure is not None
        plain = {path: without(self.texts[path], *known)[0] for path, known in self.changes.items()}
        plan = self.client.configure(wish(model, **wished), self._around(self.texts | plain))
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

    def launch(self, model: str = "") -> Launch:
        assert self.client.launch is not None
        return self.client.launch(wish(model), self.around)

    def points_at(self) -> str:
        assert self.client.points_at is not None
        return self.client.points_at(self.around)

    def overrides(self) -> list[str]:
        assert self.client.overrides is not None
        return list(self.client.overrides(wish(), self.around))
