"""A stand-in for `systemctl --user`, for the one service that there is: it starts what the unit says and remembers it.

As a program: `python systemctl.py --user WORDS`, with its memory in the folder STAND_IN.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

UNIT = "synrouter.service"


def main(words: list[str], memory: Path, units: Path) -> int:
    (memory / "asked").open("a").write(" ".join(words) + "\n")
    pid_file, enabled = memory / "pid", memory / "enabled"
    assert words[0] == "--user"
    match words[1:]:
        case ["show-environment"]:
            return 1 if (memory / "no-instance").exists() else 0
        case ["daemon-reload"]:
            return 0
        case ["enable", "synrouter.service"]:
            enabled.touch()
        case ["reset-failed", "synrouter.service"]:
            return 0 if pid_file.exists() else 1
        case ["restart", "synrouter.service"]:
            stop(pid_file)
            start(units / UNIT, pid_file)
        case ["disable", "--now", "synrouter.service"]:
            enabled.unlink(missing_ok=True)
            stop(pid_file)
        case ["show", "synrouter.service", "--property=MainPID", "--value"]:
            print(pid_file.read_text() if pid_file.exists() and lives(int(pid_file.read_text())) else 0)
        case _:
            print(f"unknown: {words}", file=sys.stderr)
            return 2
    return 0


def start(unit: Path, pid_file: Path) -> None:
    text = unit.read_text().replace("%%", "%")
    command = shlex.split(re.search(r"^ExecStart=:(.*)$", text, re.MULTILINE)[1])  # type: ignore[index]
    settings = [shlex.split(line)[0] for line in re.findall(r"^Environment=(.*)$", text, re.MULTILINE)]
    kept = {name: os.environ[name] for name in ("HOME", "PATH")}
    process = subprocess.Popen(
        command,
        env=kept | dict(setting.split("=", 1) for setting in settings),
        cwd="/",
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    pid_file.write_text(str(process.pid))


def stop(pid_file: Path) -> None:
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    pid_file.unlink()
    if lives(pid):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 20
    while lives(pid) and time.monotonic() < deadline:
        time.sleep(0.02)


def lives(pid: int) -> bool:
    """A zombie does not: in a container nobody may wait for it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


if __name__ == "__main__":
    home = Path(os.environ["HOME"])
    sys.exit(main(sys.argv[1:], Path(os.environ["STAND_IN"]), home / ".config" / "systemd" / "user"))
