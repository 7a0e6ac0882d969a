"""Write the completion scripts anew from the commands: `python tools/generate_completions.py`.

They stand in `completions/` for packagers; `synrouter completions SHELL` prints the same. A test compares both, so
that a new option can't be forgotten.
"""

from __future__ import annotations

import sys
from pathlib import Path

from typer.main import get_command

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from synrouter_cli.cli import app  # noqa: E402
from synrouter_cli.commands.completions import SHELLS, script  # noqa: E402

FOLDER = ROOT / "completions"


def main() -> int:
    """Write all of them; 0."""
    FOLDER.mkdir(exist_ok=True)
    for shell, (name, _) in SHELLS.items():
        (FOLDER / name).write_text(script(shell, get_command(app)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
