"""The local tokens: private, lasting, each for its own door."""

from __future__ import annotations

import re
import stat

import pytest

from synrouter_cli.daemon import tokens
from synrouter_cli.daemon.tokens import TokenStore
from synrouter_cli.errors import ConfigError


def test_a_client_token_has_its_prefix_and_at_least_32_random_characters(paths):
    assert re.fullmatch(r"sk-sr-local-[A-Za-z0-9_-]{32,}", tokens.client_token(paths).reveal())


def test_tokens_lie_at_0600_and_last(paths):
    first = TokenStore(paths)
    second = TokenStore(paths)
    client = tokens.client_token(paths).reveal().encode()
    control = tokens.control_token(paths).reveal().encode()
    for store in (first, second):
        assert (store.is_client(client), store.is_control(control)) == (True, True)
        assert (store.is_client(control), store.is_control(client)) == (False, False)
    for path in (paths.token_file, paths.control_token_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("presented", [b"", b"sk-sr-local-", b"x" * 55, "é".encode(), b"\xff" * 200])
def test_any_bytes_can_be_compared(paths, presented):
    store = TokenStore(paths)
    assert (store.is_client(presented), store.is_control(presented)) == (False, False)


def test_a_token_with_something_before_or_after_it_is_not_the_token(paths):
    store = TokenStore(paths)
    token = tokens.client_token(paths).reveal().encode()
    assert not any(store.is_client(value) for value in (token + b" ", b" " + token, token[:-1], token + b"A"))


def test_a_rotated_token_holds_after_the_reload(paths):
    store = TokenStore(paths)
    old = tokens.client_token(paths).reveal().encode()
    new = tokens.rotate(paths).reveal().encode()
    assert (store.is_client(old), store.is_client(new)) == (True, False)
    store.reload()
    assert (store.is_client(old), store.is_client(new)) == (False, True)


@pytest.mark.parametrize("content", [b"", b"\n", b"sk-sr-local-short", b"something else", b"\xff\xfe"])
def test_a_damaged_file_is_told_and_the_token_in_memory_stays(paths, content):
    store = TokenStore(paths)
    token = tokens.client_token(paths).reveal().encode()
    paths.token_file.write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        store.reload()
    assert raised.value.hint == f"rm {paths.token_file}"
    assert store.is_client(token)


def test_a_token_file_that_others_can_read_is_closed_to_them(paths):
    TokenStore(paths)
    paths.token_file.chmod(0o644)
    TokenStore(paths)
    assert stat.S_IMODE(paths.token_file.stat().st_mode) == 0o600


def test_no_token_is_in_a_repr(paths):
    store = TokenStore(paths)
    assert tokens.client_token(paths).reveal() not in repr(store) + repr(vars(store).keys())
    assert "local" not in repr(tokens.client_token(paths))


def test_the_key_of_digests_lasts_and_is_this_installations_own(paths, tmp_path):
    key = tokens.digest_key(paths)
    assert (len(key), tokens.digest_key(paths)) == (32, key)
    assert stat.S_IMODE(paths.digest_key_file.stat().st_mode) == 0o600
    paths.digest_key_file.unlink()
    assert tokens.digest_key(paths) != key


def test_a_damaged_digest_key_is_told(paths):
    paths.digest_key_file.write_bytes(b"short")
    with pytest.raises(ConfigError, match="holds no key"):
        tokens.digest_key(paths)
