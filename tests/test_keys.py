"""The keyring behind its child process: which backends are taken, and that nothing waits for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from keyring.errors import KeyringLocked as Locked

from support.backends import Forgetful, Plaintext
from synrouter_cli import keyring_child, keys
from synrouter_cli.credentials import Secret
from synrouter_cli.errors import KeyringError, KeyringLocked, NoKeyring
from synrouter_cli.keyring_child import ALLOWED, Refused, answer, choose

KEY = "sk-ant-api03-canary-0123456789"
SECRET_SERVICE = "keyring.backends.SecretService.Keyring"
READ = {"do": "read", "providers": ["anthropic"]}
WRITE = {"do": "write", "providers": ["anthropic"], "key": KEY}
REMOVE = {"do": "remove", "providers": ["anthropic"]}

# ── which backend ──


@pytest.mark.parametrize(
    "name",
    [
        "keyring.backends.null.Keyring",
        "keyring.backends.fail.Keyring",
        "keyring.backends.chainer.ChainerBackend",
        "support.backends.Plaintext",
    ],
)
def test_a_backend_that_is_not_on_the_list_is_refused_by_its_name_and_with_a_way_out(monkeypatch, name):
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
    with pytest.raises(NoKeyring) as raised:
        keys.write("anthropic", Secret(KEY))
    assert name in raised.value.message
    assert "PYTHON_KEYRING_BACKEND" in raised.value.hint and "[key_files]" in raised.value.hint
    assert raised.value.exit_code == 4


def test_a_subclass_of_an_allowed_backend_is_another_class():
    from keyring.backends.SecretService import Keyring

    class Mine(Keyring):
        """Could do anything with a key."""

    assert keyring_child.class_of(Mine()) not in ALLOWED
    assert keyring_child.class_of(Keyring()) in ALLOWED


def test_the_real_one_is_taken_where_keyring_itself_would_chain_it_with_plain_text(monkeypatch):
    from keyring import backend, core
    from keyring.backends.chainer import ChainerBackend
    from keyring.backends.SecretService import Keyring

    real = Keyring()
    monkeypatch.setattr(core, "load_env", lambda: None)
    monkeypatch.setattr(core, "load_config", lambda: None)
    monkeypatch.setattr(backend, "by_priority", lambda one: {Plaintext: 9, ChainerBackend: 10}.get(type(one), 5))
    monkeypatch.setattr(backend, "get_all_keyring", lambda: [Plaintext(), ChainerBackend(), real])
    assert choose() is real
    monkeypatch.setattr(backend, "get_all_keyring", lambda: [Plaintext()])
    with pytest.raises(Refused, match=r"support\.backends\.Plaintext"):
        choose()


# ── what the child does ──


def test_what_is_written_is_read_back_and_can_be_removed():
    backend = Plaintext()
    assert answer(WRITE, lambda: backend)["done"] is True
    assert backend.items == {("synrouter", "anthropic"): KEY}
    assert answer(READ, lambda: backend)["keys"] == {"anthropic": KEY}
    assert [answer(REMOVE, lambda: backend)["done"] for _ in range(2)] == [True, False]
    assert answer(READ, lambda: backend)["keys"] == {}


def test_a_backend_that_keeps_nothing_is_found_out():
    assert answer(WRITE, Forgetful)["error"] == "lost"


@pytest.mark.parametrize(("error", "kind"), [(Locked(KEY), "locked"), (RuntimeError(KEY), "failed")])
def test_of_a_backends_error_only_the_kind_is_told(error, kind):
    def fails():
        raise error

    said = answer(WRITE, fails)
    assert said["error"] == kind
    assert KEY not in str(said)


# ── the deadline ──


@pytest.fixture
def child_with(monkeypatch):
    """Have the child use a backend of support.backends as if it were allowed."""

    def use(name: str) -> None:
        code = f"""
from support.backends import {name}
from synrouter_cli import keyring_child
keyring_child.ALLOWED = {{"support.backends.{name}": "Test"}}
keyring_child.main()
"""
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", f"support.backends.{name}")
        monkeypatch.setattr(keys, "command", lambda: [sys.executable, "-P", "-c", code])

    return use


def test_a_keyring_that_never_answers_is_left_at_the_deadline(child_with):
    child_with("Silent")
    began = time.monotonic()
    with pytest.raises(KeyringLocked) as raised:
        keys.read(["anthropic"], patience_s=1)
    assert time.monotonic() - began < 10
    assert raised.value.hint == "unlock it, then: synrouter keys test anthropic"


def test_somebody_who_waits_is_told_that_it_waits(child_with):
    child_with("Silent")
    said = []
    with pytest.raises(KeyringLocked):
        keys.write("anthropic", Secret(KEY), patience_s=1, waits=lambda: said.append("waiting"))
    assert said == ["waiting"]


def test_the_child_ends_by_itself_where_nobody_waits_for_it_any_more(child_with):
    child_with("Silent")
    child = subprocess.Popen(keys.command(), env=keys.environment(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    child.communicate(keys.question(READ, 0.5), timeout=30)
    assert child.returncode == 3


def test_the_child_gets_no_key_by_its_arguments_or_its_environment(monkeypatch):
    monkeypatch.setenv("SYNROUTER_ANTHROPIC_KEY", KEY)
    assert KEY not in str(keys.command()) + str(keys.environment())
    assert os.environ["SYNROUTER_ANTHROPIC_KEY"] == KEY


# ── what is made of its answer ──


def understood(out: bytes):
    return keys.understood(out, READ, 60)


def test_an_answer_becomes_secrets_and_the_name_that_people_know():
    found = understood(b'{"backend": "%s", "keys": {"anthropic": "%s"}}' % (SECRET_SERVICE.encode(), KEY.encode()))
    assert found.backend == "Secret Service"
    assert found.keys["anthropic"].reveal() == KEY
    assert KEY not in repr(found)


def test_an_item_that_no_header_could_hold_is_left_out():
    assert understood(b'{"backend": "b", "keys": {"anthropic": "a\\r\\nX-Evil: 1"}}').keys == {}


ERRORS = [
    (b"", KeyringLocked, "The keyring is locked, or nobody answered within 60 s."),
    (b"Traceback", KeyringError, "The keyring failed: no answer."),
    (b'{"error": "locked", "backend": "%s"}' % SECRET_SERVICE.encode(), KeyringLocked, "(Secret Service) is locked."),
    (b'{"error": "lost", "backend": "b"}', KeyringError, "did not keep what it was given"),
    (b'{"error": "failed", "backend": "", "detail": "InitError"}', KeyringError, "The keyring failed: InitError."),
    (b'{"error": "refused", "backend": "x.Plain"}', NoKeyring, "x.Plain, which is not known to encrypt"),
]


@pytest.mark.parametrize(("out", "kind", "text"), ERRORS)
def test_every_error_says_what_happened_and_what_to_type(out, kind, text):
    with pytest.raises(kind) as raised:
        understood(out)
    assert text in raised.value.message
    assert raised.value.hint and raised.value.exit_code == 4
