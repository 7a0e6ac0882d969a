"""Keys by hand: what is one, how little of it is shown, whose file may hold it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.credentials import checked_key, masked, read_key_file, variable_of, without_keys
from synrouter_cli.errors import ConfigError, KeyFileError
from synrouter_cli.settings import load

KEY = "sk-ant-api03-canary-0123456789"


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=1280))
def test_at_most_eleven_characters_of_a_key_are_shown(key):
    shown = masked(key)
    first, last = shown.split("…") if "…" not in key else ("", "")
    assert len(first) <= 7 and len(last) <= 4
    assert len(first + last) * 2 < len(key) or shown == "…"


@pytest.mark.parametrize("text", ["", "  \n", "two words", "clé", "a\r\nb", "x" * 1281, "nul\0"])
def test_what_no_header_or_item_can_hold_is_refused_without_being_shown(text):
    with pytest.raises(ConfigError) as raised:
        checked_key(text, where="the key")
    assert raised.value.message.startswith("the key: ")
    assert not text.strip() or text not in str(raised.value)


def test_a_key_may_have_1280_characters():
    assert len(checked_key("x" * 1280, where="").reveal()) == 1280


def test_a_child_that_needs_no_key_gets_none():
    environ = {variable_of("anthropic"): KEY, "SYNROUTER_HOME": "/h", "PATH": "/bin"}
    assert without_keys(environ) == {"SYNROUTER_HOME": "/h", "PATH": "/bin"}


# ── key files ──


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "anthropic.key"
    path.write_text(f"{KEY}\n")
    path.chmod(0o600)
    return path


def settings(file: Path, **environ: str):
    home = file.parent
    (home / "config.toml").write_text(f'[key_files]\nanthropic = "{file}"\n')
    return load(environ={"SYNROUTER_HOME": str(home), **environ})


def test_a_key_file_of_the_config_is_read_and_named(file):
    found = settings(file)
    assert found.provider_keys["anthropic"].reveal() == KEY
    assert found.key_sources == {"anthropic": str(file)}


def test_the_environment_goes_before_a_key_file_which_is_not_read_then(file):
    file.chmod(0o644)
    found = settings(file, SYNROUTER_ANTHROPIC_KEY="other")
    assert found.provider_keys["anthropic"].reveal() == "other"
    assert found.key_sources == {"anthropic": "SYNROUTER_ANTHROPIC_KEY"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610])
def test_a_key_file_that_others_can_open_is_refused(file, mode):
    file.chmod(mode)
    with pytest.raises(KeyFileError) as raised:
        settings(file)
    assert raised.value.message == f"The key file {file} can be read by others."
    assert (raised.value.hint, raised.value.exit_code) == (f"chmod 600 {file}", 4)


def test_a_link_to_a_private_file_is_followed(file, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(file)
    assert read_key_file(link).reveal() == KEY


def test_a_key_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(KeyFileError, match="can't be read: No such file"):
        read_key_file(tmp_path / "nothing")


def test_what_is_no_regular_file_is_no_key_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path in (tmp_path, Path(os.devnull), pipe):
        with pytest.raises(KeyFileError):
            read_key_file(path)


def test_a_file_without_a_key_is_told_without_its_text(file):
    file.write_text("two words\n")
    with pytest.raises(ConfigError) as raised:
        read_key_file(file)
    assert raised.value.message == f"{file}: holds characters that no key has"


@pytest.mark.parametrize("line", ['anthropic = "relative"', "anthropic = 1", '"bad name" = "/x"'])
def test_a_mistake_under_key_files_is_told_by_its_line(tmp_path, line):
    (tmp_path / "config.toml").write_text(f"[key_files]\n{line}\n")
    with pytest.raises(ConfigError, match=r"line 2, key_files\."):
        load(environ={"SYNROUTER_HOME": str(tmp_path)})
