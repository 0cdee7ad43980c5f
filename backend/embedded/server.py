"""Starts and stops the embedded server, as a context manager."""

import errno
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

from backend.embedded import supervisor as _supervisor
from backend.embedded.binaries import (
    VARIABLE,
    Account,
    closed_folder,
    find_binaries,
    major_version,
    server_account,
    stop_orphan,
)
from backend.embedded.folders import FolderLock, remove_leftovers, socket_folder
from backend.errors import EmbeddedServerError

_START_S: Final = 60.0
"""Longest wait until the server accepts connections: a cold start takes half a second on an idle machine."""

_SETTINGS: Final = (
    "listen_addresses=",
    "max_connections=200",
    "shared_buffers=32MB",
    "timezone=UTC",
    "logging_collector=off",
)
_EPHEMERAL_SETTINGS: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")

_LOCALE: Final = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
"""Sorts by code point and knows the case of all Unicode letters: the same on every machine."""

_BUILTIN_LOCALE_SINCE: Final = 17
_LOCALE_BEFORE: Final = ("--encoding=UTF8", "--locale=C", "--lc-ctype=C.UTF-8")
"""The same by the operating system's locale, as far as that knows the letters."""


class EmbeddedServer:
    """One server, as a context manager: running inside the block, stopped after it.

    With a folder its data are kept there, durably; without one they are deleted at the end, and not synced to disk. It
    listens on a unix socket in a folder that only its account may enter, and requires no password there. Started
    by root it runs as `nobody`.

    Forks of this process may use it, and cannot stop it. If this process ends without stopping it, the server runs
    until its last fork has ended.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._sockets = socket_folder(f"typed-repository-{secrets.token_hex(6)}")
        self._kept = folder is not None
        self._folder = folder.absolute() if folder is not None else self._sockets / "cluster"
        self._lock: FolderLock | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._starter = 0

    @property
    def url(self) -> str:
        """Return the URL of its database `postgres`, as SQLAlchemy and `Database` take it."""
        return f"postgresql+psycopg://postgres@/postgres?host={quote(str(self._sockets), safe='/')}"

    @property
    def socket_folder(self) -> Path:
        """Return the folder of its unix socket."""
        return self._sockets

    def start(self) -> Self:
        """Return when connections are accepted. Raises `EmbeddedServerError`, also if it or its folder is in use."""
        if self._starter:
            raise EmbeddedServerError(f"this server was started by process {self._starter}: make another one")
        account = server_account()
        binaries = find_binaries(account)
        if self._kept:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._lock = FolderLock.acquire(
                    self._folder, lambda: stop_orphan(self._folder / "data", binaries, account)
                )
                remove_leftovers(self._folder, self._sockets)
            except OSError as error:
                self.stop()
                raise EmbeddedServerError(f"no data can be kept in {str(self._folder)!r}: {error.strerror}") from error
        try:
            self._require_enterable(account)
            self._require_same_version(binaries)
            self._supervisor = self._start_supervisor(binaries, account)
            self._starter = os.getpid()
            self._wait_until_ready(self._supervisor)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server and return when it is gone. A second call does nothing, nor does one in a fork."""
        is_fork = self._starter not in (0, os.getpid())
        if self._supervisor is not None:
            self._end_supervisor(self._supervisor, is_fork=is_fork)
            self._supervisor = None
        if self._lock is not None:
            (self._lock.close if is_fork else self._lock.release)()
            self._lock = None
        if not is_fork:
            self._starter = 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_supervisor(self, binaries: Path, account: Account | None) -> subprocess.Popen[bytes]:
        data, log = self._folder / "data", self._folder / "log"
        settings = self._settings()
        locale = _LOCALE if major_version(binaries) >= _BUILTIN_LOCALE_SINCE else _LOCALE_BEFORE
        plan: _supervisor.Plan = {
            "account": account,
            "data": str(data),
            "folders": [str(self._sockets)] if self._kept else [str(self._sockets), str(self._folder)],
            "initdb": [str(binaries / "initdb"), "--username=postgres", "--auth=trust", *locale,
                       *(() if self._kept else ("--no-sync",)), "-D"],
            "lock": None if self._lock is None else self._lock.server,
            "log": str(log),
            "postgres": [str(binaries / "postgres"), "-D", str(data), *(x for item in settings for x in ("-c", item))],
            "removed": [str(self._sockets)],
        }  # fmt: skip
        return subprocess.Popen(  # noqa: S603 - this interpreter and our own file
            [sys.executable, "-I", "-S", _supervisor.__file__, json.dumps(plan)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            pass_fds=[] if self._lock is None else [self._lock.server],
            start_new_session=True,
        )

    def _settings(self) -> list[str]:
        """Return the server's settings; of two with one name the later applies."""
        ephemeral = () if self._kept else _EPHEMERAL_SETTINGS
        return [*_SETTINGS, f"unix_socket_directories={self._sockets}", *ephemeral]

    def _require_enterable(self, account: Account | None) -> None:
        """Raise `EmbeddedServerError` if the server runs as another account that may not enter its folders."""
        ways = (self._folder, "choose another folder for its data") if self._kept else None
        for path, advice in filter(None, (ways, (self._sockets.parent, "set TMPDIR to another folder"))):
            if account is not None and path.exists() and (closed := closed_folder(path)) is not None:
                raise EmbeddedServerError(
                    f"the embedded PostgreSQL runs as nobody, which may not enter {str(closed)!r}: {advice}"
                )

    def _require_same_version(self, binaries: Path) -> None:
        """Raise `EmbeddedServerError` if the kept data are of another major version than the programs."""
        try:
            written = (self._folder / "data" / "PG_VERSION").read_text().strip()
        except (OSError, UnicodeDecodeError):  # a new folder; or the server says what is wrong with it
            return
        if written != str(expected := major_version(binaries)):
            raise EmbeddedServerError(
                f"the data in {str(self._folder)!r} are of PostgreSQL {written}, the programs in {str(binaries)!r} "
                f"of {expected}: set {VARIABLE} to those of PostgreSQL {written}, or choose another folder"
            )

    def _wait_until_ready(self, supervisor: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_S
        while not _is_ready(self._folder / "data", self._sockets):
            if supervisor.poll() is not None:
                raise EmbeddedServerError(f"the embedded PostgreSQL did not start: {self._cause(supervisor)}")
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"the embedded PostgreSQL did not start within {_START_S:.0f} s")
            time.sleep(0.005)

    def _cause(self, supervisor: subprocess.Popen[bytes]) -> str:
        """Return the reason that the supervisor reported for not starting the server."""
        assert supervisor.stdout is not None  # noqa: S101 - Popen was given a pipe
        cause = supervisor.stdout.read().decode(errors="replace").strip()
        if cause and os.strerror(errno.ENOSPC) not in cause:
            return cause
        disk, advice = self._sockets.parent, "set TMPDIR to a folder on another disk"
        if self._kept:
            disk, advice = self._folder, "choose another folder for its data"
        return f"{cause or 'it gave no reason, as on a full disk'}: make room in {str(disk)!r}, or {advice}"

    def _end_supervisor(self, supervisor: subprocess.Popen[bytes], *, is_fork: bool) -> None:
        """Let the supervisor stop the server; in a fork only close this process's pipes."""
        assert supervisor.stdin is not None  # noqa: S101 - Popen was given pipes
        assert supervisor.stdout is not None  # noqa: S101 - as above
        if not is_fork:
            with suppress(BrokenPipeError):  # it has ended
                supervisor.stdin.write(b"\n")  # forks hold the pipe open too
        supervisor.stdin.close()
        supervisor.stdout.close()
        if is_fork:
            supervisor.poll()  # not this process's child
        elif supervisor.wait() < 0:  # it was killed, and could not stop the server
            account = server_account()
            stop_orphan(self._folder / "data", find_binaries(account), account)
            shutil.rmtree(self._sockets, ignore_errors=True)


def _is_ready(data: Path, sockets: Path) -> bool:
    """Return whether this server accepts connections: a stale file of an earlier server names another socket folder."""
    try:
        lines = (data / "postmaster.pid").read_text(errors="replace").splitlines()
    except OSError:
        return False
    return str(sockets) in lines and lines[-1].strip() == "ready"
