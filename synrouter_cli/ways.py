"""Which provider a model's name leads to, and in which dialect: from the name, the providers and the user's rules.

A name is looked at in this order: the user's aliases, the user's routes (the first that fits, `*` for any text), a
provider before it (`openrouter/z-ai/glm-5.2`), the vendor's prefix (`claude-`, `gpt-`), and what the user's own
providers say they have. Whoever points a provider elsewhere gets every other name there, too.

>>> from synrouter_cli.providers import builtin
>>> book = Book(builtin(), usable=frozenset({"anthropic", "openai"}), routes=(("gpt-5.5", ("claude-opus-4-8",)),))
>>> choose("anthropic/claude-opus-4.8", "chat", book)
Way(provider='anthropic', dialect='anthropic', model='claude-opus-4-8', fallbacks=())
>>> choose("gpt-5.5", "responses", book).model, choose("gpt-6", "responses", book).dialect
('claude-opus-4-8', 'responses')
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from synrouter_cli.errors import UnknownModel
from synrouter_cli.providers import Provider, cache_kind, canonical

Targets = tuple[str, ...]
_NEAREST: Final = 3
_DEPTH: Final = 4


@dataclass(frozen=True, slots=True)
class Way:
    """Where a request goes. `model` is spelled as that provider wants it."""

    provider: str
    dialect: str
    model: str
    fallbacks: tuple[Way, ...] = ()
    """What is tried after it, best first."""


@dataclass(frozen=True)
class Book:
    """Everything that decides."""

    providers: Mapping[str, Provider]
    usable: frozenset[str] = frozenset()
    """Those that there is a key for, or that need none."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    routes: tuple[tuple[str, Targets], ...] = ()
    """(name, with `*` for any text; models or providers, of which later ones are fallbacks)."""
    moved: frozenset[str] = frozenset()
    """Providers that the user pointed elsewhere: what is there may have any model."""
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Provider → models that it is known to have, for the user's own and for what is near a wrong name."""


def choose(model: str, dialect: str, book: Book) -> Way:
    """The way for a request of that model in the client's dialect. Raises UnknownModel with the nearest names."""
    name = _aliased(model, book)
    targets = next((targets for pattern, targets in book.routes if _fits(pattern, name)), None)
    if targets is None:
        return _one(name, dialect, book)
    ways = [_one(_target(target, name, book), dialect, book) for target in targets]
    return replace(ways[0], fallbacks=tuple(ways[1:]))


def nearest(model: str, book: Book) -> list[str]:
    """Known names that are spelled nearly like it, of providers that can be used first."""
    names = [name for provider, names in book.models.items() if provider in book.usable for name in names]
    names += [name for provider, names in book.models.items() if provider not in book.usable for name in names]
    return difflib.get_close_matches(model.rsplit("/", 1)[-1].lower(), dict.fromkeys(names), _NEAREST, 0.5)


def _one(name: str, dialect: str, book: Book) -> Way:
    provider, rest = _named(name, book) or _by_name(name, dialect, book) or (None, name)
    if provider is None:
        near = nearest(name, book)
        raise UnknownModel(model=name[:80], near=near)
    return Way(provider.name, _dialect(provider, rest, dialect), provider.spelled(rest))


def _named(name: str, book: Book) -> tuple[Provider, str] | None:
    """A provider's name before the model's. A vendor's own provider that can't be used is no answer where another
    has the model under its full name."""
    first, slash, rest = name.partition("/")
    provider = book.providers.get(first)
    return (provider, rest) if slash and rest and provider is not None else None


def _by_name(name: str, dialect: str, book: Book) -> tuple[Provider, str] | None:
    fits = [provider for provider in book.providers.values() if _has(provider, name, book)]
    usable = [provider for provider in fits if provider.name in book.usable]
    if usable or fits:
        return (usable or fits)[0], name
    speaks = [book.providers[moved] for moved in sorted(book.moved) if dialect in book.providers[moved].dialects]
    return (speaks[0], name) if speaks else None


def _has(provider: Provider, name: str, book: Book) -> bool:
    if not provider.builtin:
        return name in book.models.get(provider.name, ())
    return provider.has(name) or (provider.model_form == "dashes" and provider.has(canonical(name)))


def _dialect(provider: Provider, model: str, wanted: str) -> str:
    """The client's own where the provider speaks it; Claude in Anthropic's wherever that is spoken, since its caching
    can be planned there."""
    if cache_kind(provider, model) == "markers" and "anthropic" in provider.dialects:
        return "anthropic"
    return wanted if wanted in provider.dialects else next(iter(provider.dialects))


def _aliased(model: str, book: Book) -> str:
    for _ in range(_DEPTH):
        if model not in book.aliases:
            break
        model = book.aliases[model]
    return model


def _target(target: str, name: str, book: Book) -> str:
    """A route's target: a bare provider keeps the model."""
    return f"{target}/{name.removeprefix(f'{target}/')}" if target in book.providers else target


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.IGNORECASE)


def _fits(pattern: str, name: str) -> bool:
    return _pattern(pattern).fullmatch(name) is not None
