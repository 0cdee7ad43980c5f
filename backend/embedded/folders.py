"""Chooses the folders of the server's data and socket, and locks a kept folder."""

import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from backend.embedded.binaries import ROOT_FOLDER
from backend.embedded.supervisor import GRACE_S
from backend.errors import EmbeddedServerError

_LONGEST_SOCKET: Final = 103 if sys.platform == "darwin" else 107
"""Most bytes in the path of a unix socket: `sun_path` in `sys/un.h`, less the terminating zero."""

_STOP_S: Final = 60.0
"""Longest wait for the end of a server that no process uses."""


def data_folder() -> Path:
    """Return the folder for the demo's data: in the user's data folder, or `/var/lib/typed-repository` for root."""
    if os.geteuid() == 0:
        return ROOT_FOLDER / "demo"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/typed-repository/demo"
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(base) / "typed-repository" / "demo"


def socket_folder(name: str) -> Path:
    """Return a folder of this name below the temporary folder, or below `/tmp` if a socket there has no valid path."""
    try:
        folder = Path(tempfile.gettempdir()) / name
    except FileNotFoundError:  # no temporary folder is writable; starting the server reports it
        return Path("/tmp") / name  # noqa: S108 - only its name: the folder is made for one account alone
    return folder if _is_valid_host(folder) else Path("/tmp") / name  # noqa: S108 - as above


def _is_valid_host(folder: Path) -> bool:
    """Return whether libpq accepts the folder as its host: short, one line of UTF-8, and without a comma."""
    try:
        path = str(folder / ".s.PGSQL.5432").encode()
    except UnicodeEncodeError:
        return False
    return len(path) <= _LONGEST_SOCKET and not any(character in path for character in b",\r\n")


@dataclass(frozen=True, slots=True)
class FolderLock:
    """A kept folder, locked for this process and its forks, and for their server until it is gone.

    The file `owner` is locked by the process and its forks, `lock` by them and every process of the server. The
    system unlocks a file when the last of them ends, for whatever reason; a process id would not show that.
    """

    owner: int
    server: int

    @classmethod
    def acquire(cls, folder: Path, stop_orphan: Callable[[], None]) -> Self:
        """Lock the folder, and wait for the end of a server that no process uses.

        Raises `EmbeddedServerError` if another process uses the folder.
        """
        owner = os.open(folder / "owner", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _try_lock(owner):
                raise EmbeddedServerError(
                    f"the embedded PostgreSQL in {str(folder)!r} is in use by {_user(owner)}: "
                    "let it finish, or set DATABASE_URL to use another server"
                )
            os.ftruncate(owner, 0)
            os.pwrite(owner, str(os.getpid()).encode(), 0)
            return cls(owner, _lock_server(folder, stop_orphan))
        except BaseException:
            os.close(owner)
            raise

    def release(self) -> None:
        """Unlock the folder, also for the forks of this process."""
        for descriptor in (self.owner, self.server):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        self.close()

    def close(self) -> None:
        """Close this process's descriptors of the lock: other processes keep theirs."""
        os.close(self.owner)
        os.close(self.server)


def remove_leftovers(folder: Path, sockets: Path) -> None:
    """Remove the socket folder of a server that was killed with its supervisor, and write down this one's."""
    note = folder / "sockets"
    if note.exists():
        previous = Path(note.read_text(errors="replace"))
        if previous.name.startswith("typed-repository-"):
            shutil.rmtree(previous, ignore_errors=True)
    note.write_text(str(sockets))


def _lock_server(folder: Path, stop_orphan: Callable[[], None]) -> int:
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    begun = time.monotonic()
    is_stopped = False
    while not _try_lock(lock):
        waited_s = time.monotonic() - begun
        if waited_s > _STOP_S:
            os.close(lock)
            raise EmbeddedServerError(
                f"a server that nobody uses any more does not stop: its data are in {str(folder)!r}"
            )
        if waited_s > GRACE_S and not is_stopped:
            stop_orphan()
            is_stopped = True
        time.sleep(0.01)
    return lock


def _try_lock(descriptor: int) -> bool:
    """Lock the file if no other process has locked it. Return whether this process has locked it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _user(owner: int) -> str:
    """Return which process has locked the folder, as far as its file says."""
    written = os.pread(owner, 20, 0)
    return f"process {int(written)} or a fork of it" if written.isdigit() else "another process"
