"""The texts that screens are compared with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "golden" / "dashboard"


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with tests/golden/dashboard/NAME.txt; with UPDATE_GOLDEN=1 in the environment, write it."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / f"{name}.txt"
        if os.environ.get("UPDATE_GOLDEN"):
            file.write_text(text, "utf-8")
        assert text == file.read_text("utf-8"), f"{file} differs; if it should: UPDATE_GOLDEN=1 make test"

    return compare
