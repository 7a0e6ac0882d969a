"""The daemon is killed (-9) under load, again and again: nothing it called committed is lost.

`KILLS=50 pytest tests/e2e/test_killed.py` does it as often as wanted.
"""

from __future__ import annotations

import http.client
import json
import os
import sqlite3
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from support.processes import daemon, get_json, simulated_provider, wait_for

KILLS = int(os.environ.get("KILLS", "6"))
CLIENTS = 4


def request(client: int, rounds: int) -> bytes:
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"client {client} begins"}]
    for number in range(rounds):
        messages.append({"role": "assistant", "content": f"answer {number}"})
        messages.append({"role": "user", "content": f"question {number}"})
    body = {"model": "claude-opus-4-8", "max_tokens": 50, "messages": messages, "stream": True}
    return json.dumps(body).encode()


class Load:
    """Clients that go on asking until the daemon is gone; `seen` are the turns they were answered."""

    def __init__(self, url: str, token: str, round_: int) -> None:
        self.seen: dict[str, list[int]] = defaultdict(list)
        self._address = url.removeprefix("http://")
        self._token = token
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(n, round_)) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _ask(self, client: int, round_: int) -> None:
        rounds = round_ * 1000
        connection = http.client.HTTPConnection(self._address, timeout=20)
        answer: http.client.HTTPResponse | None = None
        try:
            while True:
                rounds += 1
                session = f"session-{client}"
                headers = {"x-api-key": self._token, "anthropic-version": "2023-06-01", "x-session-id": session}
                connection.request("POST", "/v1/messages", request(client, rounds % 30), headers)
                answer = connection.getresponse()
                assert answer.status == 200, answer.read()
                with self._lock:
                    self.seen[answer.headers["x-synrouter-session"]].append(int(answer.headers["x-synrouter-turn"]))
                answer.read()
        except (OSError, http.client.HTTPException):
            return  # the daemon is gone
        finally:
            if answer is not None:
                answer.close()
            connection.close()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()


def final_rows(home: Path) -> list[tuple[str, int, str]]:
    ledger = next(home.rglob("ledger.db"))
    database = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    try:
        return database.execute("SELECT session, turn, status FROM turns").fetchall()
    finally:
        database.close()


def test_kill_9_under_load_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    highest: dict[str, int] = {}
    finished_before = 0
    with simulated_provider(tmp_path / "provider") as upstream:
        for number in range(KILLS):
            with daemon(home, upstream) as proxy:
                rows = final_rows(home)
                assert not [row for row in rows if row[2] == "started"], "what was under way is unknown now"
                control = {"Authorization": f"Bearer {control_token(home)}"}

                def committed(url: str = proxy.url, headers: dict[str, str] = control) -> int:
                    return int(get_json(f"{url}/_synrouter/health", headers)["committed"])

                load = Load(proxy.url, proxy.token, number)
                wait_for(lambda count=committed: count() >= 20, "turns committed")
                time.sleep(0.013 * number)  # not to wait for anything: to kill at another moment each time
                acknowledged = committed()
                proxy.running.process.kill()
                proxy.running.process.wait()
                load.join()
            rows = [row for row in final_rows(home) if row[2] != "started"]
            assert len(rows) >= finished_before + acknowledged, "committed rows are in the ledger"
            finished_before = len(final_rows(home))  # those under way become rows of their own at the next start
            for session, turns in load.seen.items():
                assert len(set(turns)) == len(turns)
                assert min(turns) > highest.get(session, 0), "no number is given twice: the gap shows"
                highest[session] = max(turns)
        assert len(highest) == CLIENTS, "sessions are the same ones after every restart"


def control_token(home: Path) -> str:
    return next(path for path in home.rglob("*control*token*") if path.is_file()).read_text().strip()
