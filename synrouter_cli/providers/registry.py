"""Who the providers are, read once from `providers.toml`; those of the user's `config.toml` are made the same way.

>>> anthropic = provider_of("anthropic")
>>> anthropic.path("anthropic", "/messages"), anthropic.auth_for("anthropic", "k")
('/v1/messages', ('x-api-key', 'k'))
>>> provider_of("openrouter").spelled("claude-opus-4-8"), anthropic.spelled("anthropic/claude-opus-4.8")
('anthropic/claude-opus-4.8', 'claude-opus-4-8')
>>> credential_owner("sk-ant-api03-…").name
'anthropic'
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import msgspec

from synrouter_cli.providers.names import canonical

__all__ = [
    "REGION",
    "CacheKind",
    "Provider",
    "builtin",
    "credential_owner",
    "may_receive",
    "provider_names",
    "provider_of",
]

CacheKind = Literal["markers", "key", "breakpoints", "session", "conversation", "automatic", "none"]
ModelForm = Literal["plain", "dashes", "vendor", "bedrock"]
_CLAUDE = re.compile(r"claude-([a-z]+)-(\d+)-(\d+)$")
_OLD = re.compile(r"claude-([a-z]+)-(3(?:-\d)?)")
_DASHED = re.compile(r"/claude-[a-z]+-\d+-\d+$")
_CONTEXT = re.compile(r"\[\d+[km]\]$")
REGION = re.compile(r"[a-z]{2}(-[a-z]+){1,2}-\d")
"""A region of a provider that has some, such as eu-west-1."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider is, what it speaks, and how it knows its customers. `providers.toml` says what fields mean."""

    name: str
    title: str
    base_url: str
    """Without a trailing slash."""
    dialects: Mapping[str, str]
    """Dialect → the path that its endpoints stand under, without a trailing slash; the first is preferred."""
    auth: tuple[str, str] = ("authorization", "Bearer")
    anthropic_auth: tuple[str, str] | None = None
    query: str = ""
    credential_prefixes: tuple[str, ...] = ()
    """A client's credential that begins so belongs to this provider."""
    subscription_prefixes: tuple[str, ...] = ()
    """Those of them that are logins of a subscription and cost no dollars per token."""
    cache: CacheKind = "automatic"
    vendor: str = ""
    model_prefixes: tuple[str, ...] = ()
    exact_models: tuple[str, ...] = ()
    vendor_names: tuple[str, ...] = ()
    """What else stands before its models' names, in lower case."""
    model_form: ModelForm = "plain"
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Name → base URL with {region} in it, for a provider that has several."""
    region: str = ""
    models_path: str = ""
    key_path: str = ""
    on_disconnect: Literal["cancel", "drain"] = "cancel"
    local: bool = False
    """Nothing leaves this machine, and no key is needed."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """More of them for every request, as the user names them in `config.toml`."""
    builtin: bool = True
    """False for one of the user's own."""

    def billing(self, credential: str) -> str:
        """`subscription` or `api`: how turns with this credential are paid for."""
        paid = bool(self.subscription_prefixes) and credential.startswith(self.subscription_prefixes)
        return "subscription" if paid else "api"

    def auth_for(self, dialect: str, key: str) -> tuple[str, str]:
        """The header, in lower case, that our own key goes into, and its value."""
        header, scheme = self.anthropic_auth if dialect == "anthropic" and self.anthropic_auth else self.auth
        return header, f"{scheme} {key}" if scheme else key

    def path(self, dialect: str, endpoint: str, query: str = "") -> str:
        """Path and query of an endpoint such as `/messages`. `query`, the client's with its `?`, goes as it came."""
        own = self.query if self.query and self.query not in query.removeprefix("?").split("&") else ""
        joint = "&" if len(query) > 1 else "" if query else "?"
        return f"{self.dialects[dialect]}{endpoint}{query}" + (f"{joint}{own}" if own else "")

    def has(self, model: str) -> bool:
        """Whether a model's name, without a provider before it, is this one's own."""
        lower = model.lower()
        return lower in self.exact_models or (bool(self.model_prefixes) and lower.startswith(self.model_prefixes))

    def spelled(self, model: str) -> str:
        """The model's name as this provider wants it; a name that is not understood goes as it came."""
        if self.model_form == "bedrock":
            return _on_bedrock(model)
        known = canonical(model)
        if not known.startswith("claude-") or self.model_form == "plain":
            return model
        if self.model_form == "dashes":
            return model if "/" not in model and "." not in model else known
        return model if "/" in model and not _DASHED.search(model) else f"anthropic/{_dotted(known)}"

    def listing(self, most: int = 1000) -> tuple[str, str]:
        """The dialect and the path of its list of models, which costs nothing to ask for; `most` of them where that can
        be said."""
        dialect = next((name for name in self.dialects if name != "anthropic"), "anthropic")
        if self.models_path:
            return dialect, self.models_path
        return dialect, self.path(dialect, "/models", f"?limit={most}" if dialect == "anthropic" else "")

    def key_trial(self) -> tuple[str, str]:
        """The dialect and the path of what says at no cost whether a key is good."""
        dialect, path = self.listing(1)
        return dialect, self.key_path or path

    def at_place(self, region: str, endpoint: str) -> str:
        """The base URL in another region or at another endpoint, its own where one is empty. Raises KeyError for an
        endpoint that it does not have."""
        return self.endpoints[endpoint or next(iter(self.endpoints))].replace("{region}", region or self.region)


