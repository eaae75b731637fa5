"""The stack that `demandlink up` keeps running from the data directory, as a command beside it finds it.

Owns which of its settings a command takes: those that its own environment and .env leave open. Without
them a doctor would look for a ConnectWise that is not set, in front of one that runs.
"""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.settings import Settings

UP_JSON = "up.json"
UP_SETTINGS = "up-settings.json"
UP_LOCK = "up.lock"
# A command joins the embedded servers by the data directory, whatever became of their ports.
OWN = frozenset({"database_url", "redis_url", "demandlink_data_dir", "host", "port"})


def told(data_dir: Path) -> dict[str, Any]:
    """What a running stack says of itself; empty where none runs."""
    return _read(data_dir / UP_JSON)


def settings() -> Settings:
    """The settings of this command: its own, and where those are silent the running stack's."""
    from app.settings import Settings  # loads what --help does not need

    own = Settings()
    if not _runs(own.demandlink_data_dir):
        return own
    kept = _read(own.demandlink_data_dir / UP_SETTINGS)
    # A copy of .env.example has every setting, most of them empty.
    given = {name for name in own.model_fields_set if _plain(getattr(own, name)) != ""}
    open_ = Settings.model_fields.keys() - given - OWN
    taken = {name.lower(): value for name, value in kept.items() if name.lower() in open_}
    return Settings(**taken) if taken else own


def _plain(value: Any) -> Any:
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def _read(path: Path) -> dict[str, Any]:
    try:
        found: Any = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _runs(data_dir: Path) -> bool:
    """Whether a stack holds the directory. By its lock, which ends with the process: after a crash, and
    more so after the machine started anew, another program may have its number."""
    try:
        with (data_dir / UP_LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
