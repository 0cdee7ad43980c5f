"""A trial: the tests of the file's stages, first those that need no database, run with one mutant until a test fails.

A mutant is tried at most twice. First warm: in a fork of a process that has collected the tests, in which the functions
get the mutant's code. That is fast, but proves only that a mutant is killed. A mutant that survives is tried cold: a
new process imports package and tests from a scratch copy that has the mutant.
"""

import compileall
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from py_compile import PycInvalidationMode
from queue import SimpleQueue

import pytest

from backend.embedded import EmbeddedServer
from tools.mutation.mutants import ROOT, Mutant, unchanged
from tools.mutation.warm import Fate, Loop, fate_of_exit, limit

WORKERS = 2
STAGES = (
    ["tests/statements/test_scope_sql.py"],
    ["tests/statements/test_statements.py", "tests/statements/test_comparisons.py", "tests/entity/test_owner.py"],
    [
        "tests/statements/test_raw_sql.py",
        "tests/statements/test_orm_columns.py",
        "tests/statements/test_owner_types.py",
        "tests/statements/test_plain.py",
    ],
    ["tests/statements/test_typed.py", "tests/statements/test_loads.py"],
    ["tests/behaviour/test_relationships_in_scope.py"],
    [
        "tests/entity/test_identity.py",
        "tests/entity/test_definition_keys.py",
        "tests/entity/test_definition.py",
        "tests/entity/test_definition_versions.py",
    ],
    ["tests/statements/test_composite_keys.py", "tests/entity/test_definition_ids.py"],
    ["tests/behaviour/test_owner_in_key.py", "tests/behaviour/test_key_types.py"],
    ["tests/results/test_page_values.py", "tests/entity/test_definition_views.py"],
    ["tests/behaviour/_sync/test_pages_by_number.py", "tests/behaviour/_sync/test_cursor_pages.py"],
    ["tests/behaviour/_sync/test_views.py", "tests/behaviour/_sync/test_loading.py"],
    ["tests/entity/test_definition_sharing.py", "tests/entity/test_definition_early.py"],
    ["tests/behaviour/_sync/test_two_owners.py", "tests/behaviour/_sync/test_entities.py"],
    ["tests/behaviour/_sync/test_calls.py", "tests/behaviour/_sync/test_refusals.py"],
    [
        "tests/behaviour/_sync/test_locks.py",
        "tests/behaviour/_sync/test_values.py",
        "tests/behaviour/_sync/test_versions.py",
    ],
    ["tests/behaviour/_sync/test_skipped_rows.py", "tests/behaviour/_sync/test_transactions.py"],
)

DATABASE_STAGES = (
    ["tests/database/test_sqlstates.py", "tests/database/test_failures.py", "tests/faults/_sync/test_stale_plans.py"],
    ["tests/database/test_lost_write_warnings.py", "tests/behaviour/_sync/test_transactions.py"],
    ["tests/database/test_retrying.py", "tests/behaviour/_sync/test_run.py"],
    ["tests/behaviour/_sync/test_session_states.py", "tests/behaviour/_sync/test_values.py"],
    ["tests/database/test_constraint_fields.py", "tests/database/test_listeners.py"],
    ["tests/database/test_forking.py"],
)

BULK_STAGES = (
    ["tests/statements/test_writes_of_many.py", "tests/statements/test_upserts_of_many.py"],
    [
        "tests/statements/test_statements.py",
        "tests/statements/test_kept.py",
        "tests/statements/test_conflict_targets.py",
    ],
    ["tests/behaviour/test_bulk_keys.py", "tests/behaviour/test_bulk_onupdates.py"],
    ["tests/behaviour/test_bulk_names.py", "tests/behaviour/_sync/test_skipped_rows.py"],
    ["tests/behaviour/_sync/test_upserts.py", "tests/behaviour/_sync/test_change_where.py"],
    ["tests/behaviour/_sync/test_create_many.py", "tests/behaviour/_sync/test_change_many.py"],
    ["tests/behaviour/test_upserts_by_model.py"],
    ["tests/behaviour/test_key_types.py", "tests/behaviour/_sync/test_round_trips.py"],
    ["tests/concurrency/_sync/test_bulk_writers.py", "tests/concurrency/test_concurrent_upserts.py"],
)
"""The tests of the calls that write many rows, and of upserts."""

