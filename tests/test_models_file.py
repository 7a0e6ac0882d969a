"""What providers said of their models is kept as it was said, for the user alone, and never stands in the way."""

from __future__ import annotations

import json
import stat
from datetime import date
from decimal import Decimal

import pytest

from synrouter_cli import models_file
from synrouter_cli.models_file import Listing
from synrouter_cli.paths import find_paths
from synrouter_cli.providers import Listed, Rates
from synrouter_cli.settings import Settings

RATES = Rates(Decimal("0.10"), Decimal(5), Decimal("0.0036"), None, Decimal(2))
SAID = {
    "openrouter": Listing(date(2026, 11, 26), (Listed("a/b", 8192, 1024, RATES), Listed("c"))),
    "ollama": Listing(date(2026, 11, 25), ()),
}


@pytest.fixture
def paths():
    found = find_paths()
    found.create()
    return found


def test_what_is_kept_is_read_again(paths):
    models_file.save(paths, SAID)
    assert models_file.load(paths) == SAID
    assert models_file.read(paths) == {"openrouter": ("a/b", "c"), "ollama": ()}


def test_the_file_is_the_users_alone_and_says_its_version(paths):
    models_file.save(paths, SAID)
    assert stat.S_IMODE(paths.models_file.stat().st_mode) == 0o600
    assert json.loads(paths.models_file.read_text())["schema_version"] == 1


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema_version": 2, "providers": {}}', '{"schema_version": 1}', "\xff"]
)
def test_a_file_that_can_not_be_read_counts_as_none(paths, text):
    paths.models_file.write_bytes(text.encode("latin-1"))
    assert models_file.load(paths) == {}


def test_where_nobody_was_asked_nothing_is_known(paths):
    assert models_file.read(paths) == {}


def test_all_that_is_known_stands_together_the_users_own_first(paths):
    models_file.save(paths, {"moonshot": Listing(date(2026, 11, 26), (Listed("kimi-k9"), Listed("kimi-k3")))})
    known = models_file.known(Settings(paths, own_models={"moonshot": ("kimi-mine",)}))
    assert known["moonshot"][:3] == ("kimi-mine", "kimi-k9", "kimi-k3")
    assert known["moonshot"].count("kimi-k3") == 1
    assert "kimi-k3.1-pro" in known["moonshot"] and "claude-opus-5-5" in known["anthropic"]
    assert known["vllm"] == ()
