"""The README's picture is what the program draws today, the same each time, and fetches nothing."""

from __future__ import annotations

import importlib.util
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType

import pytest

from synrouter_cli.dashboard.glyphs import UNICODE
from synrouter_cli.dashboard.keys import View
from synrouter_cli.dashboard.view import draw

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_picture", ROOT / "tools" / "make_picture.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up by name
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_up_to_date(tool: ModuleType):
    assert tool.PICTURE.read_text("utf-8") == tool.picture(), "next: make picture"


def test_it_is_drawn_the_same_each_time(tool: ModuleType):
    assert tool.picture() == tool.picture()


def test_what_is_out_of_date_is_told_and_drawn_anew(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(tool, "PICTURE", tmp_path / "assets" / "dashboard.svg")
    assert tool.main(["--check"]) == 1
    assert "python tools/make_picture.py" in capsys.readouterr().err
    assert tool.main([]) == 0
    assert tool.main(["--check"]) == 0


def test_looking_at_it_fetches_nothing(tool: ModuleType):
    root = ElementTree.fromstring(tool.picture())
    text = ElementTree.tostring(root, encoding="unicode")
    assert "@font-face" not in text and "@import" not in text
    assert not re.search(r"(?:href|src|url\()\s*=?\s*[\"']?\s*(?:https?:)?//", text)


def test_its_figures_are_one_ledger_s(tool: ModuleType):
    rows = [turn for work in tool.DAY for turn in tool.turns(work)]
    seen = tool.snapshot()
    assert seen.totals.api.turns == len(rows)
    assert seen.totals.api.cost_pusd == sum(row.cost_pusd for row in rows)
    shown = draw(seen, View(), tool.WIDTH, tool.HEIGHT, UNICODE).text()
    for work in tool.DAY:
        assert work.session in shown and work.client in shown
