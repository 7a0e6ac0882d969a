"""Which headers go on, and with whose credential: names, case, order and repeats are kept otherwise.

Of the client's credential and the provider's key exactly one goes upstream, and nothing that looks
like a local token ever does.

>>> to_upstream(((b"X-Thing", b"1"), (b"Connection", b"x-other"), (b"X-Other", b"2")), ())
[('X-Thing', '1')]
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from synrouter_cli.errors import ForeignCredential, NoProviderKey
from synrouter_cli.providers import Provider, credential_owner, may_receive
from synrouter_cli.proxy.guard import KEY_HEADER, LOCAL_TOKEN, Head, RawHeaders, bearer

Pairs = list[tuple[str, str]]

HOP_BY_HOP: Final = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer "
    b"transfer-encoding upgrade http2-settings".split()
)
_CREDENTIALS: Final = frozenset((b"x-api-key", b"authorization", KEY_HEADER))
# Replaced by what the new message has: the provider's host, the length of what is sent, no
# Accept-Encoding (so that streams come in identity and can be metered), no Expect (its body is here).
_REPLACED: Final = frozenset((b"host", b"content-length", b"accept-encoding", b"expect"))
_NOT_SENT: Final = HOP_BY_HOP | _CREDENTIALS | _REPLACED
# Another origin's advice about itself, and what would open us to web pages.
_NOT_RELAYED: Final = HOP_BY_HOP | frozenset((b"alt-svc", b"strict-transport-security"))
_OURS: Final = b"x-synrouter-"
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")
_OUR_VALUE_LENGTH = 200


class Key(Protocol):
    """A provider's key that shows itself only when asked."""

    def reveal(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request is authorised with at its provider."""

    headers: Pairs = field(repr=False)
    secret: bytes = field(repr=False)
    billing: str
    """api | subscription (a login whose turns cost no dollars)"""
    own: bool = False
    """It is the client's, passed on."""

    def scope(self, provider: str, key: bytes) -> bytes:
        """Whose cache this is: a digest of provider and credential, keyed per installation."""
        return hashlib.blake2b(provider.encode() + b"\0" + self.secret, key=key, digest_size=16).digest()


def choose_credential(
    head: Head,
    provider: Provider,
    keys: Mapping[str, Key],
    *,
    keeps_credential: bool,
    at_home: bool = False,
    dialect: str = "anthropic",
) -> Credential:
    """The client's own credential where it may keep it and has one, else our key for `provider`; none for one on this
    machine that there is no key for.

    `at_home` says that the provider is at its own address, `dialect` which one is spoken to it. Raises NoProviderKey
    where there is neither, and ForeignCredential for one that belongs elsewhere.
    """
    if keeps_credential:
        own = _own(head)
        if own:
            bare = [value if name.lower() == b"x-api-key" else bearer(value) or value for name, value in own]
            texts = [_text(value.strip()) for value in bare]
            if not all(may_receive(provider, text, at_home=at_home) for text in texts):
                raise ForeignCredential(provider=provider.name)
            paid_by = {provider.billing(text) for text in texts}
            return Credential(
                [(_text(name), _text(value)) for name, value in own],
                b"\0".join(value for _, value in own),
                "subscription" if "subscription" in paid_by else "api",
                own=True,
            )
    if provider.name in keys:
        key = keys[provider.name].reveal()
        return Credential([provider.auth_for(dialect, key)], key.encode(), "api")
    if provider.local:
        return Credential([], b"", "api")
    raise NoProviderKey(provider=provider.name)


def owner_of(head: Head, key: bytes, *, keeps_credential: bool) -> bytes:
    """Whose conversations these are: a digest of the credential that the client passes on, keyed per installation; the
    same for all that pass none on. It depends on nobody who is asked."""
    own = _own(head) if keeps_credential else []
    secret = b"\0".join(value for _, value in own)
    return hashlib.blake2b(b"owner\0" + secret, key=key, digest_size=16).digest()


def _own(head: Head) -> list[tuple[bytes, bytes]]:
    """The client's own credential, as its headers."""
    return [
        (name, value)
        for name, value in head.headers
        if name.lower() in (b"x-api-key", b"authorization") and value.strip() and not LOCAL_TOKEN.search(value)
    ]


def credential_owner_of(head: Head) -> str:
    """The provider that the client's own credential belongs to, by how it begins; empty where that says nothing."""
    for name, value in head.headers:
        if name.lower() in (b"x-api-key", b"authorization"):
            owner = credential_owner(_text(bearer(value) or value).strip())
            if owner is not None:
                return owner.name
    return ""


def to_upstream(
    headers: RawHeaders, credential: Iterable[tuple[str, str]], *, decoded: bool = False, beta: str = ""
) -> Pairs:
    """The headers to send: the client's, less those of this hop and ours, plus `credential`.

    With `decoded` the body goes out without the Content-Encoding it came with. `beta` joins the client's.

    >>> to_upstream(((b"Anthropic-Beta", b"a"),), (), beta="b")
    [('Anthropic-Beta', 'a,b')]
    """
    left_out = _NOT_SENT | _named_by_connection(headers)
    if decoded:
        left_out |= {b"content-encoding"}
    kept = [
        (_text(name), _text(value))
        for name, value in headers
        if (lower := name.lower()) not in left_out and not lower.startswith(_OURS) and not LOCAL_TOKEN.search(value)
    ]
    return [*_one_spelling(_with_beta(kept, beta) if beta else kept), *credential]


def with_own(pairs: Pairs, own: Mapping[str, str]) -> Pairs:
    """`pairs` with the headers that the user sets for a provider: each takes the place of those of its name, but for
    betas, which join the client's.

    >>> with_own([("User-Agent", "a"), ("Anthropic-Beta", "b")], {"user-agent": "c", "anthropic-beta": "b, d"})
    [('Anthropic-Beta', 'b,d'), ('user-agent', 'c')]
    """
    for name, value in own.items():
        if name.lower() == "anthropic-beta":
            for beta in filter(None, map(str.strip, value.split(","))):
                pairs = _with_beta(pairs, beta)
        else:
            pairs = [*((header, text) for header, text in pairs if header.lower() != name.lower()), (name, value)]
    return pairs


def to_client(headers: RawHeaders, ours: Mapping[str, str]) -> Pairs:
    """The headers of an answer: the upstream's, less those of that hop, plus `ours`, made harmless."""
    left_out = _NOT_RELAYED | _named_by_connection(headers)
    if first(headers, b"transfer-encoding"):
        left_out |= {b"content-length"}  # chunks overrule it (RFC 9112, 6.3)
    kept = [
        (_text(name), _text(value))
        for name, value in headers
        if (lower := name.lower()) not in left_out and not lower.startswith((_OURS, b"access-control-"))
    ]
    return kept + [(name, harmless(value)) for name, value in ours.items()]


def for_planning(headers: RawHeaders) -> dict[str, str]:
    """Lower-case name → latin-1 text, repeats joined by a comma; without credentials and cookies."""
    seen: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in _CREDENTIALS or lower in (b"cookie", b"proxy-authorization"):
            continue
        key, text = lower.decode("latin-1"), value.decode("latin-1")
        seen[key] = f"{seen[key]}, {text}" if key in seen else text
    return seen


def first(headers: RawHeaders, name: bytes) -> str:
    """The first value of `name` (in lower case) in lower case; empty where there is none."""
    for header, value in headers:
        if header.lower() == name:
            return value.decode("latin-1").strip().lower()
    return ""


def harmless(value: str) -> str:
    """`value` as one line of printable ASCII of bounded length."""
    return _UNPRINTABLE.sub("?", value)[:_OUR_VALUE_LENGTH]


def _named_by_connection(headers: RawHeaders) -> frozenset[bytes]:
    return frozenset(
        name.strip().lower()
        for header, value in headers
        if header.lower() == b"connection"
        for name in value.split(b",")
    )


def _text(raw: bytes) -> str:
    # aiohttp writes UTF-8. Bytes that are not are taken for latin-1: the text arrives, if not its bytes.
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return _CONTROL_CHARACTERS.sub(" ", text)


def _with_beta(pairs: Pairs, beta: str) -> Pairs:
    names = {name.strip() for header, value in pairs if header.lower() == "anthropic-beta" for name in value.split(",")}
    if beta in names:
        return pairs
    place = next((i for i, (header, value) in enumerate(pairs) if header.lower() == "anthropic-beta" and value), None)
    if place is None:
        return [*pairs, ("anthropic-beta", beta)]
    header, value = pairs[place]
    return [*pairs[:place], (header, f"{value},{beta}"), *pairs[place + 1 :]]


def _one_spelling(pairs: Pairs) -> Pairs:
    # aiohttp's client takes a repeat in another case for a replacement, and would drop the first value.
    spelling: dict[str, str] = {}
    return [(spelling.setdefault(name.lower(), name), value) for name, value in pairs]
