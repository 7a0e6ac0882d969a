"""Where it listens: nothing beyond loopback by itself, only exact names, and a warning that says what is open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.errors import ConfigError
from synrouter_cli.listening import LOOPBACK_ONLY, Listening, check_exposure, read_address, read_host

PORT = 7477


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.2"),
        ("0.0.0.0", "0.0.0.0"),
        ("172.17.0.1", "172.17.0.1"),
        ("::", "::"),
        ("[::1]", "::1"),
        ("FD00:0:0::1", "fd00::1"),
    ],
)
def test_an_address_is_taken_in_its_usual_spelling(text: str, address: str) -> None:
    assert read_address(text, where="--listen") == address


@pytest.mark.parametrize(
    "text",
    ["", "*", "localhost", "box", "1.2.3", "1.2.3.4:7477", "010.0.0.1", "::ffff:127.0.0.1", "fe80::1%eth0", "[::1"],
)
def test_anything_but_an_ip_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--listen: expected an IP address"):
        read_address(text, where="--listen")


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("host.docker.internal", "host.docker.internal"),
        ("Host.Docker.Internal", "host.docker.internal"),
        ("box:8080", "box:8080"),
        ("box:080", "box:80"),
        ("my_box-1", "my_box-1"),
        ("172.17.0.1", "172.17.0.1"),
        ("172.17.0.1:7000", "172.17.0.1:7000"),
        ("fd00::1", "[fd00::1]"),
        ("[FD00:0::1]", "[fd00::1]"),
        ("[fd00::1]:7000", "[fd00::1]:7000"),
    ],
)
def test_a_host_is_allowed_by_its_exact_name(text: str, entry: str) -> None:
    assert read_host(text, where="--allow-host") == entry


@pytest.mark.parametrize(
    "text",
    [
        *("", "*", "*.internal", ".internal", "box.", "a b", "box:", "box:0", "box:65536", "box:x", ":7477", "-box"),
        *("http://box", "box/path", "user@box", "1.2.3", "2130706433", "0x7f.1.2.3.4", "[box]", "[1.2.3.4]"),
        *("fe80::1%eth0", "[fe80::1%eth0]:1", "bücher", "box\n", "box,other"),
    ],
)
def test_patterns_urls_and_half_addresses_are_no_hosts(text: str) -> None:
    with pytest.raises(ConfigError, match="--allow-host: expected a Host"):
        read_host(text, where="--allow-host")


@given(st.text(max_size=40))
def test_a_host_that_is_taken_reads_the_same_again(text: str) -> None:
    try:
        entry = read_host(text, where="x")
    except ConfigError:
        return
    assert read_host(entry, where="x") == entry
    assert len(Listening("127.0.0.1", (entry,)).hosts(PORT)) in (1, 2)


@pytest.mark.parametrize(
    ("listening", "binds"),
    [
        (LOOPBACK_ONLY, ("127.0.0.1",)),
        (Listening("127.0.0.2"), ("127.0.0.1", "127.0.0.2")),
        (Listening("::1"), ("127.0.0.1", "::1")),
        (Listening("172.17.0.1", ("x",)), ("127.0.0.1", "172.17.0.1")),
        (Listening("0.0.0.0", ("x",)), ("0.0.0.0",)),
        (Listening("::", ("x",)), ("127.0.0.1", "::")),
    ],
)
def test_127_0_0_1_is_listened_on_in_any_case(listening: Listening, binds: tuple[str, ...]) -> None:
    assert listening.binds == binds


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "172.17.0.1", "fd00::1", "8.8.8.8"])
def test_no_address_beyond_loopback_is_opened_without_a_host_and_the_error_says_what_to_type(address: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_exposure(Listening(address), where="--listen")
    assert refused.value.hint.startswith(f"synrouter up --listen {address} --allow-host ")
    named = refused.value.hint.rpartition(" ")[2]
    read_host(named, where="the hint")
    opened = Listening(address, (named,))
    assert check_exposure(opened, where="--listen") is opened


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1"])
def test_loopback_needs_no_host_and_gives_no_warning(address: str) -> None:
    listening = check_exposure(Listening(address), where="--listen")
    assert (listening.exposed, listening.warning(PORT), listening.hosts(PORT)) == (False, "", frozenset())


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("127.0.0.1", {b"127.0.0.1:7477", b"localhost:7477", b"[::1]:7477"}),
        ("127.0.0.2", {b"127.0.0.1:7477", b"localhost:7477", b"[::1]:7477", b"127.0.0.2:7477"}),
        ("172.17.0.1", {b"127.0.0.1:7477", b"localhost:7477", b"[::1]:7477"}),
        ("0.0.0.0", {b"127.0.0.1:7477", b"localhost:7477", b"[::1]:7477"}),
    ],
)
def test_its_own_hosts_are_loopbacks(address: str, own: set[bytes]) -> None:
    assert Listening(address, ("x",)).own_hosts(PORT) == own


@pytest.mark.parametrize(
    ("entries", "port", "hosts"),
    [
        (("box",), 7477, {b"box:7477"}),
        (("box:8080",), 7477, {b"box:8080"}),
        (("[fd00::1]",), 7477, {b"[fd00::1]:7477"}),
        (("box:443",), 7477, {b"box:443", b"box"}),
        (("box",), 80, {b"box:80", b"box"}),
    ],
)
def test_a_name_is_allowed_at_our_port_and_a_port_that_its_scheme_implies_may_be_left_out(
    entries: tuple[str, ...], port: int, hosts: set[bytes]
) -> None:
    assert Listening("0.0.0.0", entries).hosts(port) == hosts


@pytest.mark.parametrize(
    ("address", "whom"),
    [
        ("0.0.0.0", "any IPv4 address of this machine"),
        ("::", "any IPv6 address of this machine"),
        ("172.17.0.1", "172.17.0.1"),
    ],
)
def test_the_warning_says_who_can_call_and_what_protects_it(address: str, whom: str) -> None:
    warning = Listening(address, ("box", "other:80")).warning(PORT)
    assert f"whoever reaches {whom}, port 7477, can call it as box or other:80" in warning
    assert "Only the local key protects it" in warning
    assert "nothing is encrypted" in warning
