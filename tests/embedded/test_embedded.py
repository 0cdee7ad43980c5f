"""The embedded server starts, stops and is killed: it leaves nothing behind and loses no committed row."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import literal, select

from backend import Database, init_db
from backend.embedded import EmbeddedServer
from backend.errors import EmbeddedServerError
from backend.tasks import TaskCreate, TaskRepository

ROOT = Path(__file__).parent.parent.parent
SEED = int(os.environ.get("EMBEDDED_SEED", random.randrange(2**32)))
DEADLINE_S = 30.0

_WORK = """
import sys
from pathlib import Path
from backend import Database, init_db
from backend.embedded import EmbeddedServer
from backend.tasks import Task, TaskCreate, TaskRepository
with EmbeddedServer(Path(sys.argv[1])) as server, Database(server.url) as database:
    print("started", flush=True)
    init_db(database, Task.metadata)
    with database.session() as session:
        for number in range(int(sys.argv[2])):
            print(TaskRepository(session).owned_by("a").create(TaskCreate(title=str(number))).id, flush=True)
print("stopped", flush=True)
"""

_FORK = """
import os, sys
from pathlib import Path
from backend import Database
from backend.embedded import EmbeddedServer
folder = None if sys.argv[1] == "none" else Path(sys.argv[1])
def answers():
    with Database(server.url) as database:
        database.ping()
"""

_CHILD_ENDS = """
import multiprocessing, subprocess
with EmbeddedServer(folder) as server:
    if sys.argv[2] in ("fork", "spawn", "forkserver"):
        child = multiprocessing.get_context(sys.argv[2]).Process(target=os.getpid)
        child.start()
        child.join()
    elif (child := os.fork()) == 0:
        answers()
        if sys.argv[2] == "stop":
            server.stop()
            os._exit(0)
        sys.exit(0)  # leaves the block
    else:
        os.waitpid(child, 0)
    answers()
    print("answers", flush=True)
"""

_PARENT_ENDS = """
server = EmbeddedServer(folder).start()
if os.fork() == 0:
    sys.stdin.readline()
    answers()
    print("answers", flush=True)
    sys.stdin.readline()
    os._exit(0)
if sys.argv[2] == "killed":
    os.kill(os.getpid(), 9)
server.stop()
server.start()
answers()
server.stop()
print("stopped", flush=True)
os._exit(0)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="embedded-") as parent:
        Path(parent).chmod(0o755)  # the server's account has to reach it when the tests run as root
        kept = Path(parent) / "kept"
        yield kept
        _eventually(lambda: _processes_of(kept) == [], "the server is still running")


def _processes_of(folder: Path) -> list[int]:
    """The processes that name the folder, but for this one."""
    found: list[int] = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                command = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(folder) in command:
                found.append(int(process.name))
    return found


def _eventually(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.01)


def _ids(folder: Path) -> list[int]:
    with EmbeddedServer(folder) as server, Database(server.url) as database:
        init_db(database)
        with database.session() as session:
            return [task.id for task in TaskRepository(session).every_owner().list()]


