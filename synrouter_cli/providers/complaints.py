"""What relays say when they refuse a request, what is meant by it, and what to do: their wording, a table.

Only what relays say of themselves is here. Nothing matches an error of Anthropic's own, which clients know by its
wording and which a relay passes on; but for one rule of the provider's that has an answer (`explain_rule`).

>>> said = Said(401, "无效的令牌 (request id: 1)", type="new_api_error")
>>> explain(said, Asked("pi", "anthropic")).text.partition(":")[0]
'“无效的令牌” is “invalid token”'
>>> explain(Said(400, "max_tokens: Field required", type="invalid_request_error"), Asked("pi", "anthropic")) is None
True
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from synrouter_cli.providers.relays import Relay

__all__ = ["Asked", "Explanation", "Said", "explain", "explain_rule"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a request that was refused. `client` is named as `identity` names it."""

    client: str
    provider: str
    relay: Relay | None = None
    own_key: bool = False
    """The client's own credential was passed on."""
    key_headers: frozenset[str] = frozenset()
    """The headers that credential went in, lower case."""


@dataclass(frozen=True, slots=True)
class Said:
    """An error answer: its HTTP status, and the fields that it has."""

    status: int
    message: str
    code: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is meant, and the next step. `permanent`: the same request will never be served."""

    text: str
    permanent: bool = False


def explain(said: Said, asked: Asked) -> Explanation | None:
    """What the first rule that fits says of it; None where the answer speaks for itself."""
    for rule in _RULES:
        if rule.fits(said, asked):
            return Explanation(rule.text(said, asked), rule.permanent)
    return None


def explain_rule(said: Said) -> Explanation | None:
    """What is to be done where a rule of the provider's own stands in the way, whoever passes it on.

    >>> explain_rule(Said(400, "Thinking may not be enabled when tool_choice forces tool use.")).text.partition(":")[0]
    'the request went out as the client made it'
    """
    return Explanation(_FORCED) if said.status == 400 and _FORCED_BESIDE_THINKING.match(said.message) else None


# ── what it says ──


def _begins(*phrases: str) -> re.Pattern[str]:
    # Behind a status at most, and nowhere else: a refusal may quote what was asked.
    return re.compile(rf"[\W\d]*(?:{'|'.join(map(re.escape, phrases))})", re.IGNORECASE)


_UNAUTHORIZED_CLIENT: Final = _begins("unauthorized client detected")
_INVALID_TOKEN: Final = _begins("无效的令牌", "無效的令牌")
_CONTENT: Final = _begins("content-blocked", "content_blocked", "sensitive words detected")
_FORCED_BESIDE_THINKING: Final = _begins("thinking may not be enabled when tool_choice forces tool use")
_FORCED: Final = (
    "the request went out as the client made it: a model that thinks can't be made to use a tool. Next: tool_choice"
    " auto or none, or thinking switched off where a tool is forced"
)
_DENIED: Final = (401, 403)


def _refuses_client(said: Said, asked: Asked) -> bool:
    return asked.relay is not None and asked.client in asked.relay.refuses and said.status in _DENIED


def _unauthorized_client(said: Said, _: Asked) -> bool:
    return said.type == "unauthorized_client_error" or bool(_UNAUTHORIZED_CLIENT.match(said.message))


def _key_in_another_header(said: Said, asked: Asked) -> bool:
    taken = asked.relay.key_headers if asked.relay is not None else frozenset()
    return asked.own_key and bool(taken) and not taken & asked.key_headers and said.status in _DENIED


def _invalid_token(said: Said, _: Asked) -> bool:
    # the type is that of the software many relays run, which says it in the language of whoever runs it
    return bool(_INVALID_TOKEN.match(said.message)) or (said.type == "new_api_error" and said.status == 401)


def _content_blocked(said: Said, _: Asked) -> bool:
    return said.code in ("content-blocked", "sensitive_words_detected") or bool(_CONTENT.match(said.message))


# ── what is meant, and what to do ──


_NAMES: Final = {"claude-code": "Claude Code", "unknown": "this client"}


def _client(asked: Asked) -> str:
    return _NAMES.get(asked.client, asked.client)


def _relay(asked: Asked) -> str:
    return asked.relay.name if asked.relay is not None else "the relay"


def _upstream(asked: Asked) -> str:
    return f"synrouter up --upstream {asked.provider}=URL"


def _say_refused(_: Said, asked: Asked) -> str:
    sentence = asked.relay.sentence if asked.relay is not None else ""
    return f"{sentence} Next: use another client with it, or another upstream for {_client(asked)}: {_upstream(asked)}"


def _say_unauthorized_client(_: Said, asked: Asked) -> str:
    relay = _relay(asked)
    if asked.client == "claude-code":
        return (
            f"{relay} says so of clients it does not take for Claude Code, but also of a key that is missing and of a"
            " model that the key's plan lacks. Claude Code's own headers went there unchanged. Next: check the key and"
            f" the model in {relay}'s dashboard, and update Claude Code"
        )
    only = asked.relay.sentence if asked.relay is not None and asked.relay.only else ""
    said = (
        only or f"{relay} takes only clients that it knows, before it looks at the key; none is dressed up as another."
    )
    who = "a client that does not name itself" if asked.client == "unknown" else _client(asked)
    return f"{said} This came from {who}. Next: use Claude Code with it, or another upstream: {_upstream(asked)}"


def _say_another_header(_: Said, asked: Asked) -> str:
    used = " and ".join(sorted(asked.key_headers))
    taken = " or ".join(sorted(asked.relay.key_headers)) if asked.relay is not None else ""
    return (
        f"{_relay(asked)} takes a key in {taken} only, and {_client(asked)} sent its own in {used}, which is passed on"
        " as it came. Next: set it in the client as an API key (ANTHROPIC_API_KEY, not ANTHROPIC_AUTH_TOKEN), or have"
        f" Synrouter hold it: synrouter keys set {asked.provider}"
    )


def _say_invalid_token(said: Said, asked: Asked) -> str:
    translated = "“无效的令牌” is “invalid token”: " if _INVALID_TOKEN.match(said.message) else ""
    relay = _relay(asked)
    if asked.own_key:
        return (
            f"{translated}{relay} does not know the key that {_client(asked)} sent. Next: give it a key of this relay"
        )
    return (
        f"{translated}{relay} does not know the key that Synrouter has for {asked.provider}. Next: make a new one in"
        f" the relay's dashboard, then: synrouter keys set {asked.provider}"
    )


def _say_content(_: Said, asked: Asked) -> str:
    return (
        f"{_relay(asked)}'s own filter refused this, not the model: for words or the language of the conversation, for"
        " many requests in a short time, or for a model that the key's plan lacks. Next: wait ten seconds and ask"
        f" again; then try a new session, another wording or model, or another upstream: {_upstream(asked)}"
    )


@dataclass(frozen=True, slots=True)
class _Rule:
    fits: Callable[[Said, Asked], bool]
    text: Callable[[Said, Asked], str]
    permanent: bool = False


_RULES: Final = (
    _Rule(_refuses_client, _say_refused, permanent=True),
    _Rule(_unauthorized_client, _say_unauthorized_client, permanent=True),
    _Rule(_key_in_another_header, _say_another_header, permanent=True),
    _Rule(_invalid_token, _say_invalid_token, permanent=True),
    _Rule(_content_blocked, _say_content),
)