_BULK = re.compile(
    r"/(upsert\w*|conflict\w*|named_rows|updates|deletes|inserts|where|row_\w+|column_defaults|kept|batches|updating|"
    r"deleting|creating|conditional)\.py$"
)


def stages_of(path: str) -> tuple[list[str], ...]:
    """Return the stages for the mutants of a file: those first that are named as it or its package is."""
    if path.startswith("backend/database/"):
        return DATABASE_STAGES
    if _BULK.search(path):
        return BULK_STAGES
    _, package, *_ = Path(path).parts
    return tuple(sorted(STAGES, key=lambda stage: (Path(path).stem not in str(stage), package not in str(stage))))


_OURS = ("backend", "tests", "tools")
_FOREIGN = ("hypothesis", "pytest_asyncio.plugin", "psycopg", "sqlalchemy.dialects.postgresql.psycopg", "sqlmodel")
"""Modules that the tests import and no mutant changes: imported once."""

_FORK = get_context("fork")


class Place:
    """A scratch copy of the project, a server, and a process that has collected the tests."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url
        self._warm, other = _FORK.Pipe()
        self._process = _FORK.Process(target=self._wait_for_mutants, args=(other,))
        self._process.start()

    def fate(self, mutant: Mutant) -> Fate:
        """Return the fate of the mutant."""
        if mutant.is_in_function:
            self._warm.send(mutant)
            fate: Fate = self._warm.recv()
            if fate != "lives":
                return fate
        changed = self._folder / mutant.path
        original = changed.read_text()
        changed.write_text(mutant.text)
        try:
            return self._cold(stages_of(mutant.path))
        finally:
            changed.write_text(original)

    def close(self) -> None:
        """End the process."""
        self._warm.send(None)
        self._process.join()

    def _cold(self, stages: tuple[list[str], ...]) -> Fate:
        first, *others = stages
        for stage in (first, [test for other in others for test in other]):
            process = _FORK.Process(target=self._run_stage, args=(stage,))
            process.start()
            process.join()
            fate = fate_of_exit(process.exitcode)
            if fate != "lives":
                return fate
        return "lives"

    def _run_stage(self, tests: list[str]) -> None:
        limit()
        self._run(tests)

    def _wait_for_mutants(self, mutants: Connection) -> None:
        self._run(
            [test for stage in STAGES + DATABASE_STAGES + BULK_STAGES for test in stage], Loop(mutants, stages_of)
        )

    def _run(self, tests: list[str], *plugins: object) -> None:
        os.chdir(self._folder)
        os.environ["TEST_DATABASE_URL"] = self._url
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(self._folder))
        for name in [name for name in sys.modules if name.partition(".")[0] in _OURS]:
            del sys.modules[name]
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        code = pytest.main(["-x", "-q", "--no-header", "--assert=plain", "-p", "no:cacheprovider", *tests], plugins)
        os._exit(int(code))


class Trials:
    """Several places, each of which tries one mutant after the other."""

    def __init__(self, places: list[Place]) -> None:
        self._count = len(places)
        self._free: SimpleQueue[Place] = SimpleQueue()
        for place in places:
            self._free.put(place)

    def fates(self, mutants: list[Mutant]) -> Iterator[tuple[Mutant, Fate]]:
        """Yield each mutant with its fate, in the given order."""
        with ThreadPoolExecutor(self._count) as workers:
            yield from zip(mutants, workers.map(self._fate, mutants), strict=True)

    def _fate(self, mutant: Mutant) -> Fate:
        place = self._free.get()
        try:
            return place.fate(mutant)
        finally:
            self._free.put(place)


@contextmanager
def trials() -> Generator[Trials]:
    """Make the places, and check that in each the tests pass on unchanged code. Raise `SystemExit` if not."""
    for name in _FOREIGN:
        import_module(name)
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        urls = [stack.enter_context(EmbeddedServer()).url for _ in range(WORKERS)]
        places = [Place(_copied(Path(scratch) / str(number)), url) for number, url in enumerate(urls)]
        for place in places:
            stack.callback(place.close)
            if any(place.fate(one) != "lives" for one in (unchanged()[0], unchanged()[-1])):
                raise SystemExit("the tests fail without a mutant: fix them first")
        yield Trials(places)


def _copied(folder: Path) -> Path:
    for name in ("backend", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    compileall.compile_dir(folder, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    return folder
