"""Servers beside the one of this run, which a test may crash, and a standby that follows one. On unix sockets alone."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy import String, column, create_engine, func, select

from backend.embedded import EmbeddedServer

_WAIT_S: Final = 60.0


@contextmanager
def durable_server() -> Generator[EmbeddedServer]:
    """A server that syncs what is committed, so that a crash loses nothing else."""
    with _folder() as folder, EmbeddedServer(folder) as server:
        yield server


@contextmanager
def standby_of(primary: EmbeddedServer) -> Generator[EmbeddedServer]:
    """A hot standby of the server, which follows it."""
    with _folder() as folder:
        _copy(primary, folder / "data")
        with EmbeddedServer(folder) as standby:
            yield standby


def promote(standby: EmbeddedServer) -> None:
    """Makes a standby a server that takes writes."""
    with psycopg.connect(_conninfo(standby)) as connection:
        connection.execute("SELECT pg_promote()")


def demote(primary: EmbeddedServer) -> None:
    """Stops the server, and starts it again as a standby, as a failover does with a primary that comes back."""
    signal_file = _data_folder(primary) / "standby.signal"
    primary.stop()
    signal_file.touch()
    primary.start()


def fence(primary: EmbeddedServer) -> None:
    """Makes the transactions of every session read only, those that are open too, before another server takes over."""
    with psycopg.connect(_conninfo(primary), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        connection.execute("SELECT pg_reload_conf()")


def crash(server: EmbeddedServer) -> None:
    """Stops the server as a power cut does, and starts it again: it recovers from its write-ahead log."""
    pid_file = _data_folder(server) / "postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)
    wait_until(lambda: not pid_file.exists())
    server.stop()
    server.start()


def crash_a_backend(server: EmbeddedServer) -> None:
    """Kills one session's process: the postmaster goes on, ends every other session, and recovers."""
    with psycopg.connect(_conninfo(server)) as killed, psycopg.connect(_conninfo(server)) as other:
        os.kill(killed.info.backend_pid, signal.SIGKILL)
        wait_until(lambda: not _answers(other))
    wait_until(lambda: _accepts(server))


def _copy(primary: EmbeddedServer, data: Path) -> None:
    """Copies the server's files, with a note that the copy is its standby."""
    engine = create_engine(primary.url)
    binaries = select(column("setting", String())).select_from(func.pg_config()).where(column("name") == "BINDIR")
    with engine.connect() as connection:
        program = Path(connection.execute(binaries).scalar_one()) / "pg_basebackup"
    engine.dispose()
    owner = _data_folder(primary).stat()
    os.chown(data.parent, owner.st_uid, owner.st_gid)
    is_root = os.geteuid() == 0
    subprocess.run(
        [program, "--write-recovery-conf", "--checkpoint=fast", "--no-sync", "-h", primary.socket_folder,
         "-U", "postgres", "-D", data],
        cwd="/", check=True, user=owner.st_uid if is_root else None, group=owner.st_gid if is_root else None,
        extra_groups=[] if is_root else None,
    )  # fmt: skip


def _data_folder(server: EmbeddedServer) -> Path:
    with psycopg.connect(_conninfo(server)) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        return Path(row[0])


def _conninfo(server: EmbeddedServer) -> str:
    return f"host={server.socket_folder} user=postgres dbname=postgres"


def _accepts(server: EmbeddedServer) -> bool:
    try:
        psycopg.connect(_conninfo(server)).close()
    except psycopg.OperationalError:
        return False
    return True


def _answers(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so after {_WAIT_S} s")
        time.sleep(0.01)


@contextmanager
def _folder() -> Generator[Path]:
    """A folder that the server's account can reach, also where the tests run as root."""
    with tempfile.TemporaryDirectory(prefix="cluster-") as parent:
        Path(parent).chmod(0o755)
        kept = Path(parent) / "kept"
        kept.mkdir()
        yield kept
