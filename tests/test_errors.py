"""Errors: what they say, how a command leaves with them, how a client sees them."""

from __future__ import annotations

import json

import pytest

from synrouter_cli import errors
from synrouter_cli.errors import SynrouterError

ANTHROPIC_TYPES = {  # docs.anthropic.com, "Errors"
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "rate_limit_error",
    "api_error",
    "overloaded_error",
    "timeout_error",
}

SAID = [
    (errors.UsageError(detail="No such thing."), 2, "No such thing.", "synrouter --help"),
    (errors.ConfigError(where="a.toml", detail="bad"), 2, "a.toml: bad", "correct it, then: synrouter up"),
    (errors.NotRunning(), 3, "Synrouter is not running.", "synrouter up"),
    (errors.KeyringError(detail="It is locked."), 4, "It is locked.", "synrouter status"),
    (errors.ConfigConflict(detail="Changed meanwhile."), 5, "Changed meanwhile.", ""),
    (
        errors.EditError(3, 7, "a comma is missing"),
        5,
        "line 3, column 7: a comma is missing",
        "correct the file there, then type the command again",
    ),
    (errors.AlreadyRunning(where=" (pid 7)"), 1, "Synrouter is already running (pid 7).", "synrouter status"),
    (
        errors.PortBusy(port=7477),
        1,
        "Port 7477 on 127.0.0.1 is taken by another program.",
        "synrouter up --port 7478",
    ),
    (
        errors.NoProviderKey(provider="z-ai"),
        4,
        "Synrouter has no key for z-ai.",
        "synrouter keys set z-ai    # or export SYNROUTER_Z_AI_KEY=… before synrouter up",
    ),
]


@pytest.mark.parametrize(("error", "code", "message", "hint"), SAID, ids=lambda value: type(value).__name__)
def test_an_error_is_its_docstring_its_next_command_and_its_exit_code(error, code, message, hint):
    assert (error.exit_code, error.message, error.hint) == (code, message, hint)


def every_error() -> list[type[SynrouterError]]:
    return [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, SynrouterError)]


@pytest.mark.parametrize("kind", every_error())
def test_every_error_has_a_type_that_clients_know_and_a_status_of_an_error(kind):
    assert kind.type in ANTHROPIC_TYPES
    assert 400 <= kind.http_status < 600
    assert kind.exit_code in (1, 2, 3, 4, 5)


def test_the_port_after_the_last_one_is_not_suggested():
    assert errors.PortBusy(port=65535).hint == "synrouter up --port 7477"


def test_a_value_with_braces_is_shown_as_it_is():
    assert errors.NotFound(path="/v1/{x}").message == "Synrouter has no route /v1/{x}."


def test_the_next_command_of_one_case_replaces_the_one_of_its_class():
    assert errors.ConfigError(where="x", detail="y", hint="rm x").hint == "rm x"


def test_the_anthropic_body_holds_type_message_and_next_command():
    body = errors.body_anthropic(errors.MissingToken())
    assert json.loads(body) == {
        "type": "error",
        "error": {
            "type": "authentication_error",
            "message": "Synrouter: This request carries no valid local token of Synrouter. Next: synrouter token show",
        },
    }


def test_a_lone_surrogate_in_a_message_does_not_break_the_body():
    body = errors.body_anthropic(errors.InvalidRequest(detail="bad \ud800 path"))
    assert "bad ? path" in json.loads(body)["error"]["message"]
