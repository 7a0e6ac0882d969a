"""`configure` from the outside: what it asks, says, writes and takes back; Claude Code stands for every client."""

from __future__ import annotations

import dataclasses
import json
import stat

import pytest

from support.clients import tree
from support.dialogue import dialogue
from synrouter_cli.clients.records import Records
from synrouter_cli.commands import configure
from synrouter_cli.commands.configure import Options, command_for
from synrouter_cli.daemon import tokens

WRITTEN = {"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:7477", "ENABLE_TOOL_SEARCH": "true"}}
PLAIN = ("--auth", "subscription")
"""The way in which Claude Code's file holds the local key."""


def renamed(user, name: str) -> None:
    """What was configured becomes what another version configured, for a client of that name."""
    records = Records(user.paths.clients_file)
    [record] = records.all()
    records.drop(record)
    records.put(dataclasses.replace(record, client=name))


# ── writing ──


def test_it_says_what_it_wrote_and_what_to_type_next(user):
    done = user.types("configure", "claude-code", "--yes")
    assert (done.code, done.out) == (
        0,
        "claude-code: configured for http://127.0.0.1:7477\n  ~/.claude/settings.json\n",
    )
    assert done.err == "  next: synrouter up\n"
    assert {key: user.settings[key] for key in WRITTEN} == WRITTEN
    assert user.settings["apiKeyHelper"].endswith("token show")


def test_twice_is_like_once_and_undone_twice_like_once(user):
    user.owns('{"model": "opus"}')
    before = user.settings_file.read_bytes()
    user.types("configure", "claude-code", "--yes")
    once = user.everything()
    again = user.types("configure", "claude-code", "--yes")
    assert (again.code, user.everything()) == (0, once)
    taken = user.types("configure", "claude-code", "--undo", "--yes")
    assert (taken.code, taken.said) == (0, "claude-code: taken back.\n  ~/.claude/settings.json\n")
    assert user.settings_file.read_bytes() == before
    nothing = user.types("configure", "claude-code", "--undo", "--yes")
    assert (nothing.code, nothing.said) == (0, "claude-code: nothing to take back.\n")
    assert user.settings_file.read_bytes() == before


@pytest.mark.parametrize("options", [(), PLAIN], ids=["by a command", "plain"])
@pytest.mark.parametrize("made", [False, True], ids=["first of all", "with a key that is there"])
def test_a_dry_run_writes_nothing_anywhere_and_shows_no_key(user, options, made):
    theirs = "sk-ant-api03-canary-of-the-users-own"
    user.owns(json.dumps({"env": {"ANTHROPIC_API_KEY": theirs}}, indent=2))
    if made:
        user.types("token")
    before = user.everything()
    shown = user.types("configure", "claude-code", "--dry-run", *options)
    assert (shown.code, user.everything()) == (0, before)
    assert '+    "ANTHROPIC_BASE_URL": "http://127.0.0.1:7477"' in shown.out
    assert theirs not in shown.said
    assert not made or tokens.client_token(user.paths).reveal() not in shown.said
    assert "\x1b" not in shown.said


def test_a_dry_run_of_an_undo_writes_nothing(user):
    user.types("configure", "claude-code", "--yes", *PLAIN)
    before = user.everything()
    shown = user.types("configure", "claude-code", "--undo", "--dry-run")
    assert (shown.code, user.everything()) == (0, before)
    assert "+++ /dev/null" in shown.out
    assert tokens.client_token(user.paths).reveal() not in shown.said
    user.types("configure", "claude-code", "--undo", "--yes")
    assert user.types("configure", "claude-code", "--undo", "--dry-run").out == "claude-code: nothing to take back.\n"


def test_what_would_not_change_is_said(user):
    user.types("configure", "claude-code", "--yes")
    assert user.types("configure", "claude-code", "--dry-run").out == "nothing would change\n"


def test_a_file_that_holds_the_key_is_the_users_alone_and_that_is_said(user):
    user.owns("{}")
    user.settings_file.chmod(0o644)
    done = user.types("configure", "claude-code", "--yes", *PLAIN)
    assert "the local key stands in ~/.claude/settings.json, which only you can read now (0600)" in done.err
    assert stat.S_IMODE(user.settings_file.stat().st_mode) == 0o600
    assert tokens.client_token(user.paths).reveal() not in done.said
    user.types("configure", "claude-code", "--undo", "--yes")
    assert (user.settings_file.read_text(), stat.S_IMODE(user.settings_file.stat().st_mode)) == ("{}", 0o644)


