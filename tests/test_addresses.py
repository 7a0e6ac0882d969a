"""Which addresses may be called, and whether a proxy stands between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.addresses import (
    Proxies,
    bypasses_proxy,
    check_self_loop,
    check_upstream,
    is_loopback,
    parse_upstream,
    read_proxies,
)
from synrouter_cli.errors import ConfigError

GOOD = [
    ("https://api.anthropic.com", "https://api.anthropic.com"),
    ("https://api.anthropic.com/", "https://api.anthropic.com"),
    ("https://relay.example/a/b//", "https://relay.example/a/b"),
    ("https://10.0.0.7:8443/v1", "https://10.0.0.7:8443/v1"),
    ("http://127.0.0.1:9911", "http://127.0.0.1:9911"),
    ("http://[::1]:9911/x", "http://[::1]:9911/x"),
    ("http://localhost:9911", "http://localhost:9911"),
]

BAD = [
    "http://api.anthropic.com",
    "http://127.0.0.2:80",
    "http://127.1:80",
    "http://0.0.0.0:80",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "http://127.0.0.1@evil.example",
    "http://evil.example#@127.0.0.1",
    "http://127.0.0.1\\@evil.example",
    "https://user:secret@api.example",
    "https://api.example?x=1",
    "https://api.example/#f",
    "https://api.example/a/../b",
    "https://api.example/%2e%2e/b",
    "https://api.example:0",
    "https://api.example:65536",
    "https://api.example:99999999",
    "https://[zz]",
    "https://[:::::]",
    "https:///x",
    "ftp://127.0.0.1",
    "file:///etc/passwd",
    "https://a\n.example",
    " https://a.example",
    "https://ä.example",
    "",
]


@pytest.mark.parametrize(("url", "kept"), GOOD)
def test_an_upstream_is_https_or_http_on_loopback_and_loses_its_trailing_slashes(url, kept):
    assert check_upstream(url, where="x") == kept


@pytest.mark.parametrize("url", BAD)
def test_any_other_upstream_is_refused_by_name_of_the_setting(url):
    with pytest.raises(ConfigError) as raised:
        check_upstream(url, where="--upstream anthropic")
    assert raised.value.message.startswith("--upstream anthropic: ")


def test_a_refused_upstream_does_not_show_a_password_in_it():
    with pytest.raises(ConfigError) as raised:
        check_upstream("https://user:hunter2@api.example", where="x")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("spec", ["anthropic", "=https://a.example", "Bad Name=https://a.example", "a_b=https://a"])
def test_an_upstream_option_without_name_and_url_is_refused(spec):
    with pytest.raises(ConfigError):
        parse_upstream(spec)


def test_an_upstream_option_is_split_at_its_first_equals_sign():
    assert parse_upstream("anthropic=https://a.example/x=y") == ("anthropic", "https://a.example/x=y")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:7477", "http://localhost:7477/v1", "http://[::1]:7477", "https://127.0.0.1:7477"],
)
def test_an_upstream_that_is_this_proxy_is_refused(url):
    with pytest.raises(ConfigError, match="Synrouter itself"):
        check_self_loop({"anthropic": url}, 7477)


@pytest.mark.parametrize("url", ["http://127.0.0.1:7478", "https://api.example:7477", "https://api.example"])
def test_an_upstream_on_another_port_or_host_is_no_loop(url):
    check_self_loop({"anthropic": url}, 7477)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("LOCALHOST.", True),
        ("10.0.0.1", False),
        ("a", False),
    ],
)
def test_loopback_is_told_by_address_or_the_name_localhost(host, expected):
    assert is_loopback(host) is expected


NO_PROXY = [
    ("api.example", 443, "*", True),
    ("api.example", 443, "api.example", True),
    ("api.example", 443, "example", True),
    ("api.example", 443, ".example", True),
    ("api.example", 443, "*.example", True),
    ("API.Example.", 443, "api.EXAMPLE", True),
    ("badexample", 443, "example", False),
    ("api.example", 443, "pi.example", False),
    ("api.example", 443, "api.example:443", True),
    ("api.example", 443, "api.example:80", False),
    ("10.1.2.3", 443, "10.0.0.0/8", True),
    ("11.1.2.3", 443, "10.0.0.0/8", False),
    ("api.example", 443, "10.0.0.0/8", False),
    ("10.1.2.3", 443, "10.1.2.3", True),
    ("2001:db8::5", 443, "2001:db8::/32", True),
    ("2001:db8::5", 443, "2001:db8::5", True),
    ("2001:db8::5", 443, "[2001:db8::5]:443", True),
    ("2001:db8::5", 443, "[2001:db8::5]:444", False),
    ("api.example", 443, "", False),
    ("api.example", 443, ".", False),
    ("api.example", 443, "bad/mask", False),
]


@pytest.mark.parametrize(("host", "port", "entry", "expected"), NO_PROXY)
def test_no_proxy_entries(host, port, entry, expected):
    assert bypasses_proxy(host, port, (entry,)) is expected


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_never_goes_through_a_proxy(host):
    assert bypasses_proxy(host, 80, ())


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_proxy_takes_any_text(host, entry):
    assert bypasses_proxy(host, 443, (entry,)) in (True, False)


def test_the_proxy_follows_the_scheme():
    proxies = Proxies(http="http://p1:1", https="http://p2:2", no_proxy=("direct.example",))
    assert proxies.for_url("https://api.example/v1") == "http://p2:2"
    assert proxies.for_url("http://api.example:81") == "http://p1:1"
    assert proxies.for_url("https://direct.example") is None
    assert proxies.for_url("http://127.0.0.1:9911") is None
    assert Proxies().for_url("https://api.example") is None


def test_proxies_are_read_lower_case_before_upper_and_get_a_scheme():
    found = read_proxies({"https_proxy": "corp:3128", "HTTPS_PROXY": "http://other:1", "HTTP_PROXY": "http://h:1"})
    assert (found.http, found.https) == ("http://h:1", "http://corp:3128")
    assert read_proxies({"NO_PROXY": "A.example, b.example  c"}).no_proxy == ("a.example", "b.example", "c")


def test_a_proxy_password_is_in_no_repr_and_no_error():
    assert "hunter2" not in repr(read_proxies({"https_proxy": "http://u:hunter2@p:1"}))
    with pytest.raises(ConfigError) as raised:
        read_proxies({"https_proxy": "socks5://u:hunter2@p:1"})
    assert "hunter2" not in str(raised.value)
    assert "https_proxy" in raised.value.message
