"""What OpenCode and Kilo Code, which grew out of it, share: layers of JSONC files, merged key by key, the later one
winning; a provider of ours with its models; the key as a reference to its file, read anew at each start.

The last user file that exists is edited, since it goes before the others.

>>> reference(PurePath("/data/token")), reference(PurePath("/odd}path"))
('{file:/data/token}', '$SYNROUTER_TOKEN$')
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from synrouter_cli.clients.client import NAME, TOKEN, FileEdit, Launch, Surroundings, Wish
from synrouter_cli.errors import ConfigConflict
from synrouter_cli.providers import Model, canonical
from synrouter_cli.textedit import ABSENT, Document, Edit, Jsonc, leaves

BASE_URL: Final = ("provider", NAME, "options", "baseURL")
VERSION_FOLDERS: Final = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
READS: Final = {"input": ["text", "image", "pdf"], "output": ["text"]}
"""What these clients send on to a model of a provider that they don't know only where it is said."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One client of this shape. Files stand in the order in which they are merged."""

    client: str
    title: str
    schema: str
    prefix: str
    """Of its environment variables."""
    folder: str
    """Below XDG_CONFIG_HOME and XDG_STATE_HOME."""
    files: tuple[str, ...]
    """In that folder."""
    new_file: str
    """What the client itself makes where there is none."""
    project_files: tuple[str, ...]
    """Below a project, all of which go before the user's."""
    home_files: tuple[str, ...]
    """Below the user's home, which go before all of these."""

    def config(self, around: Surroundings) -> PurePath:
        return around.config_home / self.folder

    def user_files(self, around: Surroundings) -> tuple[PurePath, ...]:
        """Those that exist."""
        return tuple(path for name in self.files if around.exists(path := self.config(around) / name))

    def user_file(self, around: Surroundings) -> PurePath:
        """The one to edit."""
        return (self.user_files(around) or (self.config(around) / self.new_file,))[-1]

    def other_layers(self, around: Surroundings) -> Iterator[tuple[str, Document]]:
        """Where it is and what it says, for each layer above the user's files; one that does not parse is left out."""
        named = around.environ.get(f"{self.prefix}_CONFIG", "").strip()
        folder = around.environ.get(f"{self.prefix}_CONFIG_DIR", "").strip()
        below = (around.project, self.project_files), (around.home, self.home_files)
        paths = [*((PurePath(named),) if named else ()), *(root / name for root, names in below for name in names)]
        paths += [PurePath(folder) / name for name in self.files[1:]] if folder else []
        for path in dict.fromkeys(paths):
            with suppress(ConfigConflict):
                if around.exists(path) and path not in self.user_files(around):
                    yield str(path), _parsed(around, path)
        with suppress(ConfigConflict):
            content = around.environ.get(self.content_variable, "").strip()
            if content:
                yield self.content_variable, Jsonc.parse(content)

    @property
    def content_variable(self) -> str:
        return f"{self.prefix}_CONFIG_CONTENT"


def reference(token_file: PurePath) -> str:
    """How a configuration says where the key is; TOKEN where such a path can't be spelled in one."""
    path = token_file.as_posix()
    return TOKEN if any(sign in path for sign in '}"\\\n') else f"{{file:{path}}}"


def configuration(wish: Wish, kind: Kind, model: Model) -> dict[str, Any]:
    """All of ours, as the client reads it."""
    headers = {"x-synrouter-client": kind.client}
    options = {"baseURL": f"{wish.url}/v1", "apiKey": reference(wish.token_file), "headers": headers}
    known = {each.id: described(each) for each in (*wish.models, wish.by_id[wish.small_for(model)], model)}
    provider = {"npm": "@ai-sdk/anthropic", "name": "Synrouter", "options": options, "models": known}
    small = f"{NAME}/{wish.small_for(model)}"
    return {"provider": {NAME: provider}, "model": f"{NAME}/{model.id}", "small_model": small}


def described(model: Model) -> dict[str, Any]:
    """A model's entry: what it can do, tokens, USD per million tokens where they are known."""
    abilities = {"reasoning": True, "tool_call": True, "attachment": True, "temperature": True, "modalities": READS}
    limit = {"context": model.context_tokens, "output": model.output_tokens}
    entry: dict[str, Any] = {"name": model.title, **abilities, "limit": limit}
    if model.rates is not None:
        read, write = model.rates.cache_read, model.rates.cache_write_5m
        rates = {"input": model.rates.input, "output": model.rates.output, "cache_read": read, "cache_write": write}
        entry["cost"] = {name: float(rate) for name, rate in rates.items() if rate is not None}
    return entry


