"""The dashboard as a process: where it can be shown, how it is started, how it ends.

`synrouter stats --live` calls `run` in its own process; `synrouter up` on a terminal starts one with `spawn`, and
stops when that ends well (its user pressed q).

    python -P -m synrouter_cli.commands.live --owned
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from synrouter_cli.daemon import logs
from synrouter_cli.errors import EXIT_FAILURE, EXIT_INTERRUPTED, SynrouterError
from synrouter_cli.paths import Paths, find_paths

__all__ = ["NoDashboard", "main", "run", "spawn", "why_not"]


class NoDashboard(SynrouterError):
    """No dashboard here: {detail}"""

    next_command = "synrouter stats"


def why_not(stdin: TextIO | None, stdout: TextIO | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """Why no dashboard can be shown on these; None where it can."""
    if stdin is None or stdout is None or not (stdin.isatty() and stdout.isatty()):
        return "this is no terminal."
    if environ.get("TERM", "").lower() in ("", "dumb", "unknown"):
        return "this terminal (TERM=dumb) shows lines only."
    if sys.platform == "win32":
        return "it needs a POSIX terminal."
    return None


def run(paths: Paths, *, ascii: bool | None = None, no_color: bool = False, owned: bool = False) -> int:
    """Show the dashboard until its user leaves; returns the exit code: 0, or 128 and the signal that ended it.

    `ascii` None goes by the locale; NO_COLOR is honoured besides `no_color`. `owned`: whoever started this process
    owns the proxy too, so it leaves with its parent, and Ctrl-C (which both get) is a good end. Raises NoDashboard.
    """
    if reason := why_not(sys.stdin, sys.stdout):
        raise NoDashboard(detail=reason)
    from synrouter_cli.commands.showing import show  # only here: the process that spawns needs none of it

    ended_by = show(paths, ascii=ascii, no_color=no_color, parent=os.getppid() if owned else None)
    if ended_by is None or (owned and ended_by == signal.SIGINT):
        return 0
    return EXIT_INTERRUPTED if ended_by == signal.SIGINT else 128 + ended_by


def spawn(paths: Paths, *, ascii: bool | None = None) -> subprocess.Popen[bytes]:
    """Start the dashboard of a proxy that this process is, on its terminal. Raises OSError.

    It exits with 0 when its user leaves: then the proxy should stop. With anything else it died, and the terminal
    may need to be put right. Send it SIGTERM to end it.
    """
    command = [sys.executable, "-P", "-m", "synrouter_cli.commands.live", "--owned"]
    if ascii is not None:
        command.append("--ascii" if ascii else "--unicode")
    return subprocess.Popen(command, env=_environment(paths))


def _environment(paths: Paths) -> dict[str, str]:
    """What a child needs to find these paths, and this very package where it is not installed."""
    environment = dict(os.environ)
    if find_paths() != paths:
        environment["SYNROUTER_HOME"] = str(paths.config_dir)
    for name in list(environment):
        if name.startswith("SYNROUTER_") and name.endswith("_KEY"):
            del environment[name]  # a dashboard has no use for it
    root = Path(__file__).parents[2]
    if root.name not in ("site-packages", "dist-packages"):
        known = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = f"{known}{os.pathsep}{root}" if known else str(root)
    return environment


def main(words: Sequence[str] | None = None) -> int:
    """The process that `spawn` starts. An error is told when the terminal is back to what it was."""
    parser = argparse.ArgumentParser(prog="synrouter stats --live")
    parser.add_argument("--owned", action="store_true", help="leave with the parent process")
    parser.add_argument("--ascii", action="store_true", default=None)
    parser.add_argument("--unicode", dest="ascii", action="store_false")
    parser.add_argument("--no-color", action="store_true")
    options = parser.parse_args(words)
    paths = find_paths()
    try:
        return run(paths, ascii=options.ascii, no_color=options.no_color, owned=options.owned)
    except SynrouterError as error:
        print(f"synrouter: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        with suppress(OSError, SynrouterError):
            paths.create()
            logs.append(paths.log_file, error)
        print(f"synrouter: the dashboard failed; see {paths.log_file}", file=sys.stderr)
        return EXIT_FAILURE


if __name__ == "__main__":
    sys.exit(main())
