"""`synrouter run CLIENT` and `synrouter env CLIENT`: a client on the proxy by environment and flags alone.

The client takes the place of this process, so that the terminal, signals and the exit code are its own.

Example: `run("claude-code", ["-p", "hello"], ...)` starts the proxy where it does not run, then `claude -p hello`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from synrouter_cli import private_files
from synrouter_cli.clients import client_of
from synrouter_cli.clients.client import PRIVATE, TOKEN, Client, Launch, Wish
from synrouter_cli.clients.machine import executable_of, surroundings
from synrouter_cli.commands.wishes import checked_auth, local_key, wish
from synrouter_cli.credentials import without_keys
from synrouter_cli.daemon import detach, lock
from synrouter_cli.errors import NotInstalled, NotPossible, SynrouterError, UsageError
from synrouter_cli.settings import Secret, Settings, load


def run(name: str, arguments: Sequence[str], *, model: str = "", auth: str = "key") -> int:
    """The client's exit code, where it does not take the place of this process.

    Raises UsageError, NotPossible, NotInstalled, and whatever keeps the proxy from starting.
    """
    found = client_of(name)
    arguments = theirs(arguments)
    settings = load()
    executable = _executable(found)
    _serve(settings)
    launch = _launch(found, wish(settings, asked_model=model, auth=checked_auth(found, auth)))
    for note in launch.notes:
        print(f"synrouter: {note}", file=sys.stderr)
    key = local_key(settings.paths)
    if launch.private:
        with _private_folder(settings.paths.state_dir, launch, key) as folder:
            return _child(_words(executable, launch, arguments, folder), environment(launch, key, folder))
    words = _words(executable, launch, arguments, "")
    sys.stdout.flush()
    sys.stderr.flush()
    if sys.platform == "win32":  # there a process can't be replaced
        return _child(words, environment(launch, key))
    os.execve(executable, words, environment(launch, key))


def env(name: str, *, model: str = "", auth: str = "key") -> None:
    """Print the lines for a shell; the key is fetched by the shell itself. Raises UsageError and NotPossible."""
    found = client_of(name)
    launch = _launch(found, wish(load(), asked_model=model, auth=checked_auth(found, auth)))
    if launch.private:
        detail = f"{found.title} takes this from files alone, not from the environment."
        raise UsageError(detail=detail, hint=f"synrouter run {name}    # or: synrouter configure {name}")
    print("\n".join(lines(launch)))
    if launch.arguments:
        print(f"# start it as: {found.executables[0]} {shlex.join(launch.arguments)}")


def theirs(arguments: Sequence[str]) -> Sequence[str]:
    """What the client gets: without the `--` that sets it apart from ours, which most clients would stumble over.

    >>> theirs(["--", "-p", "hello", "--"]), theirs(["chat"])
    (['-p', 'hello', '--'], ['chat'])
    """
    return arguments[1:] if arguments and arguments[0] == "--" else arguments


def lines(launch: Launch) -> Iterator[str]:
    """The environment as a POSIX shell takes it; TOKEN becomes a command that prints the key.

    >>> list(lines(Launch({"URL": "http://127.0.0.1:7477", "KEY": f"a {TOKEN}"}, unset=("OLD",))))
    ['unset OLD', 'export URL=http://127.0.0.1:7477', 'export KEY="a $(synrouter token show)"']
    """
    if launch.unset:
        yield f"unset {' '.join(launch.unset)}"
    for variable, value in launch.environ.items():
        if TOKEN in value:
            quoted = "".join(f"\\{letter}" if letter in '\\"`$' else letter for letter in value.replace(TOKEN, "\0"))
            yield f'export {variable}="{quoted}"'.replace("\0", "$(synrouter token show)")
        else:
            yield f"export {variable}={shlex.quote(value)}"


def environment(
    launch: Launch, key: Secret, folder: str = "", environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The client's environment: ours without providers' keys, and what the launch says."""
    kept = {name: value for name, value in without_keys(environ).items() if name not in launch.unset}
    return kept | {
        name: value.replace(TOKEN, key.reveal()).replace(PRIVATE, folder) for name, value in launch.environ.items()
    }


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


def _serve(settings: Settings) -> None:
    """Make sure that the proxy serves, in the background where it did not."""
    if lock.is_held(settings.paths.lock_file):
        return
    settings.paths.create()
    try:
        daemon = detach.serve_detached(settings.paths, ["up", "--detached"])
    except detach.Ended as ended:
        raise SynrouterError(detail=ended.said.strip().removeprefix("synrouter: "), hint="") from None
    print(f"synrouter: started on port {daemon.state.port}; to stop it: synrouter down", file=sys.stderr)


def _words(executable: Path, launch: Launch, arguments: Sequence[str], folder: str) -> list[str]:
    ours = [argument.replace(PRIVATE, folder) for argument in launch.arguments]
    return [str(executable), *ours, *arguments]


@contextmanager
def _private_folder(parent: Path, launch: Launch, key: Secret) -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="run-", dir=parent)  # 0700
    try:
        for name, text in launch.private.items():
            filled = text.replace(TOKEN, key.reveal()).replace(PRIVATE, folder)
            private_files.replace(Path(folder, name), filled.encode())
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _child(words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run it in this terminal; what Ctrl-C means is the client's to say, a SIGTERM is passed on."""
    with subprocess.Popen(words, env=dict(environ)) as child:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        ended = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        try:
            code = child.wait()
        finally:
            signal.signal(signal.SIGINT, before)
            signal.signal(signal.SIGTERM, ended)
    return code if code >= 0 else 128 - code
