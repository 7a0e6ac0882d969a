"""Where Synrouter's files lie.

>>> find_paths({"SYNROUTER_HOME": "/tmp/x"}).config_file.as_posix()
'/tmp/x/config.toml'
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from synrouter_cli.errors import ConfigError

__all__ = ["Paths", "find_paths"]


@dataclass(frozen=True, slots=True)
class Paths:
    """Where things lie. Directories are ours alone (0700), files are written at 0600."""

    config_dir: Path
    data_dir: Path
    state_dir: Path
    log_dir: Path

    @property
    def config_file(self) -> Path:
        return self.config_dir / "config.toml"

    @property
    def ledger_file(self) -> Path:
        return self.data_dir / "ledger.db"

    @property
    def token_file(self) -> Path:
        return self.data_dir / "token"

    @property
    def control_token_file(self) -> Path:
        return self.data_dir / "control-token"

    @property
    def digest_key_file(self) -> Path:
        return self.data_dir / "digest-key"

    @property
    def state_file(self) -> Path:
        return self.state_dir / "daemon.json"

    @property
    def lock_file(self) -> Path:
        return self.state_dir / "daemon.lock"

    @property
    def log_file(self) -> Path:
        return self.log_dir / "synrouter.log"

    @property
    def models_file(self) -> Path:
        """What the providers said of their models."""
        return self.data_dir / "models.json"

    @property
    def clients_file(self) -> Path:
        """What was configured where."""
        return self.data_dir / "clients.json"

    @property
    def backups_dir(self) -> Path:
        """Clients' files as they were."""
        return self.data_dir / "backups"

    def create(self) -> None:
        """Make the directories, 0700 whatever the umask. Raises ConfigError where others may write."""
        for directory in (self.config_dir, self.data_dir, self.state_dir, self.log_dir):
            try:
                _create_private(directory)
            except OSError as error:
                raise ConfigError(where=str(directory), detail=error.strerror or "can't be created") from None


def find_paths(environ: Mapping[str, str] = os.environ) -> Paths:
    """Our directories: all under SYNROUTER_HOME where that is set, else the platform's own."""
    home = environ.get("SYNROUTER_HOME")
    if home:
        root = Path(home).expanduser().absolute()
        return Paths(root, root / "data", root / "state", root / "logs")
    from platformdirs import PlatformDirs  # only here: it need not load where SYNROUTER_HOME says it all

    dirs = PlatformDirs("synrouter", appauthor=False)
    return Paths(dirs.user_config_path, dirs.user_data_path, dirs.user_state_path, dirs.user_log_path)


def _create_private(directory: Path) -> None:
    if not directory.exists():
        if not directory.parent.exists():
            _create_private(directory.parent)
        directory.mkdir(exist_ok=True)
        directory.chmod(0o700)
    elif os.name == "posix" and directory.stat().st_mode & stat.S_IWOTH:
        raise ConfigError(where=str(directory), detail="every user may write there", hint=f"chmod 700 {directory}")
