r"""What tells systemd and launchd to keep the proxy running: a unit, a property list. Nothing secret stands in them.

>>> print(systemd_unit(Service(("/usr/bin/python3", "-m", "synrouter_cli"), {}, 45)).splitlines()[8])
ExecStart=:"/usr/bin/python3" "-m" "synrouter_cli"
>>> is_as_made(systemd_unit(Service(("a",), {}, 45))), is_as_made("[Unit]\n")
(True, False)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

__all__ = ["LABEL", "UNIT", "Service", "is_as_made", "kept_environment", "launchd_list", "program_of", "systemd_unit"]

UNIT: Final = "synrouter.service"
LABEL: Final = "ai.synrouter.proxy"

_MADE: Final = "# Made by `synrouter service install`, which refuses to replace what was edited since:"
_BY_ITSELF: Final = (2, 4, 5)
"""Exit codes of a mistake in the settings: starting again mends none."""

_STARTS: Final = re.compile(r'^ExecStart=:"((?:[^"\\]|\\.)*)"', re.MULTILINE)

_FOLDERS: Final = ("SYNROUTER_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
_AS_THEY_ARE: Final = (
    *_FOLDERS,
    "SYNROUTER_PORT",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "PYTHON_KEYRING_BACKEND",
)
_PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class Service:
    """What is to run. `stop_s`: how long it may take to stop, in seconds."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    stop_s: int


def kept_environment(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What of an environment the service is to have too, and what it should have and must not: keys, and proxies with
    a password in their address, which would stand in a file.

    >>> kept_environment({"SYNROUTER_HOME": "/h", "SYNROUTER_XAI_KEY": "xai-…", "https_proxy": "http://me:pw@proxy"})
    ({'SYNROUTER_HOME': '/h'}, ['SYNROUTER_XAI_KEY', 'https_proxy'])
    """
    proxies = [each for name in _PROXIES for each in (name, name.lower())]
    kept = {name: environ[name] for name in (*_AS_THEY_ARE, *proxies) if environ.get(name)}
    withheld = [name for name in proxies if "@" in kept.get(name, "")]
    keys = [name for name in environ if name.startswith("SYNROUTER_") and name.endswith("_KEY") and environ[name]]
    return {name: value for name, value in kept.items() if name not in withheld}, sorted(keys) + withheld


def systemd_unit(service: Service) -> str:
    """A user unit (systemd.service(5), systemd.exec(5)). Its first line holds a digest of the others."""
    command = " ".join(map(_quoted, service.command))
    lines = [
        "[Unit]",
        "Description=Synrouter, the proxy between coding agents and model providers",
        "StartLimitIntervalSec=120",
        "StartLimitBurst=5",
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart=:{command}",  # ":" leaves "$" alone
        *(f"Environment={_quoted(f'{name}={value}')}" for name, value in sorted(service.environment.items())),
        "Restart=on-failure",
        "RestartSec=2",
        f"RestartPreventExitStatus={' '.join(map(str, _BY_ITSELF))}",
        f"TimeoutStopSec={service.stop_s}",
        "UMask=0077",
        "NoNewPrivileges=yes",
        "",
        "[Install]",
        "WantedBy=default.target",
        "",
    ]
    rest = "\n".join(lines)
    return f"{_MADE} {_digest(rest)}\n{rest}"


def is_as_made(text: str) -> bool:
    """Whether a unit is one of ours, and nobody has edited it since."""
    first, _, rest = text.partition("\n")
    return first == f"{_MADE} {_digest(rest)}"


def launchd_list(service: Service, log_file: str) -> bytes:
    """A launch agent (launchd.plist(5)). What it says before it has a log goes to `log_file`."""
    import plistlib  # only here: it brings XML along, and `status` asks for names alone

    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(service.command),
            "EnvironmentVariables": dict(service.environment),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 10,
            "ExitTimeOut": service.stop_s,
            "Umask": 0o077,
            "StandardErrorPath": log_file,
        }
    )


def program_of(content: bytes) -> str | None:
    """What a unit or a list starts, None where that can't be told.

    >>> program_of(systemd_unit(Service(('/opt/50% "x"/python',), {}, 45)).encode())
    '/opt/50% "x"/python'
    """
    if content.startswith(b"<?xml"):
        import plistlib
        from xml.parsers.expat import ExpatError

        try:
            words = plistlib.loads(content).get("ProgramArguments")
        except (ExpatError, plistlib.InvalidFileException, ValueError):
            return None
        return str(words[0]) if words else None
    found = _STARTS.search(content.decode("utf-8", "surrogateescape"))
    return re.sub(r"\\(.)", r"\1", found[1]).replace("%%", "%") if found else None


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _quoted(word: str) -> str:
    r"""A word of a unit's value: in quotes, "%" and control characters spelled out.

    >>> print(_quoted('50% "a" \\ b'))
    "50%% \"a\" \\ b"
    """
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return '"' + "".join(f"\\x{ord(each):02x}" if each < " " else each for each in escaped) + '"'
