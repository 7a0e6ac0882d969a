"""Crush, Zed, Roo Code and Cursor by the command line: they can't be run here, but their files are written and taken
back on a real disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.clients import tree

pytestmark = pytest.mark.e2e

ROO = '[{"identifier":{"id":"rooveterinaryinc.roo-cline"}}]'
ZED = '// mine\n{\n  "vim_mode": true,\n}\n'
WRITTEN = {
    "crush": {".config/crush/crush.json", ".local/share/crush/crush.json"},
    "zed": {".config/zed/settings.json"},
    "roo": {".config/Code/User/settings.json"},
}


def synrouter(home: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "SYNROUTER_HOME": str(home.parent / "synrouter"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, "-m", "synrouter_cli", *arguments]
    result = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == code, result.stderr
    return result


def files(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("client", WRITTEN)
def test_an_empty_home_is_written_for_the_user_alone_and_empty_again(home: Path, client: str):
    synrouter(home, "configure", client, "--yes")
    assert files(home) == WRITTEN[client]
    assert {oct((home / path).stat().st_mode & 0o777) for path in WRITTEN[client]} == {"0o600"}
    token = synrouter(home, "token", "show").stdout.strip()
    assert [path for path in files(home) if token in (home / path).read_text()] == []

    synrouter(home, "configure", client, "--undo", "--yes")
    assert tree(home) == {}


def test_the_command_that_crush_is_given_prints_the_local_key(home: Path):
    synrouter(home, "configure", "crush", "--yes")
    config = json.loads((home / ".config" / "crush" / "crush.json").read_text())
    reference = config["providers"]["synrouter"]["api_key"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
    printed = subprocess.run(
        ["sh", "-c", f'printf %s "{reference}"'], cwd="/", env=environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout == synrouter(home, "token", "show").stdout.strip()


def test_settings_of_the_users_come_back_through_a_link(home: Path):
    dotfiles = home / "dotfiles.json"
    dotfiles.write_text(ZED)
    dotfiles.chmod(0o644)
    settings = home / ".config" / "zed" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.symlink_to(dotfiles)
    before = tree(home)
    synrouter(home, "configure", "zed", "--yes")
    assert settings.is_symlink()
    assert "anthropic_compatible" in dotfiles.read_text()
    synrouter(home, "configure", "zed", "--undo", "--yes")
    assert tree(home) == before


def test_the_imported_file_of_roo_code_holds_the_key_for_the_user_alone_and_goes_with_an_undo(home: Path):
    listed = home / ".vscode" / "extensions" / "extensions.json"
    listed.parent.mkdir(parents=True)
    listed.write_text(ROO)
    before = tree(home)
    said = synrouter(home, "configure", "roo", "--yes")
    imported = json.loads((home / ".config" / "Code" / "User" / "settings.json").read_text())
    ours = Path(imported["roo-cline.autoImportSettingsPath"])
    assert synrouter(home, "token", "show").stdout.strip() in ours.read_text()
    assert oct(ours.stat().st_mode & 0o777) == "0o600"
    assert "0600" in said.stderr

    synrouter(home, "configure", "roo", "--undo", "--yes")
    assert (tree(home), ours.exists()) == (before, False)


@pytest.mark.parametrize("command", ["configure", "run", "env"])
def test_cursor_is_refused_with_the_reason(home: Path, command: str):
    options = ["--yes"] if command == "configure" else []
    said = synrouter(home, command, "cursor", *options, code=1).stderr
    assert "its own servers" in said
    assert tree(home) == {}


def test_an_extension_is_not_started_but_configured(home: Path):
    assert "synrouter configure roo" in synrouter(home, "run", "roo", code=1).stderr


def test_zed_is_started_only_where_its_settings_name_the_proxy(home: Path):
    assert "synrouter configure zed" in synrouter(home, "env", "zed", code=5).stderr
    synrouter(home, "configure", "zed", "--yes")
    assert synrouter(home, "env", "zed").stdout == 'export SYNROUTER_API_KEY="$(synrouter token show)"\n'


def test_the_list_says_what_is_configured_and_where_it_points(home: Path):
    synrouter(home, "configure", "crush", "--yes")
    rows = {
        row["client"]: row for row in json.loads(synrouter(home, "configure", "--list", "--json").stdout)["clients"]
    }
    configured = {name: rows[name]["configured"] for name in ("crush", "zed", "roo", "cursor")}
    assert configured == {"crush": "yes", "zed": "no", "roo": "no", "cursor": "not possible"}
    assert rows["crush"]["points_at"] == "http://127.0.0.1:7477"
