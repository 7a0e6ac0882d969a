"""Processes by pid and start time together, because a pid alone is soon somebody else's.

>>> terminate(os.getpid(), "another time")
False
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

_LINUX = sys.platform.startswith("linux")


def create_time(pid: int) -> str | None:
    """When process `pid` was started, as an opaque text; None where that can't be told."""
    if _LINUX:
        return _linux_create_time(pid)
    if os.name == "posix":
        return _ps_create_time(pid)
    return None


def terminate(pid: int, born: str | None) -> bool:
    """Send SIGTERM to the process `pid` that was started at `born`, and to no other."""
    if os.name != "posix" or pid <= 1 or born is None:
        return False
    try:
        if _LINUX:
            return _linux_terminate(pid, born)
        if create_time(pid) != born:
            return False
        os.kill(pid, signal.SIGTERM)
    except OSError:  # gone, another user's, or a kernel without pidfds
        return False
    return True


def _linux_create_time(pid: int) -> str | None:
    """Boot id and clock ticks since boot (proc_pid_stat(5), field 22): unlike seconds they do not
    move when the clock is set."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks and brackets
    return f"{boot}:{fields[19]}"


def _linux_terminate(pid: int, born: str) -> bool:
    """Through a pidfd, which stays with the process that was looked at."""
    descriptor = os.pidfd_open(pid)
    try:
        if create_time(pid) != born:
            return False
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
    finally:
        os.close(descriptor)
    return True


def _ps_create_time(pid: int) -> str | None:
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    environment = {"LC_ALL": "C", "PATH": "/bin:/usr/bin"}
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
