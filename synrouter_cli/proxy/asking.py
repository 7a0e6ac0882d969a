"""Asking the provider why a prompt was not read from its cache: when, with which beta, and where its answer stands.

Only Anthropic is asked, and never with a credential of the client's own. A session asks from its beginning or not at
all: a set of betas has a cache of its own.

>>> with_beta("a,b"), without_beta(with_beta("a,b"))
('a,b,cache-diagnosis-2026-04-07', 'a,b')
>>> with_diagnosis('{"expected":9}', Diagnosis("tools_changed", 7))
'{"expected":9,"provider":{"reason":"tools_changed","missed_tokens":7}}'
"""

from __future__ import annotations

import msgspec

from synrouter_cli.wire.diagnosis import BETA, Diagnosis

__all__ = ["may_be_asked", "with_beta", "with_diagnosis", "without_beta"]

ASKED = frozenset({"anthropic"})


def may_be_asked(provider: str, *, own_credential: bool) -> bool:
    """Whether the provider knows the question, and it is our key that asks."""
    return provider in ASKED and not own_credential


def with_beta(header: str) -> str:
    """An `anthropic-beta` header with the question's beta in it."""
    names = [name.strip() for name in header.split(",") if name.strip()]
    return header if BETA in names else ",".join([*names, BETA])


def without_beta(header: str) -> str:
    """The header without it."""
    return ",".join(name for name in (part.strip() for part in header.split(",")) if name and name != BETA)


def with_diagnosis(detail: str | None, diagnosis: Diagnosis) -> str:
    """A row's detail with what the provider says in it."""
    known = msgspec.json.decode(detail, type=dict[str, object]) if detail else {}
    return msgspec.json.encode({**known, "provider": diagnosis.to_detail()}).decode()
