"""The door: each line of the checklist as a request that is let in or refused."""

from __future__ import annotations

import pytest

from support.edge import CLIENT_TOKEN, CONTROL_TOKEN, Edge, Tokens, request
from synrouter_cli.errors import (
    ForeignOrigin,
    InvalidRequest,
    MissingToken,
    NotFound,
    NotLocal,
    SynrouterError,
    UpgradeRequired,
    WrongHost,
)
from synrouter_cli.listening import Listening
from synrouter_cli.proxy.guard import Guard, Head, bearer
from synrouter_cli.routing import ROUTES

PORT = 7477
guard = Guard(Tokens(), port=PORT)


def head(
    *headers: tuple[str, str],
    method: str = "POST",
    target: str = "/v1/messages",
    version: tuple[int, int] = (1, 1),
    host: str | None = f"127.0.0.1:{PORT}",
    token: str | None = CLIENT_TOKEN,
    peer: str = "127.0.0.1",
) -> Head:
    pairs = [*([("Host", host)] if host is not None else []), *([("x-api-key", token)] if token else []), *headers]
    encoded = tuple((n.encode(), v.encode("latin-1")) for n, v in pairs)
    return Head(method, target, version, encoded, peer)


def refused(error: type[SynrouterError], *headers: tuple[str, str], **rest: object) -> None:
    with pytest.raises(error):
        guard.admit(head(*headers, **rest))  # type: ignore[arg-type]


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"[::1]:{PORT}", f"LOCALHOST:{PORT}"])
def test_its_own_address_is_let_in(host: str) -> None:
    assert guard.admit(head(host=host)).match.route.endpoint == "messages"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:7478",
        "evil.com",
        f"evil.com:{PORT}",
        f"127.0.0.1@evil.com:{PORT}",
        f"127.0.0.1:{PORT}@evil.com",
        f"127.0.0.1.:{PORT}",
        f"127.0.0.1:{PORT} ",
        f"127.0.0.2:{PORT}",
        f"0.0.0.0:{PORT}",
        f"[::ffff:127.0.0.1]:{PORT}",
        f"localhost.evil.com:{PORT}",
        "",
        None,
    ],
)
def test_any_other_host_is_misdirected(host: str | None) -> None:
    refused(WrongHost, host=host)
    refused(WrongHost, host=host, method="GET", target="/healthz")


def test_two_hosts_are_misdirected_even_if_both_fit() -> None:
    refused(WrongHost, ("Host", f"127.0.0.1:{PORT}"))


@pytest.mark.parametrize("origin", ["http://evil.com", "null", "", f"http://127.0.0.1:{PORT}"])
def test_any_origin_is_refused_on_every_route(origin: str) -> None:
    for route in ROUTES:
        token = CONTROL_TOKEN if route.action == "control" else CLIENT_TOKEN
        refused(ForeignOrigin, ("Origin", origin), method=route.method, target=route.pattern, token=token)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site"])
def test_a_browser_on_another_site_is_refused(site: str) -> None:
    refused(ForeignOrigin, ("Sec-Fetch-Site", site))


def test_a_program_that_says_no_site_is_let_in() -> None:
    guard.admit(head(("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Site", "none")))


@pytest.mark.parametrize("version", [(0, 9), (1, 0), (2, 0)])
def test_only_http_1_1_is_served(version: tuple[int, int]) -> None:
    refused(InvalidRequest, version=version)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("CONNECT", "evil.com:443"),
        ("POST", "http://evil.com/v1/messages"),
        ("POST", f"http://127.0.0.1:{PORT}/v1/messages"),
        ("OPTIONS", "*"),
        ("GET", "/v1/%2e%2e/healthz"),
    ],
)
def test_targets_other_than_a_plain_path_are_refused(method: str, target: str) -> None:
    refused(InvalidRequest, method=method, target=target)