def test_what_beats_the_file_is_warned_of(user, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "canary-of-the-environment")
    (user.project / ".claude").mkdir()
    local = user.project / ".claude" / "settings.local.json"
    local.write_text('{"env": {"ANTHROPIC_BASE_URL": "http://elsewhere"}}')
    for options in (("--dry-run",), ("--yes",)):
        said = user.types("configure", "claude-code", *options).err
        assert "synrouter: warning: ANTHROPIC_AUTH_TOKEN is set in this environment" in said
        assert f"synrouter: warning: {local} goes before the user's settings" in said
        assert "canary" not in said


def test_a_relay_that_does_not_take_the_client_is_warned_of(user):
    user.paths.create()
    user.paths.config_file.write_text('[upstreams]\nanthropic = "https://api.saverouter.com"\n')
    assert "synrouter: warning: SaveRouter" in user.types("configure", "claude-code", "--yes").err


# ── asking ──

ANSWERS = {
    "yes": ("y\n", 0, "claude-code: configured for"),
    "the whole word": ("YES\n", 0, "claude-code: configured for"),
    "no": ("n\n", 1, "synrouter: nothing was written."),
    "nothing": ("\n", 1, "synrouter: nothing was written."),
    "another word": ("yesterday\n", 1, "synrouter: nothing was written."),
    "end of file": ("\x04", 1, "synrouter: nothing was written."),
    "Ctrl-C": ("\x03", 130, "Write this? [y/N] ^C"),
}


@pytest.mark.parametrize(("typed", "code", "said"), ANSWERS.values(), ids=ANSWERS)
def test_on_a_terminal_it_shows_the_difference_and_asks(user, typed, code, said):
    with dialogue("configure", "claude-code") as asked:
        asked.until("Write this? [y/N] ")
        assert not user.settings_file.exists()
        asked.type(typed)
        ended = asked.ended(again=typed if typed == "\x03" else "")
        assert (ended, said in asked.said) == (code, True), asked.said
    assert '"ANTHROPIC_BASE_URL": "http://127.0.0.1:7477"' in asked.said
    assert "Traceback" not in asked.said
    assert user.settings_file.exists() is (code == 0)
    assert bool(Records(user.paths.clients_file).all()) is (code == 0)


def test_an_undo_asks_too(user):
    user.types("configure", "claude-code", "--yes")
    for typed, code in (("n\n", 1), ("y\n", 0)):
        with dialogue("configure", "claude-code", "--undo") as asked:
            asked.until("Take this back? [y/N] ")
            asked.type(typed)
            assert asked.ended() == code
        assert user.settings_file.exists() is (code == 1)


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
    ids=["colours", "NO_COLOR", "dumb"],
)
def test_the_difference_is_coloured_where_a_terminal_knows_colours(user, environ, coloured):
    with dialogue("configure", "claude-code", "--dry-run", **environ) as shown:
        assert shown.ended() == 0
    assert ("\x1b[32m+{\x1b[0m\n" in shown.said) is coloured
    assert coloured or "\x1b" not in shown.said


def test_what_stands_in_a_file_does_not_reach_the_terminal_as_a_command(user):
    user.owns('{\n\t"model": "a\u202eb", "x": "\x9b2J"}')
    with dialogue("configure", "claude-code", "--dry-run", NO_COLOR="1") as shown:
        shown.ended()
    assert '-   "model": "ab", "x": ""}' in shown.said.splitlines()


def test_a_long_difference_leaves_the_question_in_sight(user):
    user.owns("{\n" + "".join(f'  "key{number}": {number},\n' for number in range(4)) + '  "z": 1\n}')
    with dialogue("configure", "zed", height=24) as asked:
        asked.until("[y/N] ")
        lines = asked.said.splitlines()
        assert len(lines) <= 22
        assert lines[-2].endswith("more lines; to see all: synrouter configure zed --dry-run")
        asked.type("n\n")
        asked.ended()


def test_messages_are_wrapped_to_the_terminal(user):
    with dialogue("configure", "cursor", width=60) as told:
        assert told.ended() == 1
    assert max(map(len, told.said.splitlines())) <= 60
    assert told.said.startswith("synrouter: Cursor can't be put on the proxy this way: ")


# ── what can't be done ──

