"""What a client's module says: which keys of which files make it use the proxy, and how it starts without any.

Pure: a module gets the texts of files through `Surroundings` and gives edits. The local key never stands in what it
gives: where a client needs it plain, TOKEN does, and whoever writes the file puts the key in and makes the file 0600.

>>> wish = Wish("http://127.0.0.1:7477", ("synrouter", "token", "show"), PurePath("/t"), (), {})
>>> wish.shell_command
'synrouter token show'
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final, Literal

from synrouter_cli.errors import EditError
from synrouter_cli.providers import Model
from synrouter_cli.textedit import ABSENT, Document, Dotenv, Edit, Json, Json5, Jsonc, Toml, Yaml

TOKEN: Final = "$SYNROUTER_TOKEN$"
"""Stands for the local key, wherever a value holds it."""
PRIVATE: Final = "$SYNROUTER_PRIVATE$"
"""In a Launch: the folder that its private files are in."""
NAME: Final = "synrouter"
"""What our provider is called in a client's configuration."""

FORMATS: Final[Mapping[str, tuple[type[Document], str]]] = {
    "json": (Json, "{}\n"),
    "jsonc": (Jsonc, "{}\n"),
    "json5": (Json5, "{}\n"),
    "toml": (Toml, ""),
    "yaml": (Yaml, ""),
    "dotenv": (Dotenv, ""),
}
"""Format → how it is edited, and what a file that is not there yet begins as."""

