"""`models` shows what is known, the usable first; `--refresh` asks the providers themselves and keeps what they say."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from synrouter_cli import keys, models_file
from synrouter_cli.cli import main
from synrouter_cli.commands.models import listed, table
from synrouter_cli.credentials import Secret
from synrouter_cli.daemon import client
from synrouter_cli.daemon.client import Control, Daemon
from synrouter_cli.daemon.state import State
from synrouter_cli.keys import Found
from synrouter_cli.paths import find_paths
from synrouter_cli.settings import load

KEY = "sk-canary-0123456789-0123456789"
LISTS = {
    "/v1/models?limit=1000": {"data": [{"id": "claude-next", "max_input_tokens": 2_000_000, "max_tokens": 256_000}]},
    "/api/v1/models": {
        "data": [
            {"id": "acme/new", "context_length": 8192, "pricing": {"prompt": "0.000001", "completion": "0.0000025"}},
            {"id": "anthropic/claude-opus-4.8", "context_length": 1_000_000},
        ]
    },
    "/v1/models": {"data": [{"id": "qwen3-coder:30b"}]},
}


@pytest.fixture(autouse=True)
def keyring(monkeypatch):
    monkeypatch.setattr(keys, "read", lambda providers, **_: Found("Secret Service"))


@pytest.fixture
def config():
    """Write config.toml."""

    def write(text: str) -> None:
        home = Path(os.environ["SYNROUTER_HOME"])
        home.mkdir(exist_ok=True)
        (home / "config.toml").write_text(text)

    return write


@pytest.fixture
def server(config, monkeypatch):
    """Anthropic, OpenRouter, xAI and Ollama in one; what it was asked, with which credential. xAI gives no list."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name, path = self.path.lstrip("/").split("/", 1)
            server.seen.append((name, f"/{path}", self.headers["x-api-key"] or self.headers["authorization"]))
            body = json.dumps(LISTS[f"/{path}"]).encode() if name != "xai" else b"<html>"
            self.send_response(server.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Silence."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.status, server.seen = 200, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    at = f"http://127.0.0.1:{server.server_port}"
    names = ("anthropic", "openrouter", "xai", "ollama", "vllm", "lmstudio")
    config("[upstreams]\n" + "".join(f'{name} = "{at}/{name}"\n' for name in names))
    for name in ("ANTHROPIC", "OPENROUTER", "XAI"):
        monkeypatch.setenv(f"SYNROUTER_{name}_KEY", KEY)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def told(capsys):
    """told("--json") → (exit code, stdout, stderr)"""
    return lambda *words: (main(["models", *words]), *capsys.readouterr())


def rows(out: str) -> dict[tuple[str, str], dict]:
    return {(row["provider"], row["model"]): row for row in json.loads(out)["models"]}


# ── what is known without asking ──


def test_the_models_of_who_has_a_key_stand_first_under_its_name(told, monkeypatch):
    monkeypatch.setenv("SYNROUTER_MOONSHOT_KEY", KEY)
    code, out, _ = told()
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["Input", "Output", "Read", "Context", "Cache"]
    assert lines[1] == "moonshot"
    assert re.search(r"^  kimi-k3 +3 +15 +0.30 +1,048,576  breakpoints$", out, re.MULTILINE)
    headings = [line for line in lines[1:] if not line.startswith(" ")]
    assert headings[1] == "anthropic (no key)"
    assert "openrouter (no key)" not in headings, "everybody's models are left out until they can be used"


def test_one_providers_models_alone(told):
    code, out, _ = told("openrouter", "--json")
    assert code == 0
    found = rows(out)
    assert {provider for provider, _ in found} == {"openrouter"}
    assert found["openrouter", "anthropic/claude-opus-4.8"] == {
        "model": "anthropic/claude-opus-4.8", "provider": "openrouter", "usable": False, "context_tokens": 1_000_000,
        "output_tokens": None, "cache": "markers",
        "usd_per_million": {"input": 5, "output": 25, "cache_read": 0.5, "cache_write_5m": 6.25, "cache_write_1h": 10},
    }  # fmt: skip


@pytest.mark.parametrize(("columns", "last"), [(80, "Cache"), (40, "Read"), (20, None)])
def test_on_a_narrow_terminal_the_last_columns_are_left_out_and_none_is_cut(columns, last):
    known = list(listed(load(), frozenset(), {}, date(2026, 11, 1), only="anthropic"))
    head, provider, *lines = table(known, columns)
    assert max(map(len, (head, provider, *lines))) <= columns
    assert (head.split() or [None])[-1] == last
    assert [line.split()[0] for line in lines] == [row.model for row in known], "versions are told apart"


def test_what_has_no_price_is_null_and_a_question_mark(told):
    row = rows(told("deepseek", "--json")[1])["deepseek", "deepseek-v4-pro"]
    assert set(row["usd_per_million"].values()) == {None}
    assert re.search(r"^  deepseek-v4-pro +\? +\? +\? +1,000,000  automatic$", told("deepseek")[1], re.MULTILINE)


def test_models_of_a_provider_of_the_user_are_those_that_the_user_names(told, config):
    config('[providers.corp]\nbase_url = "https://llm.corp.example"\nauth = "none"\nmodels = ["big"]\n')
    assert rows(told("corp", "--json")[1])["corp", "big"]["usable"] is True


def test_a_provider_of_which_nothing_is_known_says_how_to_ask(told):
    assert told("lmstudio")[1] == "no models of lmstudio are known: synrouter models --refresh lmstudio\n"


def test_a_provider_that_nobody_knows_is_a_usage_error(told):
    code, _, err = told("acme")
    assert code == 2
    assert err.startswith("synrouter: There is no provider 'acme'; known are: agentrouter, ")


# ── asking ──


def test_a_refresh_asks_everybody_who_can_be_used_and_keeps_what_they_say(server, told):
    code, out, err = told("--refresh", "--json")
    assert code == 0
    assert sorted(server.seen) == [
        ("anthropic", "/v1/models?limit=1000", KEY),
        ("lmstudio", "/v1/models", None),
        ("ollama", "/v1/models", None),
        ("openrouter", "/api/v1/models", f"Bearer {KEY}"),
        ("vllm", "/v1/models", None),
        ("xai", "/v1/models", f"Bearer {KEY}"),
    ]
    found = rows(out)
    new = found["openrouter", "acme/new"]
    assert (new["context_tokens"], new["usd_per_million"]["input"], new["usd_per_million"]["output"]) == (8192, 1, 2.5)
    assert found["openrouter", "anthropic/claude-opus-4.8"]["usd_per_million"]["cache_write_1h"] == 10
    assert found["anthropic", "claude-next"]["output_tokens"] == 256_000
    assert found["ollama", "qwen3-coder:30b"]["cache"] == "none"
    assert "synrouter: openrouter: 2 models\n" in err
    assert "synrouter: xai: answered with no JSON\n" in err
    assert KEY not in out + err + find_paths().models_file.read_text()
    assert models_file.read(find_paths())["openrouter"] == ("acme/new", "anthropic/claude-opus-4.8")


def test_what_was_kept_is_shown_without_asking_again(server, told):
    told("--refresh")
    server.seen.clear()
    out = told("--json")[1]
    assert ("anthropic", "claude-next") in rows(out)
    assert set(json.loads(out)["asked_on"]) == {"anthropic", "openrouter", "ollama", "vllm", "lmstudio"}
    assert server.seen == []


def test_only_the_provider_that_is_named_is_asked(server, told):
    told("--refresh")
    server.seen.clear()
    assert told("--refresh", "ollama")[0] == 0
    assert [name for name, *_ in server.seen] == ["ollama"]
    assert "openrouter" in models_file.read(find_paths()), "what others said stays"


def test_a_provider_that_refuses_keeps_what_it_said_before(server, told):
    told("--refresh")
    server.status = 503
    code, _, err = told("--refresh", "openrouter")
    assert (code, err) == (1, "synrouter: openrouter: answered 503\n")
    assert models_file.read(find_paths())["openrouter"] == ("acme/new", "anthropic/claude-opus-4.8")


def test_a_provider_that_is_not_reached_is_named_once(config, told, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        config(f'[upstreams]\nopenrouter = "http://127.0.0.1:{free.getsockname()[1]}"\n')
    monkeypatch.setenv("SYNROUTER_OPENROUTER_KEY", KEY)
    code, _, err = told("--refresh", "openrouter")
    assert code == 1
    assert err.startswith("synrouter: openrouter: can't be reached: ")


def test_whose_key_only_the_running_proxy_has_can_not_be_asked_from_here(told, monkeypatch):
    state = State(42, "b:1", 7477, "ab", "1", keys={"openai": "SYNROUTER_OPENAI_KEY"})
    monkeypatch.setattr(client, "find", lambda _: Daemon(state, Control(7477, Secret(KEY)), None))
    code, out, err = told("--refresh", "openai")
    assert code == 1
    assert "\n  next: export SYNROUTER_OPENAI_KEY=… here too    # the running proxy alone has the key\n" in err
    assert "\nopenai\n" in out, "not: no key"


def test_who_can_not_be_asked_is_told_what_to_do(told):
    code, _, err = told("--refresh", "openai")
    assert code == 1
    assert err == "synrouter: no provider can be asked\n  next: synrouter keys set openai\n"
