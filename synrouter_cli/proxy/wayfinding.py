"""Where requests may go at this moment: the providers, the keys that are known by now, the user's rules.

Example: `Ways(settings, keys).find("gpt-5.5", "chat").provider` is "openai".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from synrouter_cli.providers import Provider
from synrouter_cli.proxy.provider_keys import Keys
from synrouter_cli.settings import Settings
from synrouter_cli.ways import Book, Way, choose

__all__ = ["Ways"]


class Ways:
    """One running proxy's. The book is made anew only when keys come or go."""

    def __init__(self, settings: Settings, keys: Keys, models: Mapping[str, tuple[str, ...]] | None = None) -> None:
        """`models` is what providers are known to have, the user's own among them: provider → names."""
        self._settings = settings
        self._keys = keys
        self._models = {**settings.own_models, **(models or {})}
        self._book = Book(settings.providers)
        self._known: frozenset[str] | None = None

    def find(self, model: str, dialect: str, *, owner: str = "") -> Way:
        """The way of a request for that model; one that names none goes to its dialect's own provider, which says what
        is wrong with it. `owner` is whose credential the client brings. Raises UnknownModel."""
        if not model:
            first = next(name for name, each in self._settings.providers.items() if dialect in each.dialects)
            return Way(first, dialect, model)
        book = self._current()
        if owner and owner not in book.usable:
            book = replace(book, usable=book.usable | {owner})
        return choose(model, dialect, book)

    def provider(self, name: str) -> Provider:
        return self._settings.providers[name]

    def usable(self) -> frozenset[str]:
        """Those that there is a key for, or that need none."""
        return self._current().usable

    def keyed(self) -> frozenset[str]:
        """Those that there is a key for."""
        return frozenset(self._keys.known)

    def known(self) -> Iterator[tuple[str, str]]:
        """(provider, model) of all that is known to be there."""
        book = self._current()
        for name, models in book.models.items():
            if name in book.usable:
                yield from ((name, model) for model in models)

    def _current(self) -> Book:
        known = frozenset(self._keys.known)
        if known != self._known:
            settings = self._settings
            local = {name for name, provider in settings.providers.items() if provider.local}
            self._book = Book(
                settings.providers,
                usable=known | local,
                aliases=settings.aliases,
                routes=settings.routes,
                moved=frozenset(settings.upstreams),
                models=self._models,
            )
            self._known = known
        return self._book
