"""Which provider a model's name leads to, and in which dialect: from the name, the providers and the user's rules.

The user's aliases come first, then the user's routes (the first that fits, `*` for any text), then a provider before
the name (`openrouter/z-ai/glm-5.2`), then `_RULES` below, of which the first that fits decides.

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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from synrouter_cli.errors import UnknownModel
from synrouter_cli.providers import Provider, cache_kind, canonical

Targets = tuple[str, ...]
_NEAREST: Final = 3
_ALIKE: Final = 0.5
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
    """Everything that decides. Of providers that serve equally well the one that stands first is taken."""

    providers: Mapping[str, Provider]
    usable: frozenset[str] = frozenset()
    """Those that there is a key for, or that need none; also the one whose credential the client brings along."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    routes: tuple[tuple[str, Targets], ...] = ()
    """(name, with `*` for any text; models or providers, of which later ones are fallbacks)."""
    moved: frozenset[str] = frozenset()
    """Providers that the user pointed elsewhere: what is there may have any model."""
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Provider → models that it is known to have: `models_file.known`."""


def choose(model: str, dialect: str, book: Book) -> Way:
    """The way for a request of that model in the client's dialect. Raises UnknownModel with the nearest names."""
    name = _aliased(model, book)
    targets = next((targets for pattern, targets in book.routes if _fits(pattern, name)), None)
    if targets is None:
        return _one(name, dialect, book)
    first, *others = dict.fromkeys(_one(_target(target, name, book), dialect, book) for target in targets)
    return replace(first, fallbacks=tuple(others))


def nearest(model: str, book: Book) -> list[str]:
    """Known names that are spelled nearly like it, of providers that can be used first."""
    providers = sorted(book.models, key=lambda provider: provider not in book.usable)
    return alike(model, [name for provider in providers for name in book.models[provider]])


def alike(model: str, names: Sequence[str]) -> list[str]:
    """Those that are spelled nearly like it, whatever vendor stands before them; of equals the first.

    >>> alike("gtp-5.5", ["gpt-5.5", "openai/gpt-5.5", "o3"])
    ['gpt-5.5']
    """
    known = {_last(name): name for name in reversed(names)}
    return [known[name] for name in difflib.get_close_matches(_last(model), known, _NEAREST, _ALIKE)]


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1].lower()


def _one(name: str, dialect: str, book: Book) -> Way:
    found = _named(name, book) or next((way for rule in _RULES if (way := rule(name, dialect, book))), None)
    if found is None:
        raise UnknownModel(model=name[:80], near=nearest(name, book))
    provider, rest = found
    return Way(provider.name, _dialect(provider, rest, dialect), provider.spelled(rest))


Found = tuple[Provider, str]


def _named(name: str, book: Book) -> Found | None:
    """A provider or a vendor before the name. Where a vendor's own provider can't be used, whoever has the model under
    its full name is as good an answer."""
    first, slash, rest = name.partition("/")
    provider = book.providers.get(first) or _vendor(first.lower(), book)
    if not slash or not rest or provider is None:
        return None
    other = _by_full_name(name, "", book) if provider.vendor and not _serves(provider, book) else None
    return other or (provider, rest)


def _serves(provider: Provider, book: Book) -> bool:
    return provider.name in book.usable or provider.name in book.moved


def _vendor(name: str, book: Book) -> Provider | None:
    return next((provider for provider in book.providers.values() if name in provider.vendor_names), None)


def _by_own(name: str, dialect: str, book: Book) -> Found | None:
    """What the user's own providers have, and what is on this machine under that very name."""
    own = (p for p in book.providers.values() if not p.builtin or p.local)
    return next(((provider, name) for provider in own if name in book.models.get(provider.name, ())), None)


def _by_prefix(name: str, dialect: str, book: Book) -> Found | None:
    """The vendor whose names begin so, where it can be used or was pointed elsewhere."""
    return next(((p, name) for p in _prefixed(name, book) if _serves(p, book)), None)


def _by_full_name(name: str, dialect: str, book: Book) -> Found | None:
    """Who is known to have a model of that very name; of full names also who has others of that vendor."""
    usable = [provider for provider in book.providers.values() if provider.name in book.usable]
    exact = next((provider for provider in usable if name in book.models.get(provider.name, ())), None)
    vendor, slash, _ = name.lower().partition("/")
    takers = (provider for provider in usable if slash and _has_vendor(provider, f"{vendor}/", book))
    found = exact or next(takers, None)
    return (found, name) if found is not None else None


def _has_vendor(provider: Provider, vendor: str, book: Book) -> bool:
    return provider.model_form == "vendor" and any(
        known.lower().startswith(vendor) for known in book.models.get(provider.name, ("anthropic/",))
    )


def _by_moved(name: str, dialect: str, book: Book) -> Found | None:
    """What the user pointed elsewhere may have any model; best is who speaks the client's dialect."""
    moved = [provider for provider in book.providers.values() if provider.name in book.moved]
    best = next((provider for provider in moved if dialect in provider.dialects), moved[0] if moved else None)
    return (best, name) if best is not None else None


def _by_unusable(name: str, dialect: str, book: Book) -> Found | None:
    """The vendor all the same: that there is no key for it is then what the client is told."""
    return next(((provider, name) for provider in _prefixed(name, book)), None)


_RULES: Final = (_by_own, _by_prefix, _by_full_name, _by_moved, _by_unusable)


def _prefixed(name: str, book: Book) -> Iterator[Provider]:
    """Those whose names begin so; after them those whose names begin so once it is spelled as usual: Bedrock's
    anthropic.claude-… is Bedrock's own, vendor/claude-… anybody's."""
    providers = book.providers.values()
    yield from (provider for provider in providers if provider.has(name))
    yield from (provider for provider in providers if provider.model_form == "dashes" and provider.has(canonical(name)))


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
    """A route's target: a bare provider keeps the model, an alias stands for what it stands for."""
    target = _aliased(target, book)
    return f"{target}/{name.removeprefix(f'{target}/')}" if target in book.providers else target


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.IGNORECASE)


def _fits(pattern: str, name: str) -> bool:
    return _pattern(pattern).fullmatch(name) is not None
