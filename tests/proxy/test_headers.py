"""Which headers arrive on the other side, and whose credential."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.edge import CLIENT_TOKEN, CONTROL_TOKEN, MESSAGE, PROVIDER_KEY, Edge, running_edge, whole
from synrouter_cli.credentials import Secret
from synrouter_cli.errors import ForeignCredential, NoProviderKey
from synrouter_cli.providers import provider_of
from synrouter_cli.proxy.guard import Head, RawHeaders
from synrouter_cli.proxy.headers import choose_credential, for_planning, harmless, owner_of, to_client, to_upstream

KEYS = {"anthropic": Secret(PROVIDER_KEY), "openai": Secret("sk-of-another-provider")}


def raw(*pairs: tuple[str, str]) -> RawHeaders:
    return tuple((name.encode(), value.encode("latin-1")) for name, value in pairs)


def head(*pairs: tuple[str, str]) -> Head:
    return Head("POST", "/v1/messages", (1, 1), raw(*pairs))


# ── whose credential ──


def test_the_providers_key_replaces_the_local_token() -> None:
    chosen = choose_credential(
        head(("x-api-key", CLIENT_TOKEN)), provider_of("anthropic"), KEYS, keeps_credential=False
    )
    assert chosen.headers == [("x-api-key", PROVIDER_KEY)]
    assert chosen.billing == "api"


@pytest.mark.parametrize(
    ("own", "billing"),
    [
        ([("x-api-key", "sk-ant-api03-mine")], "api"),
        ([("Authorization", "Bearer sk-ant-oat01-login")], "subscription"),
        ([("Authorization", "Bearer sk-ant-api03-mine")], "api"),
        ([("Authorization", "Basic dTpw")], "api"),
        ([("x-api-key", "sk-a"), ("Authorization", "Bearer sk-ant-oat01-login")], "subscription"),
    ],
)
def test_with_synrouter_key_the_clients_own_credential_goes_on(own: list[tuple[str, str]], billing: str) -> None:
    given = head(("x-synrouter-key", CLIENT_TOKEN), *own)
    chosen = choose_credential(given, provider_of("anthropic"), KEYS, keeps_credential=True)
    assert chosen.headers == own
    assert chosen.billing == billing


@pytest.mark.parametrize(
    "own",
    [
        [],
        [("x-api-key", "")],
        [("x-api-key", CLIENT_TOKEN)],
        [("Authorization", f"Bearer {CLIENT_TOKEN}")],
        [("Authorization", f"Bearer {CONTROL_TOKEN}")],
    ],
)
def test_without_a_credential_of_its_own_the_providers_key_is_used(own: list[tuple[str, str]]) -> None:
    given = head(("x-synrouter-key", CLIENT_TOKEN), *own)
    chosen = choose_credential(given, provider_of("anthropic"), KEYS, keeps_credential=True)
    assert chosen.headers == [("x-api-key", PROVIDER_KEY)]


def test_of_two_own_credentials_a_local_token_is_left_out() -> None:
    given = head(("x-api-key", CLIENT_TOKEN), ("Authorization", "Bearer sk-ant-oat01-login"))
    chosen = choose_credential(given, provider_of("anthropic"), KEYS, keeps_credential=True)
    assert chosen.headers == [("Authorization", "Bearer sk-ant-oat01-login")]


def test_with_neither_the_error_names_the_command_and_the_variable() -> None:
    with pytest.raises(NoProviderKey) as error:
        choose_credential(head(), provider_of("anthropic"), {"openai": KEYS["openai"]}, keeps_credential=True)
    assert "SYNROUTER_ANTHROPIC_KEY" in str(error.value)
    assert "synrouter up" in str(error.value)


def test_a_scope_tells_credentials_providers_and_installations_apart() -> None:
    def scope(value: str, provider: str = "anthropic", key: bytes = b"k" * 32) -> bytes:
        chosen = choose_credential(head(("x-api-key", value)), provider_of("anthropic"), KEYS, keeps_credential=True)
        return chosen.scope(provider, key)

    different = {scope("a"), scope("b"), scope("a", "openai"), scope("a", key=b"l" * 32)}
    assert len(different) == 4
    assert scope("a") == scope("a")
    assert len(scope("a")) == 16


def test_an_owner_is_told_by_the_credential_that_is_passed_on_alone() -> None:
    def owner(*headers: tuple[str, str], keeps: bool = True, key: bytes = b"k" * 32) -> bytes:
        return owner_of(head(*headers), key, keeps_credential=keeps)

    ours, one, another = owner(keeps=False), owner(("x-api-key", "a")), owner(("Authorization", "Bearer b"))
    assert len({ours, one, another, owner(key=b"l" * 32)}) == 4
    assert one == owner(("x-api-key", "a"), ("x-claude-code-session-id", "s")) and len(one) == 16
    assert ours == owner() == owner(("x-api-key", CLIENT_TOKEN)) == owner(("x-api-key", "a"), keeps=False)


def test_a_credential_never_shows_itself() -> None:
    chosen = choose_credential(head(("x-api-key", "sk-secret")), provider_of("anthropic"), KEYS, keeps_credential=True)
    assert "sk-secret" not in repr(chosen)


# ── what goes on ──


def test_names_case_order_and_repeats_are_kept() -> None:
    pairs = [("X-B", "2"), ("anthropic-beta", "a"), ("x-a", "1"), ("X-B", "3"), ("Cookie", "c=1"), ("x-empty", "")]
    assert to_upstream(raw(*pairs), ()) == pairs


def test_a_repeat_in_another_case_is_kept_under_the_first_spelling() -> None:
    assert to_upstream(raw(("X-B", "2"), ("x-b", "3")), ()) == [("X-B", "2"), ("X-B", "3")]


@pytest.mark.parametrize(
    "name",
    [
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "TE",
        "Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings", "Host", "Content-Length",
        "Accept-Encoding", "Expect", "x-synrouter-key", "X-Synrouter-Client", "x-api-key", "Authorization",
    ],
)  # fmt: skip
def test_headers_of_this_hop_and_ours_stay_here(name: str) -> None:
    assert to_upstream(raw((name, "v"), (name.upper(), "w")), ()) == []


def test_headers_that_connection_names_stay_here() -> None:
    pairs = raw(("Connection", "close, X-Private ,x-other"), ("x-private", "1"), ("X-Other", "2"), ("X-On", "3"))
    assert to_upstream(pairs, ()) == [("X-On", "3")]


@pytest.mark.parametrize("value", [CLIENT_TOKEN, f"Token {CLIENT_TOKEN}", f"a={CONTROL_TOKEN}; b", "sk-sr-local-old"])
def test_whatever_holds_a_local_token_stays_here(value: str) -> None:
    assert to_upstream(raw(("x-forwarded-key", value)), ()) == []


def test_content_encoding_is_dropped_only_with_the_encoding() -> None:
    pairs = raw(("Content-Encoding", "gzip"), ("Content-Type", "application/json"))
    assert to_upstream(pairs, ()) == [("Content-Encoding", "gzip"), ("Content-Type", "application/json")]
    assert to_upstream(pairs, (), decoded=True) == [("Content-Type", "application/json")]


def test_an_answer_keeps_its_headers_but_those_of_its_hop_and_those_that_open_doors() -> None:
    pairs = raw(
        ("request-id", "r1"),
        ("Set-Cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("Connection", "keep-alive, x-hop"),
        ("x-hop", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Alt-Svc", 'h3=":443"'),
        ("Access-Control-Allow-Origin", "*"),
        ("x-synrouter-session", "forged"),
    )
    assert to_client(pairs, {"x-synrouter-session": "s1"}) == [
        ("request-id", "r1"),
        ("Set-Cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("x-synrouter-session", "s1"),
    ]


def test_what_we_add_is_one_harmless_line() -> None:
    assert harmless("safe; ttl=1h\r\nSet-Cookie: x=1\u2028\x1b[0m") == "safe; ttl=1h?Set-Cookie: x=1?[0m"
    assert len(harmless("x" * 10_000)) == 200


def test_planning_sees_no_credentials() -> None:
    pairs = raw(
        ("X-Api-Key", "s"), ("Authorization", "s"), ("x-synrouter-key", "s"), ("Cookie", "s"),
        ("Proxy-Authorization", "s"), ("Anthropic-Beta", "a"), ("anthropic-beta", "b"), ("x-synrouter-mode", "coding"),
    )  # fmt: skip
    assert for_planning(pairs) == {"anthropic-beta": "a, b", "x-synrouter-mode": "coding"}


@given(st.binary(max_size=30))
def test_any_value_becomes_one_that_can_be_written(value: bytes) -> None:
    [(_, text)] = to_client(((b"x-any", value),), {})
    assert not any(ord(character) < 32 and character != "\t" for character in text)
    text.encode("utf-8")


# ── through the running proxy ──


async def test_the_upstream_gets_the_clients_headers_and_one_credential(edge: Edge) -> None:
    await edge.ask(
        headers=[
            ("User-Agent", "claude-cli/2.1"),
            ("anthropic-beta", "one,two"),
            ("X-Odd-CASE", "1"),
            ("X-Odd-CASE", "2"),
            ("Accept-Encoding", "br, gzip"),
            ("Connection", "keep-alive"),
            ("X-Name", "caf\u00e9"),
        ]
    )
    [received] = edge.upstream.received
    assert received.headers == [
        ("Host", f"127.0.0.1:{edge.upstream.port}"),
        ("User-Agent", "claude-cli/2.1"),
        ("anthropic-beta", "one,two"),
        ("X-Odd-CASE", "1"),
        ("X-Odd-CASE", "2"),
        ("X-Name", "caf\u00e9".encode().decode("latin-1")),
        ("x-api-key", PROVIDER_KEY),
        ("Content-Length", "2"),
    ]


async def test_nothing_is_added_that_the_client_did_not_send(edge: Edge) -> None:
    await edge.ask("GET", "/v1/models", b"")
    [received] = edge.upstream.received
    assert [name for name, _ in received.headers] == ["Host", "x-api-key"]


async def test_the_client_gets_the_upstreams_headers_and_ours(edge: Edge) -> None:
    edge.upstream.plays(whole(MESSAGE, request_id="req_1", anthropic_ratelimit_x="5", server="nginx"))
    answer = await edge.ask()
    assert answer.all("request-id") == ["req_1"]
    assert answer.all("anthropic-ratelimit-x") == ["5"]
    assert answer.all("server") == ["nginx"]
    assert answer.all("content-length") == [str(len(MESSAGE))]
    assert answer.all("x-synrouter-session") == ["session-1"]
    assert answer.all("x-synrouter-turn") == ["1"]
    assert answer.all("x-synrouter-plan") == ["safe; marks=0"]


async def test_a_client_that_keeps_its_login_is_forwarded_as_itself(edge: Edge) -> None:
    login = ("Authorization", "Bearer sk-ant-oat01-login")
    await edge.ask(headers=[login, ("x-synrouter-key", CLIENT_TOKEN)], token=None)
    [received] = edge.upstream.received
    assert received.all("authorization") == [login[1]]
    assert received.all("x-api-key") == []
    assert edge.turns.turns[0].inbound.billing == "subscription"
    assert CLIENT_TOKEN not in str(received)


async def test_without_a_key_the_client_is_told_what_to_type() -> None:
    async with running_edge(provider_keys={}) as edge:
        answer = await edge.ask()
        assert answer.status == NoProviderKey.http_status
        assert answer.error["type"] == NoProviderKey.type
        assert "SYNROUTER_ANTHROPIC_KEY" in answer.error["message"]
        assert edge.upstream.received == []


@pytest.mark.parametrize(
    ("header", "value", "at_home", "passed"),
    [
        ("x-api-key", "sk-ant-api03-a", True, True),
        ("authorization", "Bearer sk-ant-oat01-a", True, True),
        ("x-api-key", "sk-proj-a", True, False),
        ("authorization", "Bearer sk-proj-a", True, False),
        ("x-api-key", "whatever", True, False),
        ("x-api-key", "whatever", False, True),  # a relay that the user named has keys of its own kind
        ("authorization", "Bearer sk-proj-a", False, False),
        ("x-api-key", "xai-a", False, False),
    ],
)
def test_a_clients_credential_goes_only_to_the_provider_it_belongs_to(
    header: str, value: str, at_home: bool, passed: bool
) -> None:
    try:
        chosen = choose_credential(
            head((header, value)), provider_of("anthropic"), KEYS, keeps_credential=True, at_home=at_home
        )
    except ForeignCredential as error:
        assert not passed and value not in str(error) and value not in error.message
    else:
        assert passed and chosen.headers == [(header, value)]
