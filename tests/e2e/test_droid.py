"""`synrouter configure droid`, then Droid without a login of its own; then `--undo`.

A second prompt in the same session is not tried: Droid resumes sessions only with a login at its maker's.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from support.clients import CANARY, assert_hits, stage, tree
from support.toolchain import node_folder, npm_executable

pytestmark = [pytest.mark.e2e, pytest.mark.slow_client, pytest.mark.xdist_group("droid")]

VERSION = "0.215.0"
MODEL = "claude-sonnet-4-6"


@pytest.fixture(scope="module")
def droid() -> Path:
    return npm_executable("droid", VERSION, "droid")


@pytest.fixture(scope="module")
def on_path(droid: Path) -> dict[str, str]:
    """Droid and the node that starts it."""
    return {"PATH": os.pathsep.join([str(droid.parent), str(node_folder()), os.environ["PATH"]])}


def script(project: Path) -> list[object]:
    listing = {"name": "LS", "input": {"directory_path": str(project)}}
    steps = [{"say": "I list.", "tools": [listing]}, {"say": "Again.", "tools": [listing]}, {"say": "Nothing there."}]
    return [{"when": "Look around", "steps": steps}]


def test_an_empty_home_is_configured_works_and_is_empty_again(droid: Path, on_path: dict[str, str], tmp_path: Path):
    with stage(tmp_path, script(tmp_path / "project")) as on:
        on.synrouter("configure", "droid", "--yes", "--model", MODEL)
        assert set(on.tree()) == {".factory", ".factory/settings.json"}
        assert oct((on.home / ".factory" / "settings.json").stat().st_mode & 0o777) == "0o600"

        answer = json.loads(on.run([droid, "exec", "-o", "json", "Look around, please."], **on_path).stdout)
        assert (answer["is_error"], answer["result"]) == (False, "Nothing there.")
        assert assert_hits(on, "droid")["model"] == MODEL

        on.synrouter("configure", "droid", "--undo", "--yes")
        assert ".factory/settings.json" not in on.tree()
        token = on.synrouter("token", "show").stdout.strip()
        assert on.holding(token) == [str(on.proxy.home / "data" / "token")]
        assert on.holding(CANARY) == []


def test_settings_of_the_user_s_come_back_byte_for_byte(droid: Path, on_path: dict[str, str], tmp_path: Path):
    theirs = (
        '{\n  "customModels": [ /* mine */\n    {"model": "m", "displayName": "Mine", "baseUrl": "http://127.0.0.1:9",'
        ' "apiKey": "x", "provider": "anthropic"}\n  ],\n  "sessionDefaultSettings": {"model": "custom:Mine-0"}\n}\n'
    )
    with stage(tmp_path, script(tmp_path / "project")) as on:
        (on.home / ".factory").mkdir()
        (on.home / ".factory" / "settings.json").write_text(theirs)
        before = tree(on.home)
        on.synrouter("configure", "droid", "--yes", "--model", MODEL)
        on.run([droid, "exec", "Look around, please."], **on_path)
        assert len(on.billed()) == 3
        on.synrouter("configure", "droid", "--undo", "--yes")
        assert tree(on.home)[".factory/settings.json"] == before[".factory/settings.json"]


def test_run_starts_it_with_no_file_touched(droid: Path, on_path: dict[str, str], tmp_path: Path):
    with stage(tmp_path, script(tmp_path / "project")) as on:
        ran = on.synrouter("run", "--model", MODEL, "droid", "exec", "-o", "json", "Look around, please.", **on_path)
        assert json.loads(ran.stdout)["result"] == "Nothing there."
        assert_hits(on, "droid")
        assert ".factory/settings.json" not in on.tree()
        token = on.synrouter("token", "show").stdout.strip()
        assert on.holding(token) == [str(on.proxy.home / "data" / "token")]