Scope = Literal["user", "project"]
Auth = Literal["key", "subscription"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asks for, and what our side of it is."""

    url: str
    """`http://127.0.0.1:PORT`, without a trailing slash."""
    token_command: tuple[str, ...]
    """Absolute words that print the local key, whatever the environment and folder."""
    token_file: PurePath
    """Holds the local key and a newline, at 0600."""
    models: tuple[Model, ...]
    """All that are known, newest first; the one that is asked for is among them."""
    by_id: Mapping[str, Model]
    model: str = ""
    """The id that the user asks for; empty where the client keeps its own."""
    default: str = ""
    """The id for a client that has none and needs one."""
    small: str = ""
    """The id for titles and summaries."""
    scope: Scope = "user"
    auth: Auth = "key"

    @property
    def shell_command(self) -> str:
        """`token_command` as one line for a shell."""
        return shlex.join(self.token_command)

    def chosen(self, theirs: Any = "") -> Model:
        """The model to configure: the one asked for, else `theirs` (as the client spells it now, a provider's prefix
        taken off) where it is a known one, else the default."""
        name = theirs.rsplit("/", 1)[-1] if isinstance(theirs, str) else ""
        wanted = self.model or (name if name in self.by_id else self.default)
        return self.by_id[wanted]

    def small_for(self, model: Model) -> str:
        """The id for titles and summaries beside that model: the small one where it is of the same family, whose key
        is there; else the model itself."""
        return self.small if self.small and _family(self.small) == _family(model.id) else model.id


def _family(name: str) -> str:
    """claude, gpt, gemini, …"""
    return name.rsplit("/", 1)[-1].partition("-")[0]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of this machine decides where a client's files are and what they hold now."""

    home: PurePath
    project: PurePath
    """The folder that the command was typed in, or the root of its repository."""
    environ: Mapping[str, str] = field(repr=False)
    platform: str
    """As `sys.platform`: linux, darwin, win32."""
    read: Callable[[PurePath], str | None] = field(repr=False)
    """A file's text, None where there is none. Raises ConfigConflict where it can't be read, EditError unless UTF-8."""
    exists: Callable[[PurePath], bool] = field(repr=False)
    """Whether there is a file or folder."""

    def folder(self, variable: str, *default: str) -> PurePath:
        """The folder that `variable` names, else `default` below the user's home."""
        named = self.environ.get(variable, "").strip()
        if named.startswith("~/"):
            return self.home / named[2:]
        return PurePath(named) if named else self.home.joinpath(*default)

    @property
    def config_home(self) -> PurePath:
        """XDG_CONFIG_HOME, `~/.config` where it is not set."""
        return self.folder("XDG_CONFIG_HOME", ".config")

    @property
    def data_home(self) -> PurePath:
        """XDG_DATA_HOME, `~/.local/share` where it is not set."""
        return self.folder("XDG_DATA_HOME", ".local", "share")

    def first_of(self, *candidates: PurePath) -> PurePath:
        """The first that exists, else the first."""
        return next((path for path in candidates if self.exists(path)), candidates[0])

    def document(self, path: PurePath, kind: str) -> Document:
        """The file as a document, an empty one where there is none. Raises EditError, which names it."""
        form, initial = FORMATS[kind]
        try:
            return form.parse(self.read(path) or initial)
        except EditError as error:
            raise error.of(path) from None

    def value(self, path: PurePath, kind: str) -> Any:
        """What the file says, by its keys; {} for an empty one. Raises EditError where it says nothing by keys."""
        value = self.document(path, kind).value
        if value is not None and not isinstance(value, dict):
            raise EditError(1, 1, "the file is expected to have keys and values").of(path)
        return value or {}

    def glance(self, path: PurePath, kind: str, *keys: str) -> Any:
        """What a file has at `keys`, ABSENT where it has nothing, nor parses: whoever edits it refuses it then."""
        try:
            return self.document(path, kind).get(keys)
        except EditError:
            return ABSENT


@dataclass(frozen=True, slots=True)
class FileEdit:
    """What is to be changed in one file. Where TOKEN stands in an edit, the file becomes 0600."""

    path: PurePath
    format: str
    """A key of FORMATS."""
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A whole file of ours beside the client's: written as it stands here, taken away by an undo. One that is there
    already and is not ours is refused."""

    path: PurePath
    text: str
    guard: bool = False
    """It keeps the client safe as long as its configuration is there: one that is there already is left alone, and
    an undo takes it away only where it takes away the configuration too."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that `configure` does to one client."""

    files: tuple[FileEdit | OwnFile, ...]
    model: str = ""
    """What it uses from now on, for the message; empty where the client keeps its own choice."""
    notes: tuple[str, ...] = ()
    """What could not be kept or is to be known, a sentence each."""
    next: str = ""
    """What the user does now, e.g. `restart Kilo`; empty: just start it."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a client is started on the proxy with no file of the user's touched. Values may hold TOKEN and PRIVATE."""

    environ: Mapping[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    """Before those that the user gives. Never TOKEN: everybody can read them."""
    private: Mapping[str, str] = field(default_factory=dict)
    """Name → text of files in a folder of its own at 0700, gone when the client ends."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """One client. Its functions are pure and raise ConfigConflict or EditError where a file stands in the way."""

    name: str
    """In our command line and, as `x-synrouter-client`, on the wire."""
    title: str
    executables: tuple[str, ...] = ()
    """What it may be called on PATH, best first."""
    version_program: str = ""
    """The one beside it to ask for its version, where its own `--version` writes files or goes on the network."""
    version_folders: tuple[str, ...] = ()
    """Variables that name a folder of ours meanwhile, where `--version` makes folders for the client."""
    configure: Callable[[Wish, Surroundings], Plan] | None = None
    launch: Callable[[Wish, Surroundings], Launch] | None = None
    points_at: Callable[[Surroundings], str] | None = None
    """The base URL that its user-scope files name now; empty where they name none."""
    overrides: Callable[[Wish, Surroundings], Iterable[str]] | None = None
    """A sentence for each environment variable or file that beats what `configure` writes."""
    scopes: tuple[Scope, ...] = ("user",)
    auths: tuple[Auth, ...] = ("key",)
    refusal: str = ""
    """Why it can't be on the proxy at all, and what to do instead."""


def prices(model: Model, names: Sequence[str]) -> dict[str, int | float]:
    """USD per million tokens of input, output, cache read and cache write (5 minutes), called `names`; {} unless all
    of them are known.

    >>> from decimal import Decimal
    >>> from synrouter_cli.providers.pricing import Rates
    >>> rates = Rates(Decimal("3.00"), Decimal(15), Decimal("0.30"), Decimal("3.75"))
    >>> prices(Model("m", "M", 1, 1, rates), ("in", "out", "read", "write"))
    {'in': 3, 'out': 15, 'read': 0.3, 'write': 3.75}
    """
    rates = model.rates
    if rates is None or rates.cache_read is None or rates.cache_write_5m is None:
        return {}
    known = (rates.input, rates.output, rates.cache_read, rates.cache_write_5m)
    return {name: int(rate) if rate == int(rate) else float(rate) for name, rate in zip(names, known, strict=True)}


def variables_that_override(around: Surroundings, names: Iterable[str], *, than: str) -> Iterable[str]:
    """A sentence for each of the environment's variables `names` that is set to something else than `than`.

    Values are not shown: some are keys.
    """
    for name in names:
        value = around.environ.get(name, "")
        if value and not (than and value.rstrip("/").startswith(than)):
            yield f"{name} is set in this environment and goes before the file: unset {name}"


def inside(value: Any, *path: str) -> Any:
    """What stands at `path` in a file's value; None where there is nothing, or something else on the way.

    >>> inside({"a": {"b": 1}}, "a", "b"), inside({"a": []}, "a", "b")
    (1, None)
    """
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
