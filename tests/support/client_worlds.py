"""A disk in memory on which a client's module is configured and undone more than once, as the commands do it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath, PurePosixPath

from support.client_files import LOCAL_KEY, surroundings
from synrouter_cli.clients.client import Client, FileEdit, OwnFile, Plan, Surroundings, Wish
from synrouter_cli.clients.editing import edited, initial_text, with_new_key, without
from synrouter_cli.textedit import Change


@dataclass
class Disk:
    """Path → text; what a client's module sees of a machine."""

    files: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    changes: dict[str, tuple[str, tuple[Change, ...]]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)

    @property
    def around(self) -> Surroundings:
        return _surroundings(self.files, self.environ)

    def configure(self, client: Client, wished: Wish) -> Plan:
        assert client.configure is not None
        before = dict(self.files)  # as it would be without what was configured
        for name, (kind, changes) in self.changes.items():
            before[name], _ = without(before[name], kind, changes)
        plan = client.configure(wished, _surroundings(before, self.environ))
        for file in plan.files:
            if isinstance(file, OwnFile):
                self.files[str(file.path)] = file.text
                self.own.add(str(file.path))
            else:
                self._edit(str(file.path), file)
        return plan

    def _edit(self, name: str, file: FileEdit) -> None:
        _, earlier = self.changes.get(name, ("", ()))
        text = self.files.get(name, initial_text(file.format))
        self.files[name], changes = edited(text, file, earlier, token=LOCAL_KEY, port=7477)
        self.changes[name] = file.format, changes

    def rotate(self, new: str) -> None:
        """As `synrouter token rotate` does it."""
        for name, (kind, changes) in self.changes.items():
            self.files[name] = with_new_key(self.files[name], kind, changes, old=LOCAL_KEY, new=new)

    def undo(self) -> None:
        for name, (kind, changes) in self.changes.items():
            self.files[name], _ = without(self.files[name], kind, changes)
        for name in self.own:
            self.files.pop(name, None)


def _surroundings(files: dict[str, str], environ: dict[str, str]) -> Surroundings:
    texts: dict[PurePath, str] = {PurePosixPath(name): text for name, text in files.items()}
    return surroundings(texts, **environ)
