"""The page behind `?`: keys, marks, and the rule of the baselines in full.

Saved by Synrouter   what your client's own requests, unchanged, would have cost, less what these cost
"""

from __future__ import annotations

from synrouter_cli.dashboard.glyphs import Glyphs
from synrouter_cli.dashboard.layout import Line, line, rule, wrapped

_KEYS = (
    ("q", "quit; where this terminal started the proxy, stop it too"),
    ("p", "pause: the screen stands still, the proxy does not"),
    ("1 2 3", "today, the last 7 days, the last 30 days (local days, today is one)"),
    ("s m e", "sessions, models, turns that did not end well; again, or Esc: back"),
)
_SAVINGS = (
    "Saved by Synrouter: what the client's own requests, unchanged, would have cost, less what these cost. "
    "What the client's own caching saves is in no claim of ours.",
    "Against no caching (In all): every prompt token at the input price, less what these cost.",
    "Trimming: what the trimmed tokens would have cost; assumes no re-read, in none of the sums.",
    "Usage is what the provider reported. A loss is red and has a minus.",
    "~ estimated · ? no price known, in none of the sums · * list price: a subscription's turns cost no dollars",
    "Warm: how long the newest cached prefix of a session can still be read.",
)
_RESCUE = "Killed (kill -9), and the terminal stayed odd? Type: tput rmcup; reset"


def page(width: int, glyphs: Glyphs) -> list[Line]:
    """The whole page."""
    lines = [rule("keys", width, glyphs)]
    lines += [line(glyphs, width, (f" {key:<7}", "bold"), (text, "")) for key, text in _KEYS]
    lines.append(rule("what the figures say", width, glyphs))
    for text in _SAVINGS:
        lines += wrapped(glyphs, width, text)
    return [*lines, *wrapped(glyphs, width, _RESCUE, "dim")]