REFUSED = {
    "no client": ((), 2, "Which client?", "synrouter configure --list"),
    "an unknown one": (("nope", "--yes"), 2, "There is no client 'nope'; known are: claude-code,", "synrouter configure --list"),
    "an unknown one, undone": (("nope", "--undo"), 2, "There is no client 'nope'", "synrouter configure --list"),
    "an unknown scope": (("claude-code", "--scope", "here"), 2, "has no scope 'here'; it has: user, project.", "synrouter configure claude-code"),
    "a scope that it lacks": (("zed", "--scope", "project"), 2, "Zed has no scope 'project'; it has: user.", "synrouter configure zed"),
    "an unknown scope, undone": (("claude-code", "--undo", "--scope", "here"), 2, "no scope 'here'", "synrouter configure claude-code --undo"),
    "an auth that it lacks": (("zed", "--auth", "subscription"), 2, "Zed has no --auth 'subscription'; it has: key.", "synrouter configure zed"),
    "nobody to ask": (
        ("claude-code", "--model", "x y", *PLAIN), 2, "Without a terminal there is nobody to ask.",
        "synrouter configure claude-code --model 'x y' --auth subscription --yes",
    ),
    "--json of what is no list": (("claude-code", "--json"), 2, "--json goes with --list.", "synrouter configure --list --json"),
    "one that can't be": (("cursor",), 1, "Cursor can't be put on the proxy this way: its own servers", ""),
    "one that can't be, with --yes": (("cursor", "--yes"), 1, "its own servers", ""),
}  # fmt: skip


