"""A disk in memory on which a client's module is configured and undone, as the commands do it with real files."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePath

from synrouter_cli.clients.client import Client, FileEdit, OwnFile, Plan, Surroundings, Wish
from synrouter_cli.clients.editing import edited, initial_text, without
from synrouter_cli.providers import default_model, known_models, small_model
from synrouter_cli.providers import model as model_of
from synrouter_cli.textedit import Change

TODAY = date(2026, 11, 26)
URL = "http://127.0.0.1:7477"
TOKEN = "sk-sr-local-" + "0" * 43
HOME = PurePath("/home/me")
PROJECT = PurePath("/work/project")
TOKEN_COMMAND = ("/opt/synrouter/bin/synrouter", "token", "show")


def wish(model: str = "", url: str = URL) -> Wish:
    """As the command makes it: a model that is asked for is among them, known or not."""
    models = known_models(TODAY)
    if model and model not in {each.id for each in models}:
        models = (*models, model_of(model, TODAY))
    by_id = {each.id: each for each in models}
    return Wish(url, TOKEN_COMMAND, HOME / "token", models, by_id, model, default_model(), small_model())


@dataclass
class Disk:
    """Path → text; what a client's module sees of a machine."""

    files: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    platform: str = "linux"
    changes: dict[str, tuple[str, tuple[Change, ...]]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)

    @property
    def around(self) -> Surroundings:
        def exists(path: PurePath) -> bool:
            return any(PurePath(name).is_relative_to(path) for name in self.files)

        def read(path: PurePath) -> str | None:
            return self.files.get(str(path))

        return Surroundings(HOME, PROJECT, self.environ, self.platform, read, exists)

    @property
    def before(self) -> Surroundings:
        """As it would be without what was configured."""
        files = dict(self.files)
        for name, (kind, changes) in self.changes.items():
            files[name], _ = without(files[name], kind, changes)
        return Disk(files, self.environ, self.platform).around

    def configure(self, client: Client, wished: Wish) -> Plan:
        assert client.configure is not None
        plan = client.configure(wished, self.before)
        for file in plan.files:
            name = str(file.path)
            if isinstance(file, OwnFile):
                self.files[name] = file.text
                self.own.add(name)
            else:
                self._edit(name, file)
        return plan

    def _edit(self, name: str, file: FileEdit) -> None:
        _, earlier = self.changes.get(name, ("", ()))
        text = self.files.get(name, initial_text(file.format))
        self.files[name], changes = edited(text, file, earlier, token=TOKEN, port=7477)
        self.changes[name] = file.format, changes

    def undo(self) -> None:
        for name, (kind, changes) in self.changes.items():
            self.files[name], _ = without(self.files[name], kind, changes)
        for name in self.own:
            self.files.pop(name, None)
