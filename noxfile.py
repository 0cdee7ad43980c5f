"""The ways to run this project: `nox -s demo`, `nox -s tests typecheck`, and plain `nox` for what CI runs."""

import os
import shutil
import subprocess
from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
PROJECT = nox.project.load_toml("pyproject.toml")

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "generated", "typecheck", "tests"]


def _works(command: str) -> bool:
    """Whether the command is a Python that runs: a shim of pyenv may stand for a version that is not active."""
    return subprocess.run([command, "-c", ""], capture_output=True, check=False).returncode == 0


def _reveal_pyenv() -> None:
    """Puts the interpreters behind pyenv's shims on the path, so that every Python of the machine is found."""
    for folder in os.environ["PATH"].split(os.pathsep):
        if Path(folder).name != "shims":
            continue
        for python in PYTHONS:
            found = shutil.which(f"python{python}")
            installed = sorted(Path(folder).parent.glob(f"versions/{python}.*/bin/python{python}"))
            if installed and not (found and _works(found)):
                os.environ["PATH"] = os.pathsep.join([str(installed[-1].parent), os.environ["PATH"]])


_reveal_pyenv()


def _install(session: nox.Session, *groups: str) -> None:
    session.install("-q", "-e", ".[embedded]", *nox.project.dependency_groups(PROJECT, *groups))


@nox.session
def demo(session: nox.Session) -> None:
    """Walks tasks of two owners through their life on an embedded PostgreSQL; takes the demo's options."""
    session.install("-q", "-e", ".[embedded]")
    session.run("python", "-m", "backend", "demo", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The whole suite, on every Python from 3.11 that the machine has; takes pytest's arguments."""
    _install(session, "tests")
    session.run("pytest", *session.posargs)


@nox.session
def typecheck(session: nox.Session) -> None:
    """mypy strict and pyright strict, over the package, its tests and its tools."""
    _install(session, "typecheck")
    session.run("mypy")
    session.run("basedpyright", "--pythonpath", str(Path(session.bin) / "python"))


@nox.session
def lint(session: nox.Session) -> None:
    """ruff: rules and format."""
    session.install("-q", *nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def generated(session: nox.Session) -> None:
    """The synchronous twins are what the generator makes of the asynchronous sources."""
    session.install("-q", *nox.project.dependency_groups(PROJECT, "lint"))
    session.run("python", "-m", "tools.generate_sync", "--check")