def _dotted(known: str) -> str:
    """The name as OpenRouter has it: those before Claude 4 with the number first."""
    old = _OLD.fullmatch(known)
    if old is not None:
        return f"claude-{old[2].replace('-', '.')}-{old[1]}"
    return _CLAUDE.sub(r"claude-\1-\2.\3", known)


def _on_bedrock(model: str) -> str:
    name = _CONTEXT.sub("", re.sub(r"^bedrock[./]", "", model))
    known = canonical(name)
    return f"anthropic.{known}" if known.startswith("claude-") and "anthropic." not in name else name


class _Row(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    title: str
    base_url: str
    dialects: dict[str, str]
    vendor: str
    model_prefixes: tuple[str, ...]
    cache: CacheKind
    auth: tuple[str, str]
    anthropic_auth: tuple[str, str] | None = None
    query: str = ""
    credential_prefixes: tuple[str, ...] = ()
    subscription_prefixes: tuple[str, ...] = ()
    exact_models: tuple[str, ...] = ()
    vendor_names: tuple[str, ...] = ()
    model_form: ModelForm = "plain"
    endpoints: dict[str, str] = {}
    region: str = ""
    models_path: str = ""
    key_path: str = ""
    on_disconnect: Literal["cancel", "drain"] = "cancel"
    local: bool = False


@lru_cache(maxsize=1)
def builtin() -> Mapping[str, Provider]:
    """Those of the data file, in its order."""
    text = files("synrouter_cli.providers").joinpath("providers.toml").read_text("utf-8")
    rows = msgspec.convert(tomllib.loads(text), dict[str, _Row])
    return {name: Provider(name=name, **msgspec.structs.asdict(row)) for name, row in rows.items()}


def provider_names() -> tuple[str, ...]:
    """The providers there are, in the order of the data file."""
    return tuple(builtin())


def provider_of(name: str) -> Provider:
    """The provider of that name. Raises KeyError where there is none."""
    return builtin()[name]


def credential_owner(credential: str) -> Provider | None:
    """The provider that a client's credential belongs to, or None: then it goes to nobody. Where the beginnings of two
    fit, the longer one counts.

    >>> credential_owner("sk-sr-local-abc") is None, credential_owner("sk-sr-abc").name
    (True, 'synrouter')
    """
    owners = [(prefix, provider) for provider in builtin().values() for prefix in provider.credential_prefixes]
    nobody = [(prefix, None) for prefixes in elsewhere().values() for prefix in prefixes]
    fits = [(len(prefix), owner) for prefix, owner in [*owners, *nobody] if credential.startswith(prefix)]
    return max(fits, key=lambda fit: fit[0])[1] if fits else None


def may_receive(provider: Provider, credential: str, *, at_home: bool) -> bool:
    """Whether a client's credential may be passed on to this provider.

    At the provider's own address (`at_home`) only what bears its prefix may; at an address that the user named for
    it, anything that is not known to be another's.
    """
    owner = credential_owner(credential)
    if owner is not None:
        return owner.name == provider.name
    return not at_home and not any(credential.startswith(prefixes) for prefixes in elsewhere().values())


@lru_cache(maxsize=1)
def elsewhere() -> Mapping[str, tuple[str, ...]]:
    """Whose credentials are known so that they go nowhere: name → how they begin."""
    text = files("synrouter_cli.providers").joinpath("facts.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text)["elsewhere"], dict[str, tuple[str, ...]])
