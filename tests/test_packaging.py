"""What is installed is what the lock says, and the lock knows all that the project asks for."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]
PINS = dict(
    line.split("==") for line in (ROOT / "requirements/lock.txt").read_text().splitlines() if not line.startswith("#")
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def plain(name: str) -> str:
    """A distribution's name as indexes compare it (packaging.python.org, "Names and normalization")."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_requirement_of_the_project_is_pinned():
    extras = chain.from_iterable(PROJECT["optional-dependencies"].values())
    asked = {plain(re.split(r"[<>=!~; ]", named)[0]) for named in [*PROJECT["dependencies"], *extras]}
    assert asked - {plain(name) for name in PINS} == set()


def test_what_is_installed_is_what_is_pinned():
    installed = {plain(found.metadata["Name"]): found.version for found in distributions()}
    other = {name: installed.get(plain(name), pin) for name, pin in PINS.items()}
    assert other == PINS
