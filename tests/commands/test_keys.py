"""`keys` on a keyring in memory; on a real one it is in tests/e2e/test_keyring.py."""

from __future__ import annotations

import io
import json
import os
import pty
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from synrouter_cli import keys
from synrouter_cli.cli import main
from synrouter_cli.commands.key_trial import Verdict, read
from synrouter_cli.daemon.client import ControlError
from synrouter_cli.errors import KeyringLocked, NoKeyring
from synrouter_cli.keys import Found

KEY = "sk-ant-api03-canary-0123456789"
LOCKED = KeyringLocked(backend="", detail="", provider="anthropic")


class Keyring:
    """The three functions of `keys`, on a mapping; `error` is raised by each."""

    def __init__(self) -> None:
        self.items = {}
        self.error = None
        self.patience = []

    def read(self, providers, *, patience_s, waits):
        self._asked(patience_s)
        return Found("Secret Service", {name: self.items[name] for name in providers if name in self.items})

    def write(self, provider, key, *, patience_s, waits):
        self._asked(patience_s)
        self.items[provider] = key
        return Found("Secret Service", done=True)

    def remove(self, provider, *, patience_s, waits):
        self._asked(patience_s)
        return self.items.pop(provider, None) is not None

    def _asked(self, patience_s) -> None:
        self.patience.append(patience_s)
        if self.error:
            raise self.error


@pytest.fixture
def keyring(monkeypatch) -> Keyring:
    fake = Keyring()
    for name in ("read", "write", "remove"):
        monkeypatch.setattr(keys, name, getattr(fake, name))
    return fake


@pytest.fixture
def synrouter(capsys, monkeypatch):
    """synrouter("keys", "list", typed="…") → (exit code, stdout, stderr)"""

    def call(*words: str, typed: str = ""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        return (main(["keys", *words]), *capsys.readouterr())

    return call


@pytest.fixture
def config():
    """Write config.toml."""

    def write(text: str) -> None:
        home = Path(os.environ["SYNROUTER_HOME"])
        home.mkdir(exist_ok=True)
        (home / "config.toml").write_text(text)

    return write


# ── set ──


def test_a_key_from_stdin_is_kept_and_not_shown(keyring, synrouter):
    assert synrouter("set", "anthropic", typed=f"{KEY}\n") == (
        0,
        "anthropic: kept in the keyring (Secret Service).\n",
        "",
    )
    assert keyring.items["anthropic"].reveal() == KEY
    assert keyring.patience == [60]


@pytest.mark.parametrize(("typed", "said"), [("", "holds no key"), ("two words", "characters that no key has")])
def test_what_is_no_key_is_not_kept(keyring, synrouter, typed, said):
    code, out, err = synrouter("set", "anthropic", typed=typed)
    assert (code, out) == (2, "")
    assert said in err
    assert err.endswith("\n  next: synrouter keys set anthropic\n")
    assert keyring.items == {}


def test_a_key_is_never_taken_from_the_arguments(keyring, synrouter):
    assert synrouter("set", "anthropic", KEY)[0] == 2
    assert keyring.items == {}


def test_on_a_terminal_the_key_is_asked_for_and_not_echoed():
    code = """
import sys
from synrouter_cli import keys
from synrouter_cli.cli import main
kept = []
keys.write = lambda provider, key, **_: kept.append(key.reveal()) or keys.Found("Test", done=True)
code = main(["keys", "set", "anthropic"])
print("kept", code, [len(key) for key in kept])
"""
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-c", code])
    shown = b""
    try:
        while b"not shown): " not in shown:
            shown += os.read(terminal, 4096)
        os.write(terminal, f"{KEY}\n".encode())
        while b"kept 0" not in shown or b"]" not in shown:
            shown += os.read(terminal, 4096)
    finally:
        os.waitpid(process, 0)
        os.close(terminal)
    assert b"kept 0 [%d]" % len(KEY) in shown
    assert KEY.encode() not in shown


def test_a_provider_that_nobody_knows_is_a_usage_error_before_a_key_is_asked_for(keyring, synrouter):
    code, _, err = synrouter("set", "acme", typed=KEY)
    assert code == 2
    assert err.startswith("synrouter: There is no provider 'acme'; known are: agentrouter, anthropic, ")
    assert err.endswith("next: synrouter providers\n")


def test_a_key_that_another_goes_before_is_told(keyring, synrouter, monkeypatch):
    monkeypatch.setenv("SYNROUTER_ANTHROPIC_KEY", "sk-ant-by-hand")
    code, _, err = synrouter("set", "anthropic", typed=KEY)
    assert (code, err) == (0, "synrouter: the key from SYNROUTER_ANTHROPIC_KEY goes before it.\n")


@pytest.mark.parametrize("words", [("set", "anthropic"), ("remove", "anthropic"), ("test", "anthropic"), ("list",)])
@pytest.mark.parametrize("error", [LOCKED, NoKeyring(backend="x.Plain", why="is plain")])
def test_a_keyring_that_can_not_be_used_is_exit_code_4_and_what_to_do(keyring, synrouter, words, error):
    keyring.error = error
    code, out, err = synrouter(*words, typed=KEY)
    assert (code, out) == (4, "")
    assert err == f"synrouter: {error.message}\n  next: {error.hint}\n"


def test_how_long_the_keyring_is_waited_for_can_be_set(keyring, synrouter, config):
    config("keyring_wait_s = 5\n")
    synrouter("list")
    assert keyring.patience == [5]


class RunningDaemon:
    """A proxy that runs: what it is told, and what it answers."""

    def __init__(self, answer):
        self.control, self.health, self.answer = self, None, answer

    def reload_keys(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ({"keyring": "Secret Service"}, 0, "synrouter: the running proxy uses it from now on.\n"),
        (
            {"keyring": "reading; it may wait to be unlocked"},
            0,
            "synrouter: the running proxy still reads the keyring.\n",
        ),
        (
            {"keyring": "The keyring failed.", "problem": "The keyring failed: no reason given."},
            1,
            "synrouter: The key is kept, but the running proxy goes on as before: The keyring failed: no reason given.\n"
            "  next: synrouter down && synrouter up\n",
        ),
        (
            ControlError("no answer in time"),
            1,
            "synrouter: The key is kept, but the running proxy goes on as before: no answer in time.\n"
            "  next: synrouter down && synrouter up\n",
        ),
    ],
)
def test_a_running_proxy_is_told(keyring, synrouter, monkeypatch, answer, code, said):
    monkeypatch.setattr("synrouter_cli.daemon.lock.is_held", lambda _: True)
    monkeypatch.setattr("synrouter_cli.daemon.client.find", lambda _: RunningDaemon(answer))
    got, out, err = synrouter("set", "anthropic", typed=KEY)
    assert (got, err) == (code, said)
    assert out.startswith("anthropic: kept")