def file_edits(wish: Wish, kind: Kind, around: Surroundings, path: PurePath, model: Model) -> tuple[FileEdit, ...]:
    """What makes the client use the proxy, in `path`; and in the files whose lists of providers would keep us out."""
    ours = configuration(wish, kind, model)
    entries = ours["provider"][NAME].pop("models")
    # An entry goes or stays as a whole: a part of one would be refused by the client.
    edits = [*leaves((), ours), *(Edit(("provider", NAME, "models", name), entry) for name, entry in entries.items())]
    schema = _parsed(around, path).get(("$schema",))  # where there is none the client puts it in
    edits.insert(0, Edit(("$schema",), kind.schema if schema is ABSENT else schema))
    files = [FileEdit(path, "jsonc", (*edits, *_admission(around, path)))]
    for other in kind.user_files(around) if wish.scope == "user" else ():
        if other != path and (admission := tuple(_admission(around, other))):
            files.append(FileEdit(other, "jsonc", admission))
    return tuple(files)


def _admission(around: Surroundings, path: PurePath) -> Iterator[Edit]:
    """Edits that let us into the lists of providers of that file, each named even where there is nothing to do."""
    document = _parsed(around, path)
    enabled, disabled = document.get(("enabled_providers",)), document.get(("disabled_providers",))
    if isinstance(enabled, list):
        yield Edit(("enabled_providers",), NAME, element=True)
    if isinstance(disabled, list):
        others = [name for name in disabled if name != NAME]
        yield Edit(("disabled_providers",), others if others or not disabled else ABSENT)


def current_model(kind: Kind, around: Surroundings) -> str:
    """The model that the user's files name, as we spell it; empty where they name none."""
    named = (_parsed(around, path).get(("model",)) for path in kind.user_files(around))
    return canonical(next((name for name in reversed([*named]) if isinstance(name, str)), ""))


def points_at(kind: Kind, around: Surroundings) -> str:
    """The base URL of our provider in the user's files."""
    urls = (_parsed(around, path).get(BASE_URL) for path in kind.user_files(around))
    return next((url for url in reversed([*urls]) if isinstance(url, str)), "")


def launch(wish: Wish, kind: Kind, around: Surroundings, agents: Iterable[str] = ()) -> Launch:
    """Our configuration as the layer that goes before all files, over what the user has there. `agents` are those
    that would go on with a model of their own."""
    ours = configuration(wish, kind, wish.chosen(current_model(kind, around)))
    layers = [*layers_of(kind, around)]
    agents = {*agents, *(name for _, document in layers for name, _ in _agents_elsewhere(document))}
    if agents:
        ours["agent"] = {name: {"model": ours["model"]} for name in sorted(agents)}
    for key in ("enabled_providers", "disabled_providers"):
        lists = [names for _, document in layers if isinstance(names := document.get((key,)), list)]
        if lists:
            ours[key] = [*(name for name in lists[-1] if name != NAME), *((NAME,) if key.startswith("enabled") else ())]
    theirs = dict(layers).get(kind.content_variable)
    content = _merged(theirs.value if theirs is not None and isinstance(theirs.value, dict) else {}, ours)
    return Launch({kind.content_variable: json.dumps(content, ensure_ascii=False)})


def layers_of(kind: Kind, around: Surroundings) -> Iterator[tuple[str, Document]]:
    """All layers, those that go before the others last."""
    for path in kind.user_files(around):
        yield str(path), _parsed(around, path)
    yield from kind.other_layers(around)


def overrides(wish: Wish, kind: Kind, around: Surroundings, edited: PurePath) -> Iterator[str]:
    """A sentence for each setting that beats what stands in `edited`."""
    layers = [*layers_of(kind, around)]
    places = [place for place, _ in layers]
    behind = places.index(str(edited)) if str(edited) in places else -1
    for at, (place, document) in enumerate(layers):
        if at > behind:
            yield from _quarrels(wish, place, document)
        for agent, model in _agents_elsewhere(document):
            yield f"{place} gives the agent {agent} a model of its own, {model}: that one is not on the proxy"


def _quarrels(wish: Wish, place: str, document: Document) -> Iterator[str]:
    model, url = document.get(("model",)), document.get(BASE_URL)
    if isinstance(model, str) and not model.startswith(f"{NAME}/"):
        yield f"{place} goes before the file and chooses the model {model}: take `model` out there"
    if isinstance(url, str) and url != f"{wish.url}/v1":
        yield f"{place} goes before the file and points {NAME} elsewhere: take `provider.{NAME}` out there"
    enabled, disabled = document.get(("enabled_providers",)), document.get(("disabled_providers",))
    if isinstance(enabled, list) and NAME not in enabled:
        yield f"{place} goes before the file and does not enable {NAME}: add it to `enabled_providers` there"
    if isinstance(disabled, list) and NAME in disabled:
        yield f"{place} goes before the file and disables {NAME}: take it out of `disabled_providers` there"


def _agents_elsewhere(document: Document) -> Iterator[tuple[str, str]]:
    for key in ("agent", "mode"):
        agents = document.get((key,))
        for name, agent in agents.items() if isinstance(agents, dict) else ():
            model = agent.get("model") if isinstance(agent, dict) else None
            if isinstance(model, str) and not model.startswith(f"{NAME}/"):
                yield name, model


def _parsed(around: Surroundings, path: PurePath) -> Document:
    """Raises EditError where the file does not parse."""
    return around.document(path, "jsonc")


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        inner = merged.get(key)
        merged[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged
