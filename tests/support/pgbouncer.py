"""The distribution's PgBouncer in transaction mode, in front of the server of this run."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

import psycopg
import pytest
from psycopg.pq import ExecStatus
from sqlalchemy import make_url

from tests.support.wire.tls import Certificates

_START_S: Final = 20.0
_ADMIN: Final = "console"
_WATCHED: Final = '"$0" --quiet "$1/ini" & read -r _; kill -9 $!; rm -rf "$1"'
"""Ends it when the pipe from this process does, however this process ends; it holds nothing that it would save."""

SERVERS: Final = 2
"""Connections to the server, which its clients share."""


def pgbouncer_or_skip() -> str:
    """The program, which distributions install where only root looks. Skips what needs it where none is installed."""
    program = shutil.which("pgbouncer", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"]))
    if program is None:
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    return program


class PgBouncer:
    """Listens on a unix socket while it is entered, as an unprivileged user, and leaves nothing behind.

    With certificates it listens on TCP too, where it takes TLS only.
    """

    def __init__(
        self,
        program: str,
        server_url: str,
        *,
        servers: int = SERVERS,
        certificates: Certificates | None = None,
        **settings: object,
    ) -> None:
        self._program = program
        self._server = make_url(server_url)
        self._servers = servers
        self._certificates = certificates
        self._settings = settings
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path()
        """Where its socket lies."""

    @property
    def url(self) -> str:
        """SQLAlchemy's URL of the server's database, through it."""
        return f"postgresql+psycopg://{self._server.username}@/{self._server.database}?host={self.folder}"

    @property
    def tls_url(self) -> str:
        """The same over TLS; its host is localhost, and it takes the options of TLS."""
        return f"postgresql+psycopg://{self._server.username}@localhost:{self._port}/{self._server.database}"

    def close_clients(self) -> None:
        """Closes every client of the database, as it does with those that it finds idle for too long."""
        self.command("KILL")
        self.command("RESUME")

    def command(self, name: str) -> None:
        """Runs a command of its console, for the database where the command is for one: PAUSE, RESUME, RELOAD, …"""
        with psycopg.connect(
            f"host={self.folder} port={self._port or 5432} dbname=pgbouncer user={_ADMIN}", autocommit=True
        ) as console:
            subject = "" if name == "RELOAD" else f' "{self._server.database}"'
            answer = console.pgconn.exec_(f"{name}{subject}".encode())
            if answer.status != ExecStatus.COMMAND_OK:
                raise RuntimeError(answer.get_error_message())

    def restart(self) -> None:
        """Ends it at once, with every connection, and starts it again at the same place."""
        self._stop()
        self._start()

    def __enter__(self) -> Self:
        if self._certificates is not None:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self._port = int(free.getsockname()[1])
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _start(self) -> None:
        account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None  # it refuses to run as root
        if not self.folder.name:
            self.folder = Path(tempfile.mkdtemp(prefix="pooler"))
        self.folder.mkdir(mode=0o700, exist_ok=True)
        (self.folder / "ini").write_text(self._configuration())
        if self._certificates is not None:
            self._certificates.write_certificate(self.folder / "pem")
        if account is not None:
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, account.pw_uid, account.pw_gid)
        self._process = subprocess.Popen(
            ["sh", "-c", _WATCHED, self._program, str(self.folder)],
            stdin=subprocess.PIPE,
            cwd="/",
            start_new_session=True,
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise

    def _configuration(self) -> str:
        server = self._server
        host = server.query.get("host", server.host or "localhost")
        target = {"host": host, "port": server.port or 5432, "dbname": server.database, "user": server.username}
        if server.password:
            target["password"] = server.password
        settings: dict[str, object] = {
            "listen_addr": "127.0.0.1" if self._certificates else "",
            "listen_port": 5432,
            "unix_socket_dir": self.folder,
            "auth_type": "any",
            "admin_users": _ADMIN,
            "pool_mode": "transaction",
            "default_pool_size": self._servers,
            "max_client_conn": 500,
            "logfile": self.folder / "log",
            **self._settings,
        }
        if self._certificates:
            pem = self.folder / "pem"
            settings |= {"listen_port": self._port, "client_tls_sslmode": "require"}
            settings |= {"client_tls_key_file": pem, "client_tls_cert_file": pem}
        databases = f"{server.database} = " + " ".join(f"{name}={_quoted(value)}" for name, value in target.items())
        return f"[databases]\n{databases}\n[pgbouncer]\n{_lines(settings)}"

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_S
        while not _accepts(self.folder / f".s.PGSQL.{self._port or 5432}"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"PgBouncer did not start in {_START_S} s")
            time.sleep(0.005)

    def _stop(self) -> None:
        if self._process is not None:
            self._process.communicate()
            self._process = None


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def _quoted(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _lines(settings: Mapping[str, object]) -> str:
    return "".join(f"{name} = {value}\n" for name, value in settings.items())
