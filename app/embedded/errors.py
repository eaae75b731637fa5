"""What can go wrong with an embedded server, as two exceptions whose text is meant for a person.

Must not know how a server is found or started.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path


class EmbeddedError(RuntimeError):
    """An embedded server did what it should not; the text says which, why, and where its log is."""


class EmbeddedUnavailableError(EmbeddedError):
    """This machine can run no such server; the text says what to install or which setting to set."""


# By the errno of what was tried in a folder: what is wrong, and one thing to do.
_FOLDER = {
    errno.ENOSPC: "the disk is full. Free some space",
    errno.EDQUOT: "its user may keep no more there. Free some space",
    errno.EFBIG: "this process may write no file as large. Raise the limit (ulimit -f)",
    errno.EROFS: "the file system is read-only. Make it writable",
    errno.EACCES: "it seems to belong to another user. Run as that user",
    errno.EPERM: "it seems to belong to another user. Run as that user",
    errno.ENOTDIR: "a part of it is a file. Remove that",
    errno.EEXIST: "a part of it is a file. Remove that",
    errno.ENOENT: "it cannot be made there. Make it",
}
_NAMED = (errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EACCES, errno.EPERM)


def unusable(error: OSError, folder: Path) -> EmbeddedError | None:
    """Why a folder of data cannot be used, and what to do; None for what is no trouble of it."""
    why = _FOLDER.get(error.errno or 0)
    place = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None
    if why is None or (error.errno in _NAMED and not _of(place, folder)):
        return None
    return EmbeddedError(
        f"The folder {folder} cannot be used: {why}, or choose another folder with "
        "DEMANDLINK_DATA_DIR."
    )


def full_disk(folder: Path, said: str) -> EmbeddedError | None:
    """The same for what another program said of it; None where that is no full disk."""
    wanted = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    number = next((one for one in wanted if os.strerror(one) in said), None)
    return unusable(OSError(number, "full"), folder) if number is not None else None


def _of(place: Path | None, folder: Path) -> bool:
    """Whether a path is the folder, in it, or on the way to it: another file is another trouble."""
    return place is not None and (folder.is_relative_to(place) or place.is_relative_to(folder))
