"""This machine as a client's module sees it: its files as they are, or as they would be without what we put there.

Example: `surroundings(environ).read(home / ".claude" / "settings.json")` is that file's text, or None.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from typing import IO

from synrouter_cli.clients import files
from synrouter_cli.clients.client import Client, Surroundings
from synrouter_cli.clients.editing import without
from synrouter_cli.clients.records import Record
from synrouter_cli.credentials import without_keys
from synrouter_cli.textedit import decode

_VERSION_S = 10.0
_END_S = 1.0
"""How long a program may take to end that has closed its output."""
_VERSION_BYTES = 4096
_VERSION = re.compile(r"(?<![\d.])\d+(?:\.\d+){1,3}(?:[-+][0-9A-Za-z.+-]{1,20})?")
_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def surroundings(environ: Mapping[str, str], records: Iterable[Record] = ()) -> Surroundings:
    """Files read as they are, but those of `records` as they would be without what we put there."""
    ours = {file.path: file for record in records for file in record.files if file.format}

    def read(path: PurePath) -> str | None:
        held = files.read(Path(path))
        if held.content is None:
            return None
        text = decode(held.content)
        known = ours.get(held.path)
        return text if known is None else without(text, known.format, known.changes)[0]

    def exists(path: PurePath) -> bool:
        return Path(path).exists()

    return Surroundings(
        home=Path(environ.get("HOME") or Path.home()) if sys.platform != "win32" else Path.home(),
        project=project_root(Path.cwd()),
        environ=environ,
        platform=sys.platform,
        read=read,
        exists=exists,
    )


def project_root(folder: Path) -> Path:
    """The root of the repository that `folder` is in; `folder` itself where it is in none."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def executable_of(client: Client, environ: Mapping[str, str]) -> Path | None:
    """The client's program on PATH, or None."""
    for name in client.executables:
        if found := shutil.which(name, path=environ.get("PATH")):
            return Path(found)
    return None


def version_of(client: Client, executable: Path, environ: Mapping[str, str]) -> str:
    """The version that the client's program says it has; empty where it does not say one soon."""
    beside = client.version_program
    program = executable.resolve().with_name(beside) if beside else executable
    with tempfile.TemporaryDirectory(prefix="synrouter-", ignore_cleanup_errors=True) as folder:
        return said_version(program, {**environ, **dict.fromkeys(client.version_folders, folder)})


def said_version(program: Path, environ: Mapping[str, str]) -> str:
    """What looks like a version in what `program --version` prints. What it starts is ended."""
    said = bytearray()
    try:
        asked = subprocess.Popen(
            [program, "--version"],
            env=without_keys(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return ""
    reader = threading.Thread(target=_read, args=(asked.stdout, said), daemon=True)
    reader.start()
    try:
        reader.join(_VERSION_S)
        with suppress(subprocess.TimeoutExpired):
            asked.wait(0 if reader.is_alive() else _END_S)
        code = asked.poll()
    finally:
        _end(asked)
    numbered = _VERSION.search(_SEQUENCE.sub("", said.decode("utf-8", "replace")))
    return numbered[0] if numbered and code == 0 else ""


def _read(stream: IO[bytes], said: bytearray) -> None:
    """As much of it as a version can need: some programs write without end."""
    with suppress(OSError, ValueError):
        while len(said) < _VERSION_BYTES and (chunk := os.read(stream.fileno(), _VERSION_BYTES)):
            said += chunk


def _end(asked: subprocess.Popen[bytes]) -> None:
    """And whatever it started, which would hold the pipe open or go on after us."""
    with suppress(OSError):
        os.killpg(asked.pid, signal.SIGKILL) if sys.platform != "win32" else asked.kill()
    asked.wait()
    if asked.stdout is not None:
        asked.stdout.close()
