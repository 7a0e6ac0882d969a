"""`synrouter run CLIENT` and `synrouter env CLIENT`: a client on the proxy by environment and flags alone.

The client takes the place of this process, so that the terminal, signals and the exit code are its own; only one that
needs files of its own is waited for, since they go when it ends.

Example: `run("claude-code", ["-p", "hello"])` starts the proxy where it does not run, then `claude -p hello`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from synrouter_cli import private_files
from synrouter_cli.clients import client_of
from synrouter_cli.clients.client import PRIVATE, TOKEN, Client, Launch, Wish
from synrouter_cli.clients.machine import executable_of, surroundings
from synrouter_cli.commands.private_folder import own, private_folder, sweep
from synrouter_cli.commands.saying import say, say_next
from synrouter_cli.commands.shells import SHELLS, lines, word
from synrouter_cli.commands.wishes import checked_auth, local_key, wish
from synrouter_cli.credentials import Secret, without_keys
from synrouter_cli.daemon import client, detach, lock
from synrouter_cli.errors import NotInstalled, NotPossible, SynrouterError, UsageError
from synrouter_cli.settings import Settings, load

_PASSED_ON: Final = ("SIGTERM", "SIGHUP")
_LEFT_TO_THE_CLIENT: Final = ("SIGINT", "SIGQUIT")
"""What a terminal sends to the client too."""
_IGNORED_BY_PYTHON: Final = ("SIGPIPE", "SIGXFSZ")


def run(name: str, arguments: Sequence[str], *, model: str = "", auth: str = "key") -> int:
    """The client's exit code, where it does not take the place of this process; the proxy's where it does not start.

    Raises UsageError, NotPossible, NotInstalled, and what keeps the proxy from being found.
    """
    found = client_of(name)
    arguments = theirs(arguments)
    settings = load()
    executable = _executable(found)
    how = checked_auth(found, auth)
    if code := _serve(settings, name):
        return code
    launch = _launch(found, wish(settings, asked_model=model, auth=how))
    say(launch.notes)
    sweep(settings.paths.state_dir)
    key = local_key(settings.paths)
    sys.stdout.flush()
    sys.stderr.flush()
    if launch.private:
        return _run_with_files(executable, launch, arguments, key, settings.paths.state_dir)
    words = [str(executable), *launch.arguments, *arguments]
    if sys.platform == "win32":  # there a process can't be replaced
        with _passing_on_signals() as signals, _child(words, environment(launch, key), signals) as child:
            pass
        return _code(child)
    for number in map(_signal, _IGNORED_BY_PYTHON):
        if number is not None:
            signal.signal(number, signal.SIG_DFL)
    os.execve(executable, words, environment(launch, key))


def env(name: str, *, model: str = "", auth: str = "key", shell: str = "sh") -> None:
    """Print the lines for a shell; the key is fetched by the shell itself. Raises UsageError and NotPossible."""
    found = client_of(name)
    if shell not in SHELLS:
        detail = f"There are lines for {', '.join(SHELLS)}, not for {shell!r}."
        raise UsageError(detail=detail, hint=f"synrouter env {name}")
    settings = load()
    launch = _launch(found, wish(settings, asked_model=model, auth=checked_auth(found, auth)))
    if launch.private:
        detail = f"{found.title} takes this from files alone, not from the environment."
        raise UsageError(detail=detail, hint=f"synrouter run {name}    # or: synrouter configure {name}")
    print("\n".join(lines(launch, shell)))
    if launch.arguments:
        words = (word(text, shell) for text in (found.executables[0], *launch.arguments))
        print(f"# start it as: {' '.join(words)}")
    if not lock.is_held(settings.paths.lock_file):
        say_next("synrouter up")


def theirs(arguments: Sequence[str]) -> Sequence[str]:
    """What the client gets: without the `--` that sets it apart from ours, which most clients would stumble over.

    >>> theirs(["--", "-p", "hello", "--"]), theirs(["chat"])
    (['-p', 'hello', '--'], ['chat'])
    """
    return arguments[1:] if arguments and arguments[0] == "--" else arguments


def environment(
    launch: Launch, key: Secret, folder: str = "", environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The client's environment: ours without providers' keys, and what the launch says."""
    kept = {name: value for name, value in without_keys(environ).items() if name not in launch.unset}
    return kept | {name: _filled(value, key, folder) for name, value in launch.environ.items()}


