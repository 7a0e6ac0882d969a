"""The made-up ledger of the benchmark is one that the program itself could have written."""

from __future__ import annotations

from benchmarks import stats_million
from synrouter_cli.ledger import queries
from synrouter_cli.ledger.pending import Batch
from synrouter_cli.ledger.store import Store

NOW = 1_763_726_400.0  # 2025-11-21 12:00 UTC


def test_its_figures_are_those_of_the_same_turns_written_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(stats_million.time, "time", lambda: NOW)
    made, written = tmp_path / "made.db", tmp_path / "written.db"
    stats_million.make(made, 400, 3)
    store = Store.open(written)
    store.write(Batch({(turn.session, turn.turn): turn for turn in stats_million.turns(400, 3, NOW)}))
    store.close()
    for by in queries.DIMENSIONS:
        found = queries.report(made, 0.0, 4e9, by=by)
        assert found.totals.count("turns") == 400
        assert found == queries.report(written, 0.0, 4e9, by=by)
