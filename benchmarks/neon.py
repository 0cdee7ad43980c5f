"""`python -m benchmarks.neon`: prints the figures of `docs/neon.md`, from the tests' imitation for Neon."""

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import sqlalchemy
from sqlmodel import Session

from backend import Database, init_db
from backend.embedded import EmbeddedServer
from backend.tasks import Task, TaskCreate, TaskRepository
from tests.support.neon import Neon

_ROUNDS = 20


def main() -> None:
    """Measures, and prints the table."""
    with (
        EmbeddedServer() as server,
        tempfile.TemporaryDirectory() as folder,
        Neon(server.socket_folder, Path(folder)) as neon,
    ):
        with Database(server.url) as database:
            init_db(database)
        for name, work in _works(neon).items():
            found = [_measured(neon, work) for _ in range(_ROUNDS)]
            trips = {one[0] for one in found}
            assert len(trips) == 1, trips
            sys.stdout.write(f"| {name} | {trips.pop()} | {median(one[1] for one in found) * 1000:.1f} ms |\n")


def _works(neon: Neon) -> Mapping[str, Callable[[], None]]:
    return {
        "connect and `ping`": lambda: _ping(neon.url),
        "connect and `ping`, `sslnegotiation=direct`": lambda: _ping(neon.url_of(sslnegotiation="direct")),
        "connect and first write": lambda: _first_write(neon.url),
        "the same with SQLAlchemy's defaults": lambda: _first_write_of_sqlalchemy(neon.url),
        "wake: 3 refusals, then 500 ms": lambda: _wake(neon),
    }


def _measured(neon: Neon, work: Callable[[], None]) -> tuple[int, float]:
    with neon.watch() as seen:
        started = time.perf_counter()
        work()
        seconds = time.perf_counter() - started
    return seen.connect_round_trips + seen.round_trips, seconds


def _ping(url: str) -> None:
    with Database(url) as database:
        database.ping()


def _first_write(url: str) -> None:
    with Database(url) as database, database.session() as session:
        TaskRepository(session).owned_by("a").create(TaskCreate(title="one"))


def _first_write_of_sqlalchemy(url: str) -> None:
    engine = sqlalchemy.create_engine(url)
    with Session(engine) as session:
        task = Task(title="one", user_id="a")
        session.add(task)
        session.commit()
        session.refresh(task)
    engine.dispose()


def _wake(neon: Neon) -> None:
    with neon.waking(times=6, delay_s=0.5):  # each refusal is asked why: two connects
        _ping(neon.url)


if __name__ == "__main__":
    main()
