"""What is refused, and how OpenAI words an error (developers.openai.com, "Error codes").

>>> refused = Refusal("Unknown parameter: 'system'.", "system", "unknown_parameter")
>>> refused.body()["error"]["code"]
'unknown_parameter'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["STATUSES", "Refusal", "invalid_key", "missing", "too_long", "unknown", "wrong_type", "wrong_value"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer."""

    message: str
    param: str | None = None
    code: str | None = None
    status: int = 400
    kind: str = "invalid_request_error"

    def body(self) -> dict[str, Any]:
        """As it is sent."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


STATUSES: Final[Mapping[int, Refusal]] = {
    refusal.status: refusal
    for refusal in (
        Refusal("Bad request."),
        Refusal("Incorrect API key provided.", code="invalid_api_key", status=401),
        Refusal("Insufficient balance.", code="insufficient_balance", status=402, kind="billing_error"),
        Refusal("Your request was refused.", code="forbidden", status=403, kind="request_forbidden"),
        Refusal("Not found.", status=404),
        Refusal("The request is too large.", code="request_too_large", status=413),
        Refusal("Rate limit reached for requests.", code="rate_limit_exceeded", status=429, kind="requests"),
        Refusal("The server had an error while processing your request.", status=500, kind="server_error"),
        Refusal("The engine is currently overloaded, please try again later.", status=503, kind="server_error"),
        Refusal("The request timed out.", status=504, kind="server_error"),
        Refusal("Overloaded.", code="overloaded", status=529, kind="server_error"),
    )
}
"""What a fault of this status says."""


def unknown(path: str) -> Refusal:
    """A field that the API does not have."""
    return Refusal(f"Unknown parameter: '{path}'.", path, "unknown_parameter")


def missing(path: str) -> Refusal:
    """A field that must be there."""
    return Refusal(f"Missing required parameter: '{path}'.", path, "missing_required_parameter")


def wrong_type(path: str, expected: str, value: Any) -> Refusal:
    """A field of another type; `expected` with its article."""
    names = {str: "a string", bool: "a boolean", int: "an integer", float: "a decimal", list: "an array"}
    got = "null" if value is None else names.get(type(value), "an object")
    return Refusal(f"Invalid type for '{path}': expected {expected}, but got {got} instead.", path, "invalid_type")


def wrong_value(path: str, value: Any, supported: tuple[str, ...]) -> Refusal:
    """A field whose value is none of those that there are."""
    *most, last = (f"'{one}'" for one in supported)
    listed = f"{', '.join(most)}, and {last}" if most else last
    return Refusal(f"Invalid value: '{value}'. Supported values are: {listed}.", path, "invalid_value")


def too_long(path: str, value: str, most: int) -> Refusal:
    """A text of more than `most` characters."""
    message = f"Invalid '{path}': string too long. Expected a string with maximum length {most}, but got a string with"
    return Refusal(f"{message} length {len(value)} instead.", path, "string_above_max_length")


def invalid_key(given: bool) -> Refusal:
    """No key, or another than the one that is taken."""
    if given:
        return STATUSES[401]
    words = "You didn't provide an API key. Provide it in an Authorization header using Bearer auth."
    return Refusal(words, status=401)
