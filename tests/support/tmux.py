"""A real terminal for tests: a tmux server of the test's own, one window, looked at with a deadline."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.processes import wait_for
from support.toolchain import apt_executable

ROOT = Path(__file__).parents[2]
# What a shell prints when the program under it has ended: the terminal is its own again.
PROMPT = "ended with"


@dataclass(frozen=True)
class Terminal:
    """A window with a program in it; when it ends, its exit code and the terminal's settings are printed."""

    socket: Path

    def tmux(self, *words: str) -> str:
        command = ["tmux", "-S", str(self.socket), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def resize(self, width: int, height: int) -> None:
        self.tmux("resize-window", "-x", str(width), "-y", str(height))

    @property
    def screen(self) -> str:
        """What is to be seen."""
        return self.tmux("capture-pane", "-p")

    @property
    def coloured(self) -> str:
        """The same, with its colours as escape sequences."""
        return self.tmux("capture-pane", "-p", "-e")

    def ask(self, format: str) -> str:
        """A variable of tmux, as `#{alternate_on}`."""
        return self.tmux("display-message", "-p", format).strip()

    def shows(self, text: str, *, seconds: float = 20) -> str:
        """Wait until `text` is on a screen that stands still (two looks alike: nothing is half drawn); that screen."""
        before = ""

        def look() -> str:
            nonlocal before
            screen, last = self.screen, before
            before = screen
            return screen if text in screen and screen == last else ""

        try:
            return wait_for(look, f"{text!r} on the screen", seconds=seconds)
        except AssertionError:
            raise AssertionError(f"{text!r} is not on the screen:\n{self.screen}") from None

    def ended(self) -> int:
        """Wait until the program has ended; its exit code. The terminal must be as it was before."""
        screen = self.shows(PROMPT)
        code = int(screen.split(PROMPT)[1].split()[0])
        assert self.ask("#{alternate_on} #{cursor_flag} #{wrap_flag}") == "0 1 1"
        assert "same settings" in self.shows("settings"), screen
        return code

    def pid_of(self, part: str) -> int:
        """The process under this window whose command line holds `part`."""

        def look() -> int:
            for pid in _below(int(self.ask("#{pane_pid}"))):
                if part in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode():
                    return pid
            return 0

        return wait_for(look, f"a process with {part!r}")


def _below(pid: int) -> Iterator[int]:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (thread / "children").read_text().split()):
            yield child
            yield from _below(child)


@contextmanager
def terminal(
    folder: Path, command: str, *, width: int = 80, height: int = 24, env: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """Run a shell command in a window of this size. `synrouter` in it is this source tree's."""
    apt_executable("tmux")
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "window.sh"
    script.write_text(
        f'synrouter() {{ "{sys.executable}" -m synrouter_cli "$@"; }}\n'
        f'python() {{ "{sys.executable}" "$@"; }}\n'
        "trap : INT\n"  # the shell lives on, its program gets the signal as ever
        "before=$(stty -g)\n"
        f"{command}\n"
        f'echo "{PROMPT} $? "\n'
        'after=$(stty -g); [ "$before" = "$after" ] && echo same settings || echo "other settings: $before $after"\n'
        "exec cat\n"
    )
    # a path to a socket may have 107 bytes at most, and a test's folder is longer
    socket = Path(f"/tmp/synrouter-test-{os.getpid()}-{abs(hash(folder)) % 10**8}")
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
        "LINES": "",
        "COLUMNS": "",
        **(env or {}),
    }
    window = Terminal(socket)
    command_line = ["tmux", "-u", "-S", str(socket), "-f", os.devnull, "new-session", "-d"]
    size = ["-x", str(width), "-y", str(height), f"sh {script}"]
    subprocess.run([*command_line, *size], env=environment, check=True, timeout=10)
    try:
        yield window
    finally:
        subprocess.run(["tmux", "-S", str(socket), "kill-server"], check=False, capture_output=True, timeout=10)
        socket.unlink(missing_ok=True)
