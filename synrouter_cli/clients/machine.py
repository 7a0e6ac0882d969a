"""This machine as a client's module sees it: its files as they are, or as they would be without what we put there.

Example: `surroundings(environ).read(home / ".claude" / "settings.json")` is that file's text, or None.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath

from synrouter_cli.clients import files
from synrouter_cli.clients.client import Client, Surroundings
from synrouter_cli.clients.editing import without
from synrouter_cli.clients.records import Record
from synrouter_cli.credentials import without_keys
from synrouter_cli.textedit import decode

_VERSION_S = 10.0
_VERSION_CHARS = 40


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
    """What the program says of its version, in a few words; empty where it does not say it soon."""
    program = executable.resolve().with_name(client.version_program) if client.version_program else executable
    try:
        with tempfile.TemporaryDirectory(prefix="synrouter-", ignore_cleanup_errors=True) as folder:
            asked = subprocess.run(
                [program, "--version"],
                env=without_keys(environ) | dict.fromkeys(client.version_folders, folder),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_VERSION_S,
                check=False,
            )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = [line.strip() for line in asked.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
    numbered = (line for line in lines if any(character.isdigit() for character in line))
    return next(numbered, "")[:_VERSION_CHARS] if asked.returncode == 0 else ""
