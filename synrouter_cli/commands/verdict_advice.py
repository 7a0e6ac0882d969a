"""What a turn's user can do about its verdict: a sentence or two for each, out of one table.

>>> from synrouter_cli.ledger.rows import Turn
>>> advice(Turn("s", 2, 0.0, "ok", verdict="lost"))
'The provider dropped an entry before its time; nothing to do.'
"""

from __future__ import annotations

from typing import Final

from synrouter_cli.commands.verdict_words import Detail, Words, detail_of, names, place_in, say
from synrouter_cli.ledger.rows import Turn

__all__ = ["advice"]

_NOTHING_TO_DO: Final = "Nothing to do."
_OUR_FAULT: Final = (
    "A fault of the proxy's own: after two in a row this session goes out as its client sends it. --level safe edits no"
    " content."
)
_KEEP_WARM: Final = "In config.toml: [keep_warm] enabled = true"
_VOLATILE: Final = {
    "clock": "The client writes the time into {place}. If it can be told not to, the prefix lasts.",
    "counter": "The client writes a number that changes into {place}. If it can be told not to, the prefix lasts.",
    "id": "The client writes a new id into {place}. If it can be told not to, the prefix lasts.",
    "cch": "Claude Code's billing line changes; Anthropic leaves it out itself. For other providers set"
    " CLAUDE_CODE_ATTRIBUTION_HEADER=0.",
}


def _after_a_pause(turn: Turn, detail: Detail) -> str:
    if detail["gap_s"] > 3600:
        return f"No entry lives longer than an hour; only keep-warm bridges such pauses. {_KEEP_WARM}"
    if detail["ttl_s"] < 3600:
        return f"Pauses like this are what 1h entries and keep-warm are for. {_KEEP_WARM}"
    return f"It was a close miss, which keep-warm can prevent. {_KEEP_WARM}"


def _partly(turn: Turn, detail: Detail) -> str:
    if "gap_s" in detail:
        return _after_a_pause(turn, detail)
    return _NOTHING_TO_DO


def _steady_tools(turn: Turn, detail: Detail) -> str:
    change = detail["tools"]
    came_and_went = [*change.get("added", ()), *change.get("removed", ())]
    servers = sorted({name.split("__")[1] for name in came_and_went if name.startswith("mcp__")})
    if servers:
        return (
            f"An MCP server that connects late or drops out ({names(servers)}): start it before the client, or leave"
            " it out of this project."
        )
    if change.get("reordered") and not came_and_went:
        return "The client sorts its tools anew; at level max their order is held: synrouter up --level max"
    return "Tools stand before all else: load what a session needs at its start."


def _steady_system(turn: Turn, detail: Detail) -> str:
    change = detail["system"]
    text = _VOLATILE.get(change.get("kind", ""))
    if text:
        return text.format(place=f"its system prompt{place_in(change)}")
    return "Files that the client quotes in its system prompt are best edited between sessions."


def _steady_messages(turn: Turn, detail: Detail) -> str:
    change = detail["message"]
    match change["how"]:
        case "rewind":
            return "Nothing to do: what stands before the cut is read where a marker is near."
        case "compaction":
            return "Nothing to do: a shorter history is written once and read from then on."
        case "thinking":
            return "Nothing to do: the provider does so once after each new request of yours."
    if change["how"] == "removed" and change["what"] == "thinking":
        return "Nothing to do: the client leaves out earlier thinking; markers go before it where that pays."
    text = _VOLATILE.get(change.get("kind", ""))
    if text:
        return text.format(place=f"message {change['index'] + 1}{place_in(change)}")
    return "The client rewrites what it has already sent; see whether a setting of it clears or shortens old results."


def _steady_settings(turn: Turn, detail: Detail) -> str:
    if detail["settings"] == ["images"]:
        return "The first image, or the last one gone, voids the messages' cache once. Nothing to do."
    return "Choose thinking, effort and speed before a task rather than in its middle."


def _markers(turn: Turn, detail: Detail) -> str:
    if "out_of_reach" in detail:
        if turn.level != "observe":
            return _NOTHING_TO_DO
        return "A marker reads what ends up to 20 blocks before it; Synrouter sets them so: synrouter up --level safe"
    if turn.level == "observe":
        return "The client marks nothing; Synrouter does: synrouter up --level safe"
    return "Nothing to do: what nobody continues is not worth a write."


_ADVICE: Final[Words] = {
    "first": "Nothing to do: the next turn reads what this one wrote.",
    "shared": "Nothing to do: sessions with the same head share its cache.",
    "partial": _partly,
    "expired": _after_a_pause,
    "provider": "Each provider and key has a cache of its own; back at the one before, what still lives there is read.",
    "tools": _steady_tools,
    "system": _steady_system,
    "message": _steady_messages,
    "model": "Each model has a cache of its own: switch between tasks rather than within one.",
    "betas": "Betas are part of what a cache belongs to: one version and one set of options a session.",
    "settings": _steady_settings,
    "minimum": "Nothing to do: short prompts cost little, and are cached as soon as they have grown.",
    "unmarked": _markers,
    "lost": "The provider dropped an entry before its time; nothing to do.",
    "unexpected": "Nothing to do: it had been cached before the proxy knew of it, or by another program.",
}


def advice(turn: Turn) -> str:
    """What its user can do about it, in a sentence or two."""
    if turn.status == "error" and not turn.attempts:
        return "Raise the limit under [budget] in config.toml, then: synrouter down && synrouter up"
    if not turn.verdict:
        return "See what the proxy wrote down: synrouter logs" if turn.status == "error" else _NOTHING_TO_DO
    if detail_of(turn).get("ours"):
        return _OUR_FAULT
    return say(_ADVICE, turn) or _NOTHING_TO_DO
