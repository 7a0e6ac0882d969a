"""Which path is served how, and which targets are refused for what they could mean elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.routing import ROUTES, match, not_served, split_target


@pytest.mark.parametrize(
    "path",
    ["/v1/messages", "/api/anthropic/v1/messages", "/messages", "/api/anthropic/messages", "/api/v1/messages"],
)
def test_messages_and_their_count_are_turns_with_and_without_v1(path: str) -> None:
    for tail, endpoint in (("", "messages"), ("/count_tokens", "count_tokens")):
        found = match("POST", path + tail)
        assert found is not None
        assert (found.route.action, found.route.endpoint) == ("turn", endpoint)
        assert (found.route.provider, found.route.dialect) == ("anthropic", "anthropic")
        assert found.upstream_path == f"/v1/messages{tail}"


@pytest.mark.parametrize(
    ("method", "path", "upstream_path"),
    [
        ("GET", "/v1/models", "/v1/models"),
        ("GET", "/api/anthropic/v1/models/claude-opus-5", "/v1/models/claude-opus-5"),
        ("GET", "/v1/models/claude%5B1m%5D", "/v1/models/claude%5B1m%5D"),
        ("POST", "/v1/messages/batches", "/v1/messages/batches"),
        ("GET", "/v1/messages/batches/b_1/results", "/v1/messages/batches/b_1/results"),
        ("POST", "/v1/messages/batches/b_1/cancel", "/v1/messages/batches/b_1/cancel"),
        ("DELETE", "/v1/messages/batches/b_1", "/v1/messages/batches/b_1"),
        ("POST", "/v1/files", "/v1/files"),
        ("GET", "/api/anthropic/v1/files/f_1/content", "/v1/files/f_1/content"),
    ],
)
def test_the_rest_of_the_api_is_streamed_through(method: str, path: str, upstream_path: str) -> None:
    found = match(method, path)
    assert found is not None
    assert (found.route.action, found.upstream_path) == ("relay", upstream_path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/messages"),
        ("POST", "/v1/messages/"),
        ("POST", "//v1/messages"),
        ("POST", "/v1//messages"),
        ("POST", "/V1/messages"),
        ("POST", "/v1/messages;x"),
        ("PUT", "/v1/files"),
        ("GET", "/v1/files/a/b/c"),
        ("GET", "/v1/models/a/b"),
        ("GET", "/v1/organizations/api_keys"),
        ("GET", "/"),
        ("POST", "/healthz"),
        ("GET", "/_synrouter/"),
        ("GET", "/_synrouter/shutdown"),
    ],
)
def test_what_is_not_in_the_table_is_not_served(method: str, path: str) -> None:
    assert match(method, path) is None


def test_only_constant_routes_have_no_provider_and_no_control() -> None:
    for route in ROUTES:
        assert (route.action in ("turn", "relay") and route.dialect == "anthropic") == bool(route.provider), route
        assert (route.action == "control") == route.pattern.startswith("/_synrouter/"), route


@pytest.mark.parametrize("path", ["/v1/completions", "/api/v1/chat", "/v1/chat/completions/c_1", "/v1/responses/r_1"])
def test_openai_paths_are_told_what_is_served(path: str) -> None:
    error = not_served(path)
    assert error.http_status == 404
    assert "/v1/chat/completions" in str(error)
    assert path in error.message


def test_a_path_with_another_method_is_told_its_own() -> None:
    said = str(not_served("/v1/messages", "GET"))
    assert said == "Synrouter has no route GET /v1/messages. Next: POST /v1/messages"
    assert str(not_served("/v1/models", "POST")).endswith("Next: GET /v1/models")


def test_a_long_unknown_path_is_shown_in_part() -> None:
    assert len(not_served("/" + "x" * 5000).message) < 200


def test_path_and_query_are_kept_byte_for_byte() -> None:
    assert split_target("/v1/messages?beta=true&x=%2F..%00;'\"") == (
        "/v1/messages",
        "?beta=true&x=%2F..%00;'\"",
    )
    assert split_target("/v1/messages") == ("/v1/messages", "")
    assert split_target("/v1/messages?") == ("/v1/messages", "?")


@pytest.mark.parametrize(
    "target",
    [
        "/v1/../_synrouter/health",
        "/v1/./messages",
        "/v1/messages/..",
        "/v1/%2e%2e/messages",
        "/v1/.%2E/messages",
        "/v1%2fmessages",
        "/v1/messages%5c",
        "/v1\\messages",
        "/v1/messages%00",
        "/v1/%252e%252e/messages",
        "/v1/%zz",
        "/v1/messages%",
        "/v1/messages#x",
        "/v1/messages?x#y",
        "/v1/mess ages",
        "/v1/messages\x7f",
        "/v1/m\u00e9ssages",
        "http://127.0.0.1/v1/messages",
        "*",
        "",
    ],
)
def test_targets_that_servers_read_differently_are_refused(target: str) -> None:
    with pytest.raises(InvalidRequest):
        split_target(target)


@given(st.text(st.characters(codec="ascii"), max_size=40))
def test_any_target_is_either_refused_or_kept_as_it_was(target: str) -> None:
    try:
        path, query = split_target(f"/{target}")
    except InvalidRequest:
        return
    assert path + query == f"/{target}"
    assert "\\" not in path and "/../" not in f"{path}/"