@pytest.mark.parametrize(("words", "code", "said", "then"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_says_why_and_what_to_type(user, words, code, said, then):
    before = tree(user.home)
    refused = user.types("configure", *words)
    assert (refused.code, refused.out) == (code, "")
    assert said in refused.err
    assert refused.err.endswith(f"\n  next: {then}\n") if then else "next:" not in refused.err
    assert tree(user.home) == before


def test_without_a_terminal_an_undo_is_not_asked_for_either(user):
    user.types("configure", "claude-code", "--yes")
    refused = user.types("configure", "claude-code", "--undo")
    assert refused.code == 2
    assert refused.err.endswith("  next: synrouter configure claude-code --undo --yes\n")
    assert user.settings_file.exists()


@pytest.mark.parametrize("undo", [False, True], ids=["configure", "undo"])
def test_a_file_that_does_not_parse_is_left_alone_and_its_place_is_told(user, undo):
    if undo:
        user.types("configure", "claude-code", "--yes")
    user.owns('{\n  "env": {,}\n}')
    remembered = Records(user.paths.clients_file).all()
    refused = user.types("configure", "claude-code", "--yes", *(["--undo"] if undo else []))
    assert refused.code == 5
    assert refused.err.startswith(f"synrouter: {user.settings_file}, line 2, column 11: ")
    assert "\n  next: correct the file there" in refused.err
    assert user.settings_file.read_text() == '{\n  "env": {,}\n}'
    assert Records(user.paths.clients_file).all() == remembered


def test_a_folder_that_can_not_be_written_is_a_conflict_and_nothing_is_remembered(user, monkeypatch):
    user.owns("{}")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("synrouter_cli.clients.files._temporary_beside", refuse)
    refused = user.types("configure", "claude-code", "--yes")
    assert refused.code == 5
    assert refused.err.startswith(f"synrouter: {user.settings_file} can't be written: Permission denied.\n  next: ")
    assert user.settings_file.read_text() == "{}"
    assert Records(user.paths.clients_file).all() == ()


def test_while_another_configure_is_at_work_nothing_is_written(user, monkeypatch):
    monkeypatch.setattr("synrouter_cli.clients.records._PATIENCE_S", 0)
    user.paths.create()
    with Records(user.paths.clients_file).locked():
        refused = user.types("configure", "claude-code", "--yes")
        assert user.types("configure", "claude-code", "--dry-run").code == 0
    assert (refused.code, refused.err.splitlines()[0]) == (5, "synrouter: Another synrouter configure is at work.")
    assert not user.settings_file.exists()


# ── taking back ──


def test_what_the_user_changed_since_stays_and_is_named(user):
    user.types("configure", "claude-code", "--yes")
    held = user.settings
    held["env"]["ANTHROPIC_BASE_URL"] = "http://mine"
    user.owns(json.dumps(held))
    taken = user.types("configure", "claude-code", "--undo", "--yes")
    assert user.settings == {"env": {"ANTHROPIC_BASE_URL": "http://mine"}}
    assert taken.err == (
        "synrouter: env.ANTHROPIC_BASE_URL in ~/.claude/settings.json was changed since and stays as it is.\n"
    )


def test_a_client_that_this_version_does_not_know_is_taken_back_by_its_record(user):
    user.owns('{"mine": 1}')
    user.types("configure", "claude-code", "--yes")
    renamed(user, "claude-of-old")
    assert user.types("configure", "claude-of-old", "--yes").code == 2
    taken = user.types("configure", "claude-of-old", "--undo", "--yes")
    assert (taken.code, taken.out) == (0, "claude-of-old: taken back.\n  ~/.claude/settings.json\n")
    assert user.settings_file.read_text() == '{"mine": 1}'
    assert user.types("configure", "claude-of-old", "--undo", "--yes").code == 2


def test_what_is_configured_elsewhere_is_named_with_the_command_that_takes_it_back(user):
    (user.project / ".git").mkdir()
    user.types("configure", "claude-code", "--yes", "--scope", "project")
    assert user.types("configure", "claude-code", "--undo", "--yes").said == (
        "claude-code: nothing to take back here.\n"
        f"  next: cd {user.project} && synrouter configure claude-code --undo --scope project\n"
    )


def test_a_project_is_taken_back_from_anywhere_below_it_also_where_it_is_no_repository_any_more(user, monkeypatch):
    (user.project / ".git").mkdir()
    user.types("configure", "claude-code", "--yes", "--scope", "project")
    local = user.project / ".claude" / "settings.local.json"
    assert "sk-sr-local" not in local.read_text()
    (user.project / ".git").rmdir()
    (user.project / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(user.project / "deep" / "down")
    assert user.types("configure", "claude-code", "--undo", "--yes", "--scope", "project").code == 0
    assert not local.exists()


def test_a_project_that_is_gone_can_be_forgotten(user, monkeypatch):
    user.types("configure", "claude-code", "--yes", "--scope", "project")
    monkeypatch.chdir(user.home)
    user.project.rename(user.home / "moved")
    [record] = Records(user.paths.clients_file).all()
    assert command_for(record, undo=True) == "synrouter configure claude-code --undo --scope project"
    assert user.types("configure", "claude-code", "--undo", "--yes", "--scope", "project").code == 0
    assert Records(user.paths.clients_file).all() == ()


# ── the key ──


def test_a_new_key_reaches_the_files_that_hold_it_and_no_others(user):
    user.types("configure", "claude-code", "--yes", *PLAIN)
    old = tokens.client_token(user.paths).reveal()
    rotated = user.types("token", "rotate")
    new = rotated.out.strip()
    assert rotated.code == 0 and new != old
    assert user.settings["env"]["ANTHROPIC_CUSTOM_HEADERS"] == f"x-synrouter-key: {new}"
    assert f"claude-code: new key in {user.settings_file}\n" in rotated.err
    user.types("configure", "claude-code", "--yes")
    assert "new key in" not in user.types("token", "rotate").err


def test_a_file_that_can_not_be_given_the_new_key_is_told_and_the_old_key_is_void_all_the_same(user):
    user.types("configure", "claude-code", "--yes", *PLAIN)
    old = tokens.client_token(user.paths).reveal()
    user.owns("{broken")
    rotated = user.types("token", "rotate")
    assert rotated.code == 5
    assert rotated.out.strip() == tokens.client_token(user.paths).reveal() != old
    assert f"synrouter: claude-code still has the old key: {user.settings_file}, line 1, column " in rotated.err
    assert rotated.err.endswith("  next: synrouter configure claude-code --auth subscription\n")
    assert user.settings_file.read_text() == "{broken"


def test_the_key_is_replaced_even_where_what_was_configured_can_not_be_read(user):
    old = user.types("token").out
    user.paths.clients_file.write_text("garbage")
    rotated = user.types("token", "rotate")
    assert (rotated.code, rotated.out != old) == (5, True)
    assert user.types("token").out == rotated.out


def test_while_a_client_is_configured_the_key_is_not_replaced(user, monkeypatch):
    monkeypatch.setattr("synrouter_cli.clients.records._PATIENCE_S", 0)
    old = user.types("token").out
    with Records(user.paths.clients_file).locked():
        assert user.types("token", "rotate").code == 5
    assert user.types("token").out == old


def test_a_command_is_given_back_as_it_was_typed():
    options = Options(undo=True, model="a b", scope="project", auth="subscription")
    assert options.command("x", "--yes") == (
        "synrouter configure x --undo --model 'a b' --scope project --auth subscription --yes"
    )
    assert configure.Options().command("x") == "synrouter configure x"
