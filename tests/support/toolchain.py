"""Real clients for end-to-end tests: pinned versions from npm and PyPI, kept in a cache outside the checkout.

A machine that lacks what is needed skips and says what. With REQUIRE_E2E=1 that is a failure, and where it
can (as root, with apt) the test gets what it needs first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import pytest
from filelock import FileLock

NODE = {"node": "24.21.0", "npm": "11.19.1"}
"""A pair that installs today's packages, whatever the machine's own are (Debian 12 has node 18)."""
INSTALL_SECONDS = 600

# As it was before tests put their own in place: installing needs the user's proxies and certificates.
_environment = dict(os.environ)
_required = _environment.get("REQUIRE_E2E", "0") not in ("", "0")


def missing(why: str) -> NoReturn:
    """Skip with the reason; fail where REQUIRE_E2E=1 asks for every test."""
    if _required:
        pytest.fail(f"REQUIRE_E2E=1, but {why}", pytrace=False)
    pytest.skip(why)


def npm_executable(package: str, version: str, executable: str) -> Path:
    """The path of an executable from a pinned npm package, installed once by a pinned node and npm."""
    bin_folder = node_folder()
    name = f"{package.rpartition('/')[2]}-{version}"
    folder = _kept(name, lambda target: _npm_install(bin_folder / "npm", target, {package: version}, bin_folder))
    return folder / "node_modules" / ".bin" / executable


def node_folder() -> Path:
    """The folder of the pinned node's executables, for clients that take node from PATH."""
    name = f"node-{NODE['node']}-npm-{NODE['npm']}"
    node = _kept(name, lambda target: _npm_install(apt_executable("npm"), target, NODE, None))
    return node / "node_modules" / ".bin"


def pip_executable(package: str, version: str, executable: str, *, extra: str = "", before_python: int) -> Path:
    """The path of an executable from a pinned package of PyPI that runs on Python 3.11 up to 3.`before_python`, that
    one not among them; in a virtual environment of its own."""
    name = f"{package}-{version}-python"
    folder = _kept(name, lambda target: _pip_install(target, [f"{package}{extra}=={version}"], before_python))
    return folder / "venv" / "bin" / executable


def pip_python(packages: Mapping[str, str], *, before_python: int) -> Path:
    """The interpreter of a virtual environment that has these packages of PyPI at these versions, named after the first
    of them; as `pip_executable` otherwise."""
    wanted = [f"{package}=={version}" for package, version in packages.items()]
    digest = sha256(" ".join(wanted).encode()).hexdigest()[:8]
    folder = _kept(f"{next(iter(packages))}-{digest}", lambda target: _pip_install(target, wanted, before_python))
    return folder / "venv" / "bin" / "python"


def _cache() -> Path:
    """Downloads are kept here, outside the checkout."""
    base = _environment.get("XDG_CACHE_HOME") or Path(_environment.get("HOME", "~")).expanduser() / ".cache"
    return Path(base) / "synrouter-dev"


def _kept(folder: str, fill: Callable[[Path], None]) -> Path:
    """Several test processes may ask at once: one installs, the others wait."""
    target = _cache() / folder
    target.mkdir(parents=True, exist_ok=True)
    done = target / ".complete"
    with FileLock(target.with_name(f"{folder}.lock"), timeout=INSTALL_SECONDS):
        if not done.exists():
            fill(target)
            done.touch()
    return target


def apt_executable(name: str, package: str = "") -> Path:
    """The path of a program of Debian's, installed first where it may be: as root, with REQUIRE_E2E=1.

    `package` is what it is in, where that has another name.
    """
    package = package or name
    if shutil.which(name) is None and _required and os.geteuid() == 0 and shutil.which("apt-get"):
        base = _cache()
        base.mkdir(parents=True, exist_ok=True)
        with FileLock(base / "apt.lock", timeout=INSTALL_SECONDS):
            if shutil.which(name) is None:
                for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
                    subprocess.run(
                        ["apt-get", *command],
                        check=True,
                        timeout=INSTALL_SECONDS,
                        env={**_environment, "DEBIAN_FRONTEND": "noninteractive"},
                        capture_output=True,
                    )
    found = shutil.which(name)
    if found is None:
        missing(f"there is no {name} on this machine (Debian: apt-get install {package})")
    return Path(found)


def _npm_install(npm: Path, target: Path, packages: dict[str, str], path_first: Path | None) -> None:
    shutil.rmtree(target / "node_modules", ignore_errors=True)
    environment = {**_environment, "npm_config_cache": str(target.parent / "npm")}
    if path_first is not None:
        environment["PATH"] = f"{path_first}{os.pathsep}{environment['PATH']}"
    named = [f"{name}@{version}" for name, version in packages.items()]
    command = [npm, "install", "--prefix", target, "--no-audit", "--no-fund", "--loglevel=error", *named]
    _install(target, command, environment, f"npm could not install {' '.join(named)}")


def _pip_install(target: Path, wanted: Sequence[str], before_python: int) -> None:
    requirement = " ".join(wanted)
    others = (shutil.which(f"python3.{minor}") for minor in range(before_python - 1, 10, -1))
    python = sys.executable if sys.version_info < (3, before_python) else next(filter(None, others), None)
    if python is None:
        missing(f"{requirement} needs a Python older than 3.{before_python}")
    failure = f"pip could not install {requirement}"
    _install(target, [python, "-m", "venv", "--clear", target / "venv"], _environment, failure)
    _install(target, [target / "venv" / "bin" / "pip", "install", "--quiet", *wanted], _environment, failure)


def _install(target: Path, command: list[str | Path], environment: dict[str, str], failure: str) -> None:
    result = subprocess.run(
        command,
        cwd=target,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if result.returncode:
        missing(f"{failure}: {result.stderr.strip()[-500:]}")
