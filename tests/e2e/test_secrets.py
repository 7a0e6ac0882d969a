"""Canary credentials through real processes: they reach the provider they belong to, and nothing else."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from support.processes import Daemon, daemon, wait_for

OURS = "sk-ant-api03-canary-of-the-daemon-0123456789"
THEIRS = "sk-ant-oat01-canary-of-the-client-9876543210"
FOREIGN = "sk-proj-canary-of-another-provider-555"
PROMPT = "the-secret-recipe-in-a-prompt"
SEEN = list[tuple[str, dict[str, str], bytes]]


@contextmanager
def recorder() -> Iterator[tuple[str, SEEN]]:
    """An upstream that remembers what it was sent."""
    seen: SEEN = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status = 500 if b"please fail" in body else 200
            usage = {"input_tokens": 5, "output_tokens": 2}
            answer = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-8",
                      "content": [], "stop_reason": "end_turn", "usage": usage}  # fmt: skip
            if status == 500:
                answer = {"type": "error", "error": {"type": "api_error", "message": "broken"}}
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(proxy: Daemon, headers: dict[str, str], text: str = PROMPT) -> tuple[int, bytes]:
    body = {"model": "claude-opus-4-8", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}
    connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=20)
    try:
        connection.request("POST", "/v1/messages", json.dumps(body), {"anthropic-version": "2023-06-01", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def raw(proxy: Daemon, data: bytes) -> bytes:
    host, port = proxy.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received


def test_credentials_reach_their_provider_and_are_written_nowhere(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with recorder() as (upstream, seen), daemon(home, upstream, key=OURS) as proxy:
        token = proxy.token
        answers = [
            ask(proxy, {"x-api-key": token}),
            ask(proxy, {"Authorization": f"Bearer {token}"}),
            ask(proxy, {"x-synrouter-key": token, "Authorization": f"Bearer {THEIRS}"}),
            ask(proxy, {"x-api-key": token}, "please fail"),
        ]
        assert [status for status, _ in answers] == [200, 200, 200, 500]
        sent = [(headers.get("x-api-key"), headers.get("authorization")) for _, headers, _ in seen]
        assert sent == [(OURS, None), (OURS, None), (None, f"Bearer {THEIRS}"), (OURS, None)]

        refused = [
            ask(proxy, {"x-synrouter-key": token, "x-api-key": FOREIGN}),
            ask(proxy, {"x-api-key": FOREIGN}),
            ask(proxy, {"x-api-key": token + "x"}),
        ]
        assert all(status in (401, 403) for status, _ in refused)
        for junk in (
            f"POST /v1/messages?key={FOREIGN} HTTP/1.1\r\nHost: evil\r\nx-api-key: {OURS}\r\n\r\n",
            f"GET http://evil/{THEIRS} HTTP/1.1\r\nHost: x\r\n\r\n",
            f"BROKEN {OURS}\r\nx-api-key {THEIRS}\r\n\r\n",
            f"POST /v1/messages HTTP/1.1\r\nHost: {proxy.url[7:]}\r\nx-api-key: {token}\r\nContent-Length: 3\r\n"
            f"Content-Encoding: gzip\r\nX-Odd: {FOREIGN}\r\n\r\nabc",
        ):
            answers.append((0, raw(proxy, junk.encode())))
        assert len(seen) == 4, "nothing of these went anywhere"
        wait_for(lambda: json.loads(proxy.cli("stats", "--json").stdout)["totals"]["turns"] >= 4, "rows")
        shown = [proxy.cli(*command).stdout for command in (("status",), ("status", "--json"), ("stats", "--json"))]
        arguments = Path(f"/proc/{proxy.running.process.pid}/cmdline")
        shown.append(arguments.read_text() if arguments.exists() else "")

    assert not any(token in str(headers) for _, headers, _ in seen), "the local token never goes upstream"
    places = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any(path.name.startswith("ledger.db") for path in places)
    texts = [*places.values(), *(text.encode() for text in shown), *(answer for _, answer in [*answers, *refused])]
    for canary in (OURS, THEIRS, FOREIGN, PROMPT):
        assert not [path for path, data in places.items() if canary.encode() in data]
        assert not [text[:200] for text in texts if canary.encode() in text], canary
    keeping = [path for path, data in places.items() if token.encode() in data]
    assert len(keeping) == 1 and "token" in keeping[0].name, "the local token lies in its own file alone"
