"""`encrypted_content` of a reasoning item: opaque, bound to an account, and refused once a byte of it was changed.

>>> sealed = seal("0a" * 16, "account", 40)
>>> sealed[:4], flaw(sealed, "account"), flaw(sealed, "other"), flaw(sealed[:-1] + "?", "account")
('gAAA', None, 'organization', 'unreadable')
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256, shake_256
from typing import Final, Literal

from synrouter_cli.demo.openai.errors import Refusal

__all__ = ["flaw", "not_verified", "seal"]

_KEY: Final = b"the simulated provider's"
_VERSION: Final = b"\x80\x00\x00\x00"
_MAC_BYTES: Final = 32
_REASONS: Final = {
    "unreadable": "Encrypted content could not be decrypted or parsed.",
    "organization": "Encrypted content organization_id did not match the target organization.",
}


def seal(ident: str, account: str, size: int) -> str:
    """About as long as `size` bytes of thought are. The same for the same `ident` (hex) and account."""
    sealed = _VERSION + _owner(account) + shake_256(ident.encode()).digest(16 + size)
    return urlsafe_b64encode(sealed + _mac(sealed)).decode()


def flaw(text: str, account: str) -> Literal["unreadable", "organization"] | None:
    """Why it is not taken back, or None where it is."""
    try:
        raw = urlsafe_b64decode(text)
    except ValueError:
        return "unreadable"
    sealed, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if urlsafe_b64encode(raw).decode() != text or not hmac.compare_digest(mac, _mac(sealed)):
        return "unreadable"
    return None if sealed[4:20] == _owner(account) else "organization"


def not_verified(text: str, why: str) -> Refusal:
    """The 400 for it."""
    shown = f"{text[:4]}...{text[-4:]}"
    message = f"The encrypted content {shown} could not be verified. Reason: {_REASONS[why]}"
    return Refusal(message, None, "invalid_encrypted_content")


def _owner(account: str) -> bytes:
    return sha256(account.encode()).digest()[:16]


def _mac(sealed: bytes) -> bytes:
    return hmac.digest(_KEY, sealed, "sha256")
