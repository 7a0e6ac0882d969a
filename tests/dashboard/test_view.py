"""The screens: whole, in every size, in Unicode and ASCII, with everything that can be wrong, and with hostile names."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from support.screens import NOW, figures, full, sums, troubled, turn
from synrouter_cli.dashboard.glyphs import ASCII, UNICODE
from synrouter_cli.dashboard.keys import View
from synrouter_cli.dashboard.layout import Frame, plain
from synrouter_cli.dashboard.snapshot import Provider, Snapshot
from synrouter_cli.dashboard.view import draw
from synrouter_cli.ledger.figures import Figures
from synrouter_cli.ledger.queries import Group, Session

SCREENS = ("overview", "sessions", "models", "errors", "help")
SIZES = ((80, 24), (110, 32), (200, 60))
HOSTILE = (
    "\x1b]52;c;ZXZpbA==\x07clip",
    "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[2J\x1b[1;1Hgone",
    "\x9b31mred",
    "\x9d0;title\x9c",
    "\x90q\x9cdcs",
    "\x1bPq#0\x1b\\sixel",
    "\x1b[?1049lout",
    "\u202eevil\u202c",
    "lone \ud800 surrogate",
    "[bold red]markup[/x][/]",
    "line\r\nbreak\ttab",
    "zero\u200bwidth\ufeff",
    "za\u0300\u0301\u0302\u0303lgo",
    "wide 模型模型模型模型模型模型模型模型",
    "🚀👩‍👩‍👧‍👦🏳️‍🌈",
    ":smile: {braces} %s",
    "x" * 500,
    "",
)


def shown(snapshot: Snapshot, width: int = 80, height: int = 24, glyphs=UNICODE, **view) -> str:
    return draw(snapshot, View(**view), width, height, glyphs).text()


def whole(frame: Frame, width: int, height: int) -> bool:
    return len(frame.lines) == height and {cell_len(plain(line)) for line in frame.lines} == {width}


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_looks_as_it_always_did(golden, screen, width, height):
    golden(f"{screen}-{width}x{height}", shown(full(), width, height, screen=screen))


def test_ascii_ranges_trouble_and_an_empty_ledger_look_as_they_always_did(golden):
    golden("overview-ascii-80x24", shown(full(), glyphs=ASCII))
    golden("overview-7-days-80x24", shown(full(), days=7))
    golden("overview-paused-110x32", shown(full(), 110, 32, paused=True))
    golden("overview-troubled-110x32", shown(troubled(), 110, 32))
    golden("overview-empty-80x24", shown(Snapshot(at=NOW, zone=full().zone)))


def test_a_session_of_a_provider_that_caches_by_itself_is_not_called_cold():
    own = Session("a1", "codex", "coding", "main", None, "gpt-5.5", 0, figures(1), own_cache=True)
    text = shown(replace(full(), sessions=[own, replace(own, id="b2", own_cache=False)]), screen="sessions")
    ends = {line.split()[0]: line.split()[-1] for line in text.splitlines() if line.startswith((" a1", " b2"))}
    assert ends == {"a1": "–", "b2": "cold"}


@pytest.mark.parametrize("width", [80, 200])
def test_what_is_nearly_spent_stands_under_the_headline_and_in_red_where_the_day_is_over(width):
    said = ("daily budget: $8.21 of $10.00 spent today (UTC), 82%", "session aaaa11: session budget: 90%", "a third")
    for reached, style in ((False, "yellow"), (True, "bold red")):
        daemon = replace(full().daemon, budget_warnings=said, budget_reached=reached)
        frame = draw(replace(full(), daemon=daemon), View(), width, 24, UNICODE)
        assert whole(frame, width, 24)
        found = [line for line in frame.lines if any(text in plain(line) for text in said)]
        assert [plain(line).strip() for line in found] == list(said[:2])
        assert {piece[1] for line in found for piece in line if piece[0].strip()} == {style}


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("screen", SCREENS)
def test_every_line_is_as_wide_as_the_screen_in_every_size(screen, glyphs):
    for snapshot in (full(), troubled(), Snapshot(at=NOW)):
        for width, height in [*SIZES, (81, 25), (97, 24), (109, 40), (111, 29), (143, 50)]:
            frame = draw(snapshot, View(screen=screen, days=7, paused=True), width, height, glyphs)
            assert whole(frame, width, height)


@pytest.mark.parametrize(("width", "height"), [(79, 24), (80, 23), (40, 10), (10, 3), (1, 1), (0, 0)])
def test_a_terminal_that_is_too_small_gets_a_sentence(width, height):
    frame = draw(full(), View(), width, height, UNICODE)
    assert len(frame.lines) <= max(height, 0)
    if width >= 40:
        assert "80 columns and 24 lines" in " ".join(frame.text().split())


def test_ascii_is_ascii():
    for snapshot in (full(), troubled(), hostile()):
        for screen in SCREENS:
            assert shown(snapshot, 110, 32, glyphs=ASCII, screen=screen).isascii()


def test_numbers_are_never_cut():
    """At 80 columns names give way; each figure of the sessions stands there in full."""
    text = shown(full(), screen="sessions")
    for cell in ("$1.00", "$0.5000", "~$0.0300", "~-$0.0062", "*$4.20", "*$1.00", "?", "4:12", "0:09", "59m", "cold"):
        assert cell in text


# ── what is said of money ──


def test_what_synrouter_saved_comes_first_and_what_no_caching_costs_is_apart():
    lines = shown(full()).splitlines()
    assert lines[2].split("  ")[0].strip() == "SAVED BY SYNROUTER"
    assert lines[3].split()[0] == "~$3.42"
    assert "~$14.82 · 82%" in lines[3]
    assert "~$3.19" in lines[3]


def test_a_loss_has_a_minus_and_is_red():
    losing = Figures(api=sums(3, "2", "1.5", "1.8"))
    frame = draw(replace(full(), totals=losing), View(), 80, 24, UNICODE)
    pieces = {text: style for line in frame.lines for text, style in line}
    assert pieces["-$0.5000 · -34%"] == "bold red"
    assert pieces["-$0.2000 · -12%"] == "bold red"


def test_a_price_that_is_unknown_is_a_question_mark_and_never_zero():
    unpriced = Figures(api=sums(5, "0", "0", "0", unpriced_turns=5))
    line = shown(replace(full(), totals=unpriced)).splitlines()[3]
    assert line.split()[:3] == ["?", "?", "?"]
    assert "$" not in line
    partly = Figures(api=sums(5, "1", "2", "3", unpriced_turns=2))
    assert "$1.00+?" in shown(replace(full(), totals=partly))


def test_a_subscription_alone_is_shown_in_list_prices_that_are_marked():
    alone = Figures(subscription=sums(30, "4.2", "5.2", "30.1"))
    text = shown(replace(full(), totals=alone))
    assert "LIST PRICE" in text
    assert "SPENT" not in text
    assert text.splitlines()[3].split()[0] == "*$1.00"


def test_billed_dollars_hold_none_of_a_subscriptions():
    both = Figures(api=sums(1, "1", "2", "3"), subscription=sums(30, "4.2", "5.2", "30.1"))
    lines = shown(replace(full(), totals=both)).splitlines()
    assert lines[3].split()[:3] == ["$1.00", "·", "50%"]
    assert "subscription: 30 turns · list price *$4.20 · uncached *$30.10 · saved *$1.00" in lines[4]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_trimming_and_keep_warm_have_a_line_of_their_own_only_where_they_did_something(width, height):
    own = sums(9, trimmed_tokens=5000, trimmed_pusd=1_250_000_000_000, pings=3, ping_cost_pusd=40_000_000_000)
    frame = draw(replace(full(), totals=Figures(api=own)), View(), width, height, UNICODE)
    assert whole(frame, width, height)
    trimming, pings = "trimming: about $1.25 more, assumes no re-read", "keep-warm: 3 pings cost $0.0400"
    above = [plain(line).strip() for line in frame.lines[4:6]]
    assert above == [trimming, pings] if width == 80 else above[0] == f"{trimming} · {pings}"
    for word in ("trimming", "keep-warm"):
        assert word not in shown(full(), width, height)


def test_a_ping_among_the_turns_is_named_as_one():
    pinged = replace(full(), turns=[turn(1, kind="ping"), turn(2)])
    states = [line.split()[-1] for line in shown(pinged).splitlines() if line.startswith(" 14:0")]
    assert states == ["keep-warm", "ok"]


def test_a_turn_that_failed_is_told_by_what_failed_not_by_where_its_markers_stood():
    placed = turn(12, status="error", planned=True, reason="the client's own markers serve best")
    held = turn(13, status="error", planned=True, attempts=0, reason="The daily budget is used up")
    odd = turn(14, status="error", planned=False, reason="not valid JSON")
    lines = shown(replace(full(), failures=[placed, held, odd]), screen="errors").splitlines()
    told = {line.split("#")[1][:2]: line for line in lines if " #1" in line}
    assert "markers" not in told["12"]
    assert "The daily budget" in told["13"]
    assert "not valid JSON" in told["14"]


# ── health ──


def test_what_is_wrong_is_said_in_red_at_the_bottom():
    frame = draw(troubled(), View(), 110, 32, UNICODE)
    red = [plain(line) for line in frame.lines if any(style == "bold red" for _, style in line)]
    for said in (
        "can't be read",
        "disk is full",
        "2 ledger entries were lost",
        "moved aside",
        "version 0.9",
        "failing",
    ):
        assert any(said in line for line in red), said


def test_a_provider_that_is_not_asked_for_a_while_says_for_how_long():
    snapshot = troubled()
    resting = replace(snapshot.daemon, providers=(Provider("anthropic", turns=3, resting_s=12.4), Provider("openai")))
    frame = draw(replace(snapshot, daemon=resting), View(), 110, 32, UNICODE)
    lines = [plain(line) for line in frame.lines]
    assert any("anthropic resting 12s, others first" in line for line in lines)
    assert any("openai ok" in line for line in lines)


def test_of_many_providers_those_in_trouble_are_shown_and_how_many_there_are():
    names = ("anthropic", "deepseek", "google", "openai", "xai")
    providers = [Provider(name, 9, int(name == "google"), name == "xai", 5.0) for name in names]
    providers[1] = replace(providers[1], resting_s=9.0)
    keys = {name: f"SYNROUTER_{name.upper()}_KEY" for name in names}
    lines = shown(replace(full(), daemon=replace(full().daemon, providers=tuple(providers), keys=keys))).splitlines()
    at = next(index for index, line in enumerate(lines) if "health" in line)
    assert "health · 3 of 5 providers" in lines[at]
    assert [line.split()[0] for line in lines[at + 1 : at + 4]] == ["deepseek", "xai", "google"]
    assert lines[at + 4].startswith(" keys anthropic, deepseek, google, openai, xai · ledger ok"), "not cut off"


def test_a_turn_without_an_end_is_unknown_where_no_daemon_runs():
    assert " running" in shown(full())
    down = replace(full(), daemon=Snapshot(at=0).daemon)
    assert "unknown" in shown(down)
    assert "not running" in shown(down).splitlines()[0]


def test_an_idle_screen_stays_the_same_for_a_minute_and_a_countdown_does_not():
    """Two equal frames are not painted: only what counts down changes the screen."""
    idle = replace(full(), warm={}, at=NOW - 31)
    assert draw(idle, View(), 80, 24, UNICODE) == draw(replace(idle, at=NOW - 20), View(), 80, 24, UNICODE)
    later = draw(replace(full(), at=NOW + 1), View(), 80, 24, UNICODE)
    changed = [a for a, b in zip(later.lines, draw(full(), View(), 80, 24, UNICODE).lines, strict=True) if a != b]
    assert len(changed) == 2  # the two sessions that are about to cool down; the third changes by the minute


# ── names from outside ──


def hostile() -> Snapshot:
    """Every name that comes from outside is an attack."""
    names = [*HOSTILE, *HOSTILE]
    providers = tuple(Provider(name, 1, 1, True, None, name, NOW) for name in HOSTILE[:3])
    snapshot = troubled()
    return replace(
        snapshot,
        sessions=[Session(name, name, name, name, name, name, 0, figures(1)) for name in names],
        models=[Group(name, figures(1)) for name in names],
        turns=[
            turn(i, session=name, client=name, model=name, model_used=name, status=name, error_type=name, reason=name)
            for i, name in enumerate(names)
        ],
        failures=[turn(i, session=n, client=n, model=n, status="error", error_type=n) for i, n in enumerate(names)],
        ledger_problem=HOSTILE[0],
        daemon=replace(
            snapshot.daemon,
            address=HOSTILE[2],
            level=HOSTILE[3],
            version=HOSTILE[4],
            providers=providers,
            keys=dict.fromkeys(HOSTILE[:4], HOSTILE[5]),
            ledger_error=HOSTILE[8],
            ledger_notice=HOSTILE[10],
            problem=HOSTILE[1],
            hint=HOSTILE[0],
        ),
    )


@pytest.mark.parametrize("screen", SCREENS)
def test_hostile_names_change_nothing_but_their_own_cells(screen):
    for width, height in SIZES:
        frame = draw(hostile(), View(screen=screen), width, height, UNICODE)
        assert whole(frame, width, height)
        text = "".join(map(plain, frame.lines))
        assert {unicodedata.category(char) for char in text} & {"Cc", "Cf", "Cs", "Co", "Mn", "Zl", "Zp"} == set()
        assert "q quit" in plain(frame.lines[-1])


def test_rich_writes_no_sequence_but_its_own_colours():
    for screen in SCREENS:
        out = io.StringIO()
        console = Console(file=out, force_terminal=True, color_system="truecolor", width=200, height=200)
        console.print(draw(hostile(), View(screen=screen), 200, 60, UNICODE), soft_wrap=True)
        written = out.getvalue().split("\x1b[")
        assert "\x1b" not in "".join(written)
        assert all(one.split("m")[0].replace(";", "").isdigit() for one in written[1:])


def test_markup_in_a_name_is_text():
    assert "[bold red]markup[/x][/]" in shown(hostile(), 200, 60, screen="models")


def test_without_colour_nothing_is_lost():
    plain_out, colour_out = io.StringIO(), io.StringIO()
    frame = draw(full(), View(), 80, 24, UNICODE)
    Console(file=plain_out, force_terminal=True, no_color=True, width=80).print(frame, soft_wrap=True)
    Console(file=colour_out, no_color=True, width=80).print(frame, soft_wrap=True)
    assert not [code for code in ("31m", "32m", "33m", "36m", "35m") if code in plain_out.getvalue()]
    assert colour_out.getvalue().split("\n")[:24] == [plain(line) for line in frame.lines]