def _filled(text: str, key: Secret, folder: str) -> str:
    return text.replace(TOKEN, key.reveal()).replace(PRIVATE, folder)


def _launch(found: Client, asked: Wish) -> Launch:
    _check_possible(found)
    assert found.launch is not None
    return found.launch(asked, surroundings(os.environ))


def _check_possible(found: Client) -> None:
    if found.launch is None:
        why = found.refusal or "it takes its provider from its files alone"
        hint = "" if found.refusal else f"synrouter configure {found.name}"
        raise NotPossible(client=found.title, why=why, hint=hint)


def _executable(found: Client) -> Path:
    _check_possible(found)
    executable = executable_of(found, os.environ)
    if executable is None:
        raise NotInstalled(client=found.title, name=" or ".join(found.executables) or found.name)
    return executable


def _serve(settings: Settings, name: str) -> int:
    """Make sure that the proxy serves, in the background where it did not; 0, or the exit code of a start that failed.

    Raises what `client.find` does, and SynrouterError where it is just ending.
    """
    if lock.is_held(settings.paths.lock_file):
        if client.find(settings.paths).health is None:
            raise SynrouterError(detail="Synrouter is just stopping.", hint=f"synrouter run {name}")
        return 0
    settings.paths.create()
    try:
        daemon = detach.serve_detached(settings.paths, ["up", "--detached"])
    except detach.Ended as ended:
        print(ended.said, end="", file=sys.stderr)
        return ended.code
    say([f"started on port {daemon.state.port}; to stop it: synrouter down"])
    return 0


def _run_with_files(executable: Path, launch: Launch, arguments: Sequence[str], key: Secret, parent: Path) -> int:
    with _passing_on_signals() as signals, private_folder(parent) as folder:
        for name, text in launch.private.items():
            private_files.replace(folder / name, _filled(text, key, str(folder)).encode())
        ours = [argument.replace(PRIVATE, str(folder)) for argument in launch.arguments]
        with _child([str(executable), *ours, *arguments], environment(launch, key, str(folder)), signals) as child:
            own(folder, os.getpid(), child.pid)
        return _code(child)


@contextmanager
def _child(words: Sequence[str], environ: Mapping[str, str], signals: _Signals) -> Iterator[subprocess.Popen[bytes]]:
    """Run it in this terminal until it ends."""
    with subprocess.Popen(words, env=dict(environ)) as child:
        signals.pass_on_to(child)
        yield child
        child.wait()


def _code(child: subprocess.Popen[bytes]) -> int:
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


class _Signals:
    """Those that come to this process while a client is at work."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._came: int | None = None

    def __call__(self, number: int, _: FrameType | None) -> None:
        if signal.Signals(number).name in _PASSED_ON:
            self._came = number
            if self._child is not None:
                self._child.send_signal(number)

    def pass_on_to(self, child: subprocess.Popen[bytes]) -> None:
        """From here on, and what came before."""
        self._child = child
        if self._came is not None:
            child.send_signal(self._came)


@contextmanager
def _passing_on_signals() -> Iterator[_Signals]:
    """Handlers that a child does not inherit; what is ignored (nohup) stays so, for the child too."""
    signals = _Signals()
    numbers = [number for name in (*_PASSED_ON, *_LEFT_TO_THE_CLIENT) if (number := _signal(name)) is not None]
    before = {number: signal.getsignal(number) for number in numbers}
    taken = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}
    for number in taken:
        signal.signal(number, signals)
    try:
        yield signals
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)


def _signal(name: str) -> signal.Signals | None:
    """None where the system has none of that name."""
    return getattr(signal, name, None)
