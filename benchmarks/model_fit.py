"""How well the cache model predicts what a provider reported: recorded Claude Code sessions, their own usage.

    python benchmarks/model_fit.py --traces DIR [--json]

Each request of a session goes through Synrouter in `observe` at the time it was sent, marked as the client marks; the
recorded usage is what the provider answers. A turn counts where the model knows a live entry on its prefix whose
length the provider has reported before (the recordings leave the system prompt and the tools out, so the length of a
head alone can't be known); it is right where the reported read is within 1% of the predicted one. Not in the
recordings either: the requests that the client makes on the side with the same history, which leave longer entries.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import layouts, traces
from synrouter_cli.estimate.synrouter import Memory
from synrouter_cli.proxy.turn import ActiveTurn, Inbound, Outcome
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.wire.usage import Usage

WITHIN = 0.01


def usage_of(reported: dict[str, Any]) -> Usage:
    """Recorded usage in the exclusive form."""
    parts = reported.get("cache_creation") or {}
    hour = int(parts.get("ephemeral_1h_input_tokens", 0))
    write = int(reported.get("cache_creation_input_tokens", 0))
    return Usage(
        int(reported.get("input_tokens", 0)),
        int(reported.get("cache_read_input_tokens", 0)),
        write - hour,
        hour,
        int(reported.get("output_tokens", 0)),
    )


def fit(trace: traces.Trace) -> dict[str, Any]:
    """Predicted against reported over one session."""
    clock = [0.0]
    ledger = Memory()
    turns = Turns(level="observe", mode="auto", ledger=ledger, clock=lambda: clock[0])
    fixed = traces.head()
    misses: list[dict[str, Any]] = []
    counted = right = requests = 0
    for index, request in enumerate(traces.requests(trace)):
        if not request.usage or "cache_read_input_tokens" not in request.usage or not request.model:
            continue
        usage = usage_of(request.usage)
        if not usage.prompt_tokens:
            continue
        requests += 1
        clock[0] = request.at
        ttl = layouts.HOUR if usage.cache_write_1h_tokens else layouts.FIVE
        body = layouts.head_tail(traces.body(request, request.model, fixed), ttl)
        turn = turns.begin(
            Inbound(
                "messages",
                "anthropic",
                "anthropic",
                {"x-session-id": trace.name},
                "",
                json.dumps(body).encode(),
                False,
                b"scope",
                "api",
            )
        )
        known = _length_is_known(turn)
        turn.responding(200)
        turn.finish(Outcome("ok", 200, None, usage, "exact", request.model, None, None, 1.0, 1.0, 1))
        predicted = ledger.rows[-1].predicted_read_tokens or 0
        if not predicted or not known:
            continue
        counted += 1
        if abs(predicted - usage.cache_read_tokens) <= WITHIN * predicted:
            right += 1
        else:
            misses.append({"request": index, "predicted": predicted, "reported": usage.cache_read_tokens})
    return {"session": trace.name, "requests": requests, "live": counted, "within 1%": right, "misses": misses}


def _length_is_known(turn: ActiveTurn) -> bool:
    """Whether the provider has reported the length of the prefix that is predicted to hit."""
    planned = turn._planned
    if planned is None or planned.plan.found.hit < 0:
        return False
    return planned.session.anchors.exact(planned.prompt.keys[planned.plan.found.hit]) is not None


def main() -> None:
    """Print a row a session and the share over all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--traces", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [fit(trace) for trace in traces.load_all(options.traces) if trace.client.startswith("claude-code")]
    live, right = sum(row["live"] for row in rows), sum(row["within 1%"] for row in rows)
    if options.json:
        print(json.dumps({"sessions": rows, "live": live, "within 1%": right, "share": right / live}, indent=1))
        return
    for row in rows:
        print(
            f"{row['session']:<24} {row['requests']:>5} requests {row['live']:>5} live {row['within 1%']:>5} within 1%"
        )
    print(f"{'all':<24} {live:>20} live {right:>5} within 1%: {right / live:.2%}")


if __name__ == "__main__":
    main()