# ── remove, list ──


def test_a_key_is_removed_and_one_that_is_not_there_is_told(keyring, synrouter):
    synrouter("set", "anthropic", typed=KEY)
    assert synrouter("remove", "anthropic") == (0, "anthropic: removed from the keyring.\n", "")
    code, _, err = synrouter("remove", "anthropic")
    assert (code, err.splitlines()[0]) == (4, "synrouter: The keyring holds no key for anthropic.")


def test_the_list_masks_and_names_source_and_place(keyring, synrouter, monkeypatch):
    assert synrouter("list")[1] == "no keys yet: synrouter keys set PROVIDER\n"
    synrouter("set", "anthropic", typed=KEY)
    assert synrouter()[1] == "anthropic  sk-ant-…6789  keyring      Secret Service\n"
    monkeypatch.setenv("SYNROUTER_ANTHROPIC_KEY", "sk-ant-by-hand-0123456789-abcd")
    assert synrouter("list")[1].splitlines() == [
        "anthropic  sk-ant-…abcd  environment  SYNROUTER_ANTHROPIC_KEY",
        "anthropic  sk-ant-…6789  keyring      Secret Service  (not used)",
    ]


def test_the_list_as_json(keyring, synrouter, config, tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(0o600)
    config(f'[key_files]\nanthropic = "{file}"\n')
    keyring.error = LOCKED
    code, out, err = synrouter("list", "--json")
    assert code == 0, "there is a key, wherever it comes from"
    assert json.loads(out) == {
        "schema_version": 1,
        "keys": [
            {"provider": "anthropic", "key": "sk-ant-…6789", "source": "key file", "where": str(file), "used": True}
        ],
        "keyring": {"backend": None, "problem": "The keyring is locked."},
    }
    assert err.splitlines() == [f"synrouter: {LOCKED.message}", f"  next: {LOCKED.hint}"]


def test_a_key_file_that_others_can_read_is_exit_code_4(keyring, synrouter, config, tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(0o644)
    config(f'[key_files]\nanthropic = "{file}"\n')
    code, _, err = synrouter("list")
    assert code == 4
    assert err == f"synrouter: The key file {file} can be read by others.\n  next: chmod 600 {file}\n"


# ── test ──


@pytest.fixture
def provider(config):
    """A provider that answers GET with `status`, and what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.seen.append((self.path, self.headers["x-api-key"], self.headers["anthropic-version"]))
            self.send_response(server.status)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Silence."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.status, server.seen = 200, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    config(f'[upstreams]\nanthropic = "http://127.0.0.1:{server.server_port}"\n')
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_key_that_works(keyring, synrouter, provider):
    synrouter("set", "anthropic", typed=KEY)
    said = "anthropic: works; it takes the key from the keyring (Secret Service).\n"
    assert synrouter("test", "anthropic") == (0, said, "")
    assert provider.seen == [("/v1/models?limit=1", KEY, "2023-06-01")]


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (401, 4, "anthropic refuses the key from SYNROUTER_ANTHROPIC_KEY (401)."),
        (403, 4, "anthropic refuses the key from SYNROUTER_ANTHROPIC_KEY (403)."),
        (529, 1, "anthropic answered 529, which says nothing of the key from SYNROUTER_ANTHROPIC_KEY."),
        (302, 1, "anthropic answered 302, a redirect to another address, which is not followed."),
    ],
)
def test_a_key_that_does_not(keyring, synrouter, provider, monkeypatch, status, code, said):
    monkeypatch.setenv("SYNROUTER_ANTHROPIC_KEY", KEY)
    provider.status = status
    got, out, err = synrouter("test", "anthropic")
    assert (got, out) == (code, "")
    assert said in err and "next: " in err
    assert KEY not in err
    assert keyring.patience == [], "a key given by hand needs no keyring"


def test_a_provider_that_can_not_be_reached(keyring, synrouter, config, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config(f'[upstreams]\nanthropic = "http://127.0.0.1:{port}"\n')
    monkeypatch.setenv("SYNROUTER_ANTHROPIC_KEY", KEY)
    code, _, err = synrouter("test", "anthropic")
    assert code == 1
    assert err.startswith(f"synrouter: anthropic can't be reached: 127.0.0.1:{port} refuses the connection.\n")


@pytest.fixture
def answers(monkeypatch, config):
    """What providers are asked (provider, path, headers) where they all answer `status`."""

    class Asked(list):
        status = 200

    asked = Asked()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["authorization"], self.headers["x-api-key"]))
            self.send_response(asked.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Silence."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    at = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    config(
        f'[upstreams]\nopenrouter = "{at}"\nbedrock = "{at}"\nollama = "{at}"\n'
        f'[providers.corp]\nbase_url = "{at}/llm/v1"\nauth = "api-key"\n'
    )
    yield asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("provider", "seen"),
    [
        ("openrouter", ("/api/v1/key", f"Bearer {KEY}", None)),
        ("bedrock", ("/v1/models", f"Bearer {KEY}", None)),
        ("corp", ("/llm/v1/models", None, None)),
    ],
)
def test_every_provider_is_asked_what_costs_nothing_there(keyring, synrouter, answers, provider, seen):
    synrouter("set", provider, typed=KEY)
    assert synrouter("test", provider)[:2] == (
        0,
        f"{provider}: works; it takes the key from the keyring (Secret Service).\n",
    )
    assert answers == [seen]


def test_a_provider_of_the_user_has_a_key_like_any_other(keyring, synrouter, answers, monkeypatch):
    synrouter("set", "corp", typed=KEY)
    assert synrouter("list")[1] == "corp  sk-ant-…6789  keyring      Secret Service\n"
    assert synrouter("remove", "corp")[0] == 0
    monkeypatch.setenv("SYNROUTER_CORP_KEY", KEY)
    assert synrouter("test", "corp")[1] == "corp: works; it takes the key from SYNROUTER_CORP_KEY.\n"


def test_what_is_on_this_machine_needs_no_key(keyring, synrouter, answers):
    assert synrouter("test", "ollama") == (0, "ollama: works.\n", "")
    keyring.error = LOCKED
    assert synrouter("test", "ollama") == (0, "ollama: works.\n", "")
    assert answers == [("/v1/models", None, None)] * 2


@pytest.mark.parametrize(
    ("status", "code", "said"), [(401, 4, "has no key for ollama"), (500, 1, "answered 500, which says nothing")]
)
def test_what_is_on_this_machine_may_ask_for_a_key_all_the_same(keyring, synrouter, answers, status, code, said):
    answers.status = status
    got, out, err = synrouter("test", "ollama")
    assert (got, out) == (code, "")
    assert said in err


def test_one_of_the_users_that_is_sent_no_key_and_wants_one_is_set_to_send_it(keyring, synrouter, answers, config):
    path = Path(os.environ["SYNROUTER_HOME"]) / "config.toml"
    path.write_text(path.read_text().replace('"api-key"', '"none"'))
    answers.status = 401
    assert synrouter("test", "corp") == (
        4,
        "",
        "synrouter: corp wants a key (401), and gets none.\n"
        '  next: [providers.corp] auth = "bearer" or "x-api-key" in config.toml\n',
    )


def test_no_key_at_all(keyring, synrouter):
    code, _, err = synrouter("test", "anthropic")
    assert code == 4
    assert err.startswith("synrouter: Synrouter has no key for anthropic.\n  next: synrouter keys set anthropic ")


@pytest.mark.parametrize("status", [*range(200, 206), 400, 404, 429, 500, 503, 529])
def test_only_a_refusal_is_held_against_a_key(status):
    assert read(status) is (Verdict.WORKS if status < 300 else Verdict.UNCLEAR)