@pytest.mark.parametrize("value", ["gzip, chunked", "identity", "chunked, chunked", ""])
def test_transfer_encodings_other_than_chunked_are_refused(value: str) -> None:
    refused(InvalidRequest, ("Transfer-Encoding", value))


def test_a_websocket_upgrade_is_told_to_use_http_and_needs_no_token() -> None:
    for target in ("/v1/responses", "/v1/messages", "/anything"):
        refused(UpgradeRequired, ("Upgrade", "WebSocket"), method="GET", target=target, token=None)


def test_another_upgrade_is_ignored() -> None:
    guard.admit(head(("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c")))


@pytest.mark.parametrize(
    ("name", "value", "keeps"),
    [
        ("x-api-key", CLIENT_TOKEN, False),
        ("X-Api-Key", CLIENT_TOKEN, False),
        ("Authorization", f"Bearer {CLIENT_TOKEN}", False),
        ("authorization", f"bearer  {CLIENT_TOKEN} ", False),
        ("x-synrouter-key", CLIENT_TOKEN, True),
    ],
)
def test_the_token_is_taken_in_three_headers(name: str, value: str, keeps: bool) -> None:
    assert guard.admit(head((name, value), token=None)).keeps_credential is keeps


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-api-key", "wrong"),
        ("x-api-key", ""),
        ("x-api-key", CLIENT_TOKEN + "x"),
        ("x-api-key", CLIENT_TOKEN[:-1]),
        ("x-api-key", f"{CLIENT_TOKEN}\u00ff"),
        ("x-api-key", "\u00fc\u00e9"),
        ("Authorization", CLIENT_TOKEN),
        ("Authorization", f"Basic {CLIENT_TOKEN}"),
        ("Authorization", "Bearer"),
        ("Cookie", f"x-api-key={CLIENT_TOKEN}"),
        ("x-api-key", CONTROL_TOKEN),
    ],
)
def test_a_wrong_token_is_refused_whatever_its_bytes(name: str, value: str) -> None:
    refused(MissingToken, (name, value), token=None)


def test_a_wrong_synrouter_key_is_not_made_good_by_another_header() -> None:
    refused(MissingToken, ("x-synrouter-key", "wrong"))


def test_the_token_in_the_address_is_refused_before_it_can_travel() -> None:
    refused(InvalidRequest, target=f"/v1/messages?key={CLIENT_TOKEN}")


def test_client_and_control_token_do_not_open_each_others_routes() -> None:
    for route in ROUTES:
        if route.action == "constant":
            continue
        wrong = CLIENT_TOKEN if route.action == "control" else CONTROL_TOKEN
        refused(MissingToken, method=route.method, target=route.pattern, token=wrong)


def test_without_a_token_nobody_learns_what_is_served() -> None:
    refused(MissingToken, method="GET", target="/nothing/here", token=None)
    refused(NotFound, method="GET", target="/nothing/here")


def test_bearer_takes_the_token_of_its_own_scheme_only() -> None:
    assert bearer(b"BEARER abc") == b"abc"
    assert bearer(b"Basic abc") == b""
    assert bearer(b"abc") == b""


def test_a_head_never_shows_its_headers() -> None:
    assert CLIENT_TOKEN not in repr(head())


# ── where it listens elsewhere too ──

ELSEWHERE = "172.17.0.5"
open_guard = Guard(Tokens(), port=PORT, listening=Listening("0.0.0.0", ("box", "other:80", "[fd00::1]")))


