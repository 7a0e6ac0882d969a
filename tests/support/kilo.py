"""Kilo Code's command line, without what it would fetch in vain."""

from __future__ import annotations

import os
from pathlib import Path

from support.clients import Stage

VERSION = "7.7.7"
FOLDER = ".config/kilo"
QUIET = {"KILO_DISABLE_MODELS_FETCH": "1", "KILO_DISABLE_AUTOUPDATE": "1"}


def surroundings(kilo: Path) -> dict[str, str]:
    return {"PATH": f"{kilo.parent}{os.pathsep}{os.environ['PATH']}", **QUIET}


def ask(on: Stage, kilo: Path, prompt: str, *options: str) -> str:
    return on.run([kilo, "run", "--auto", *options, prompt], **QUIET).stdout
