"""`python -m synrouter_cli` is `synrouter`."""

from __future__ import annotations

import sys

from synrouter_cli.cli import main

if __name__ == "__main__":
    sys.exit(main())