@pytest.mark.parametrize(
    ("host", "from_elsewhere", "from_here"),
    [
        (f"box:{PORT}", True, True),
        (f"BOX:{PORT}", True, True),
        (f"[fd00::1]:{PORT}", True, True),
        ("other:80", True, True),
        ("other", True, True),
        (f"127.0.0.1:{PORT}", False, True),
        (f"localhost:{PORT}", False, True),
        (f"[::1]:{PORT}", False, True),
        ("box", False, False),
        ("box:7478", False, False),
        (f"box.:{PORT}", False, False),
        (f"box.evil.com:{PORT}", False, False),
        (f"evil.box:{PORT}", False, False),
        (f"other:{PORT}", False, False),
        (f"0.0.0.0:{PORT}", False, False),
        (f"{ELSEWHERE}:{PORT}", False, False),
        (f"box:{PORT}, box:{PORT}", False, False),
        ("", False, False),
        (None, False, False),
    ],
)
def test_elsewhere_only_allowed_hosts_are_served(host: str | None, from_elsewhere: bool, from_here: bool) -> None:
    for peer, served in ((ELSEWHERE, from_elsewhere), ("127.0.0.1", from_here), ("127.0.0.3", from_here)):
        if served:
            assert open_guard.admit(head(host=host, peer=peer)).match.route.endpoint == "messages"
        else:
            with pytest.raises(WrongHost):
                open_guard.admit(head(host=host, peer=peer))


@pytest.mark.parametrize("peer", ["", ELSEWHERE, "::", "fe80::1%eth0", "0.0.0.0", "127.0.0.1.evil.com", "nonsense"])
def test_whoever_is_not_certainly_on_this_machine_is_not(peer: str) -> None:
    refused(WrongHost, peer=peer)


@pytest.mark.parametrize(("peer", "host"), [(ELSEWHERE, "box"), ("127.0.0.1", "box"), ("::1", "box"), ("", "box")])
def test_the_control_api_is_served_to_this_machine_by_its_own_name_alone(peer: str, host: str) -> None:
    routes = [route for route in ROUTES if route.action == "control"]
    assert routes
    for route in routes:
        how = {"method": route.method, "target": route.pattern, "token": CONTROL_TOKEN}
        with pytest.raises(NotLocal):
            open_guard.admit(head(host=f"{host}:{PORT}", peer=peer, **how))
        assert open_guard.admit(head(peer="::1", **how)).match.route is route


def test_without_a_token_nobody_elsewhere_is_served() -> None:
    with pytest.raises(MissingToken):
        open_guard.admit(head(host=f"box:{PORT}", peer=ELSEWHERE, token=None))


# ── through the running proxy ──


async def test_every_route_but_the_constant_ones_answers_401_without_a_token(edge: Edge) -> None:
    for route in ROUTES:
        target = route.pattern.replace("{id}", "x1")
        answer = await edge.ask(route.method, target, b"", token=None)
        if route.action == "constant":
            assert answer.status == 200, route
            assert answer.body == (b"ok" if route.endpoint == "healthz" else b"")
        else:
            assert answer.status == 401, route
            assert answer.error["type"] == "authentication_error"
            assert "synrouter token show" in answer.error["message"]
    assert edge.upstream.received == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("Origin", "https://evil.com")], 403),
        ([("Sec-Fetch-Site", "cross-site")], 403),
        ([("Connection", "Upgrade"), ("Upgrade", "websocket")], 426),
        ([("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Origin", "https://evil.com")], 403),
    ],
)
async def test_refusals_are_in_the_dialect_without_cors_and_end_the_connection(
    edge: Edge, headers: list[tuple[str, str]], status: int
) -> None:
    async with edge.connect() as connection:
        await connection.send(request(edge.port, headers=headers))
        answer = await connection.response()
        assert answer.status == status
        assert answer.error["message"].startswith("Synrouter")
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]
        assert await connection.closed()
    assert edge.upstream.received == []


async def test_the_server_header_names_no_library(edge: Edge) -> None:
    for target, token in (("/healthz", None), ("/v1/models", CLIENT_TOKEN), ("/v1/models", None)):
        answer = await edge.ask("GET", target, b"", token=token)
        assert answer.all("server") == ["synrouter"]


async def test_a_port_scan_over_other_interfaces_finds_nothing(edge: Edge) -> None:
    sockets = edge.running._door.sockets
    assert [socket.getsockname()[0] for socket in sockets] == ["127.0.0.1"]
