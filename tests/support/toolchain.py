"""Real clients for end-to-end tests: pinned versions from npm, kept in a cache outside the checkout.

A machine that lacks what is needed skips and says what. With REQUIRE_E2E=1 that is a failure, and where it
can (as root, with apt) the test gets what it needs first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
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
    folder = _installed(name, {package: version}, lambda: bin_folder / "npm", bin_folder)
    return folder / "node_modules" / ".bin" / executable


def node_folder() -> Path:
    """The folder of the pinned node's executables, for clients that take node from PATH."""
    node = _installed(f"node-{NODE['node']}-npm-{NODE['npm']}", NODE, lambda: apt_executable("npm"))
    return node / "node_modules" / ".bin"


def _cache() -> Path:
    """Downloads are kept here, outside the checkout."""
    base = _environment.get("XDG_CACHE_HOME") or Path(_environment.get("HOME", "~")).expanduser() / ".cache"
    return Path(base) / "synrouter-dev"


def _installed(folder: str, packages: dict[str, str], npm: Callable[[], Path], path_first: Path | None = None) -> Path:
    """Several test processes may ask at once: one installs, the others wait."""
    target = _cache() / folder
    target.mkdir(parents=True, exist_ok=True)
    done = target / ".complete"
    with FileLock(target.with_name(f"{folder}.lock"), timeout=INSTALL_SECONDS):
        if not done.exists():
            shutil.rmtree(target / "node_modules", ignore_errors=True)
            _npm_install(npm(), target, packages, path_first)
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
    environment = {**_environment, "npm_config_cache": str(target.parent / "npm")}
    if path_first is not None:
        environment["PATH"] = f"{path_first}{os.pathsep}{environment['PATH']}"
    named = [f"{name}@{version}" for name, version in packages.items()]
    result = subprocess.run(
        [npm, "install", "--prefix", target, "--no-audit", "--no-fund", "--loglevel=error", *named],
        cwd=target,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if result.returncode:
        missing(f"npm could not install {' '.join(named)}: {result.stderr.strip()[-500:]}")