def _started(folder: Path, rows: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _WORK, str(folder), str(rows)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def test_a_stopped_server_leaves_nothing_behind() -> None:
    with EmbeddedServer() as server:
        sockets = server.socket_folder
        assert _processes_of(sockets)
        with Database(server.url) as database:
            database.ping()
    assert _processes_of(sockets) == []
    assert not sockets.exists()


def test_stopping_twice_does_nothing() -> None:
    server = EmbeddedServer().start()
    server.stop()
    server.stop()


def test_no_port_is_opened() -> None:
    with EmbeddedServer() as server:
        owned = {f"socket:[{line.split()[9]}]" for line in _listening()}
        held: set[str] = set()
        for process in _processes_of(server.socket_folder):
            held |= {os.readlink(one) for one in Path(f"/proc/{process}/fd").iterdir() if one.is_symlink()}
        assert owned & held == set()


def _listening() -> list[str]:
    tables = [Path(f"/proc/net/{name}") for name in ("tcp", "tcp6")]
    lines = [line for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    return [line for line in lines if line.split()[3] == "0A"]


def test_only_its_account_may_enter_the_socket_folder() -> None:
    with EmbeddedServer() as server:
        assert server.socket_folder.stat().st_mode & 0o077 == 0


def test_kept_data_are_found_again(folder: Path) -> None:
    with EmbeddedServer(folder) as server, Database(server.url) as database:
        init_db(database)
        with database.session() as session:
            id = TaskRepository(session).owned_by("a").create(TaskCreate(title="kept")).id
    assert _ids(folder) == [id]


def test_a_second_process_gets_a_clear_error(folder: Path) -> None:
    with (
        EmbeddedServer(folder),
        pytest.raises(
            EmbeddedServerError,
            match=rf"in use by process {os.getpid()} or a fork of it: let it finish, or set DATABASE_URL",
        ),
    ):
        EmbeddedServer(folder).start()
    assert _ids(folder) == []


def test_a_file_in_the_place_of_the_folder_is_named(folder: Path) -> None:
    folder.touch()
    with pytest.raises(EmbeddedServerError, match=f"no data can be kept in '{folder}': File exists"):
        EmbeddedServer(folder).start()


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    with EmbeddedServer(folder):
        pass
    (folder / "data" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(EmbeddedServerError, match=r"did not start: .*pg_control"):
        EmbeddedServer(folder).start()


def test_data_of_another_major_version_are_named_with_both(folder: Path) -> None:
    with EmbeddedServer(folder):
        pass
    (folder / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(
        EmbeddedServerError, match=rf"'{folder}' are of PostgreSQL 12, the programs in .* of \d+: set POSTGRES_BIN"
    ):
        EmbeddedServer(folder).start()


def test_permissions_outside_its_folder_stay(folder: Path) -> None:
    before = [one.stat().st_mode for one in folder.parents]
    with EmbeddedServer(folder):
        pass
    assert [one.stat().st_mode for one in folder.parents] == before


def _forking(program: str, folder: Path | None, how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _FORK + program, str(folder or "none"), how],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip


@pytest.mark.parametrize("how", ["stop", "exit", "fork", "spawn", "forkserver"])
@pytest.mark.parametrize("kept", [True, False])
def test_a_child_that_stops_or_ends_leaves_the_server_to_its_parent(folder: Path, how: str, kept: bool) -> None:
    output, _ = _forking(_CHILD_ENDS, folder if kept else None, how).communicate(timeout=DEADLINE_S * 2)
    assert output == "answers\n"


def test_the_server_of_a_dead_parent_is_its_forks_until_they_end(folder: Path) -> None:
    process = _forking(_PARENT_ENDS, folder, "killed")
    assert process.wait() == -signal.SIGKILL
    with pytest.raises(EmbeddedServerError, match=rf"in use by process {process.pid} or a fork of it"):
        EmbeddedServer(folder).start()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "answers\n"
    process.communicate()
    assert _ids(folder) == []


def test_a_server_with_forks_can_be_stopped_and_started_again(folder: Path) -> None:
    process = _forking(_PARENT_ENDS, folder, "stops")
    assert process.stdout is not None
    assert process.stdout.readline() == "stopped\n"
    assert _ids(folder) == []  # while the fork is still there
    process.kill()
    process.communicate()


def test_a_server_is_started_once() -> None:
    with EmbeddedServer() as server:
        with pytest.raises(EmbeddedServerError, match=f"was started by process {os.getpid()}: make another one"):
            server.start()
        with Database(server.url) as database:
            database.ping()


@pytest.mark.parametrize("name", ["with, comma", "d" * 100, "a space", 'it\'s "q"', "50%25%s", "b\\s", "Ü", "\udcff"])
def test_any_temporary_folder_will_do(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    odd = folder.parent / name
    odd.mkdir()
    odd.chmod(0o777)
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    for kept in (None, odd / "kept"):
        with EmbeddedServer(kept) as server, Database(server.url) as database:
            database.ping()
    assert _processes_of(odd) == []


def test_a_temporary_folder_that_is_none_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.touch()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    for kept in (None, folder.parent / "data"):
        with pytest.raises(EmbeddedServerError, match=rf"did not start: Not a directory: '{folder}/typed-"):
            EmbeddedServer(kept).start()


def test_where_there_is_no_temporary_folder_a_short_one_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", _no_temporary_folder)
    with EmbeddedServer() as server:
        assert server.socket_folder.parent == Path("/tmp")  # noqa: S108


def _no_temporary_folder() -> str:
    raise FileNotFoundError("No usable temporary directory found")


def test_a_full_disk_is_said_with_what_to_do(folder: Path) -> None:
    with EmbeddedServer(folder):
        pass
    written_at_start = folder / "data" / "postmaster.opts"
    written_at_start.unlink()
    written_at_start.symlink_to("/dev/full")
    with pytest.raises(
        EmbeddedServerError, match=f"No space left on device: make room in '{folder}', or choose another folder"
    ):
        EmbeddedServer(folder).start()


@pytest.mark.parametrize("name", ["owner", "lock", "sockets", "log"])
def test_garbage_in_the_files_of_a_folder_does_no_harm(folder: Path, name: str) -> None:
    folder.mkdir()
    (folder / name).write_bytes(b"\xff garbage\n")
    (folder / name).chmod(0o666)
    assert _ids(folder) == []


def test_a_lock_with_garbage_is_in_use_by_another_process(folder: Path) -> None:
    with EmbeddedServer(folder):
        (folder / "owner").write_bytes(b"\xff garbage\n")
        with pytest.raises(EmbeddedServerError, match="in use by another process: let it finish"):
            EmbeddedServer(folder).start()


@pytest.mark.parametrize("name", ["owner", "lock", "sockets"])
def test_a_folder_in_the_place_of_a_file_is_an_error(folder: Path, name: str) -> None:
    (folder / name).mkdir(parents=True)
    with pytest.raises(EmbeddedServerError, match=f"no data can be kept in '{folder}': Is a directory"):
        EmbeddedServer(folder).start()
    (folder / name).rmdir()
    assert _ids(folder) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="the server has an account of its own only where root starts it")
def test_a_folder_that_the_servers_account_may_not_enter_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = folder.parent / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedServerError, match=f"nobody, which may not enter '{closed}': choose another folder"):
        EmbeddedServer(closed / "kept").start()
    monkeypatch.setattr(tempfile, "tempdir", str(closed))
    with pytest.raises(EmbeddedServerError, match=f"nobody, which may not enter '{closed}': set TMPDIR to another"):
        EmbeddedServer().start()


def test_upper_and_lower_case_of_all_letters_are_alike() -> None:
    with EmbeddedServer() as server:
        assert _finds_umlaut(server) is True


def test_a_cluster_of_another_locale_is_found_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        for name in ("_LOCALE", "_LOCALE_BEFORE"):
            patched.setattr(f"backend.embedded.server.{name}", ("--encoding=UTF8", "--locale=C"))
        with EmbeddedServer(folder) as server, Database(server.url) as database:
            init_db(database)
            with database.session() as session:
                id = TaskRepository(session).owned_by("a").create(TaskCreate(title="kept")).id
            assert _finds_umlaut(server) is False
    assert _ids(folder) == [id]


def _finds_umlaut(server: EmbeddedServer) -> bool:
    with Database(server.url) as database, database.engine.connect() as connection:
        return bool(connection.execute(select(literal("ÄRGER Ω").icontains("ärger ω"))).scalar_one())


def test_a_server_whose_supervisor_was_killed_is_stopped(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        (supervisor,) = _supervisors(folder)
        os.kill(supervisor, signal.SIGKILL)
    assert _processes_of(folder) == []
    assert not server.socket_folder.exists()


@pytest.mark.parametrize("moment", range(20))
def test_whoever_is_killed_whenever_nothing_is_lost_or_left(folder: Path, moment: int) -> None:
    chance = random.Random(f"{SEED}-{moment}")
    victims = ("parent", "server", "both", "parent and supervisor")[moment % 4]
    print(f"EMBEDDED_SEED={SEED} kills {victims}")
    after = chance.choice(["at once", "started", "rows", "stopping"])
    rows = chance.randrange(1, 30)
    seen = {"at once": 0, "started": 1, "rows": 1 + chance.randrange(rows), "stopping": 1 + rows}[after]
    pause = chance.random() * (0.05 if after == "stopping" else 0.3)
    written = _killed(_started(folder, rows), folder, victims, seen, pause)
    _eventually(lambda: victims == "parent and supervisor" or _processes_of(folder) == [], "a process is left")
    found = _ids(folder)
    assert set(written) <= set(found)
    assert not (folder / "data.new").exists()
    sockets = Path((folder / "sockets").read_text())
    assert not sockets.exists()


def _killed(process: subprocess.Popen[str], folder: Path, victims: str, seen: int, pause_s: float) -> list[int]:
    """Kills the victims so long after that many lines of output; the ids that had been written."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(seen)]
    time.sleep(pause_s)  # the random moment itself: nothing waits for it
    _kill(process, folder, victims)
    rest, _ = process.communicate()
    return [int(line) for line in [*lines, *rest.splitlines()] if line.strip().isdigit()]


def _kill(process: subprocess.Popen[str], folder: Path, victims: str) -> None:
    doomed = [process.pid] if victims != "server" else []
    if victims in ("server", "both"):
        doomed += _postmasters(folder)
    if victims == "parent and supervisor":
        doomed += _supervisors(folder)
    for one in doomed:
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _supervisors(folder: Path) -> list[int]:
    return [one for one in _processes_of(folder) if "supervisor.py" in _command(one)]


def _postmasters(folder: Path) -> list[int]:
    try:
        return [int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])]
    except (OSError, IndexError, ValueError):
        return []


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode()
    except OSError:
        return ""
