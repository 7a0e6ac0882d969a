"""What the ledger's tests share: a path, turns with figures, and a retry that does not take a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synrouter_cli.ledger import writer
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.wire.usage import Usage

NOON = 1_763_726_400.0  # 2025-11-21 12:00 UTC


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ledger.db"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.02)


@pytest.fixture
def make_turn() -> Callable[..., Turn]:
    def make(session: str = "s1", turn: int = 1, **changes: Any) -> Turn:
        figures: dict[str, Any] = {
            "started_at": NOON + turn,
            "status": "ok",
            "client": "claude-code",
            "model": "claude-sonnet-4-5",
            "usage": Usage(10, 1000, 100, 50, 20),
            "usage_quality": "exact",
            "cost_pusd": 1_000_000_000,
            "baseline_no_cache_pusd": 4_000_000_000,
            "baseline_client_pusd": 1_500_000_000,
        }
        return Turn(session=session, turn=turn, **(figures | changes))

    return make
