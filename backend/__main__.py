"""Runs `python -m backend demo | check | init`. An error is one line on stderr and exit code 1."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from backend import Database
from backend.commands.check import check
from backend.commands.demo import demo
from backend.commands.models import import_application
from backend.database.schema import create_tables
from backend.errors import RepositoryError
from backend.tasks import Task


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    command = _command(arguments)
    logging.basicConfig(handlers=[logging.NullHandler()])  # else the log of a library would add lines to stderr
    try:
        code = _run_command(command)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of a pipe has ended, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _command(arguments: Sequence[str] | None) -> Callable[[], int]:
    parser = argparse.ArgumentParser(prog="python -m backend", description="Tools for a database of this project.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help in _HELP.items():
        added = commands.add_parser(name, help=help, description=help)
        if name == "demo":
            added.add_argument("--data", type=Path, metavar="FOLDER", help="embedded PostgreSQL, its data in FOLDER")
        if name == "check":
            added.add_argument("--json", action="store_true", help="print the report as JSON")
        if name in _MODELS:
            added.add_argument("--models", action="extend", nargs="+", metavar="MODULE", default=[], help=_MODELS[name])
    options = parser.parse_args(arguments)
    return {
        "demo": lambda: demo(options.data),
        "check": lambda: check(json=options.json, models=options.models),
        "init": lambda: _init(options.models),
    }[options.command]


_HELP = {
    "demo": "walk tasks of two owners through their life, on DATABASE_URL or an embedded PostgreSQL",
    "check": "connect to DATABASE_URL, report what is found, and what to change",
    "init": "create the tables of tasks that are missing in DATABASE_URL",
}

_MODELS = {
    "check": "compare the models and repositories of these modules or packages with the database, instead of tasks",
    "init": "create the tables of the models of these modules or packages, instead of tasks",
}


def _run_command(command: Callable[[], int]) -> int:
    try:
        return command()
    except BrokenPipeError:
        raise
    except (RepositoryError, OSError) as error:
        return _report_error(str(error), 1)
    except KeyboardInterrupt:
        return _report_error("interrupted", 130)


def _init(models: Sequence[str]) -> int:
    tables = import_application(models).tables if models else Task.metadata.sorted_tables
    with Database() as database:
        create_tables(database, tables)
    sys.stdout.write(f"the tables exist: {', '.join(table.fullname for table in tables)}\n")
    return 0


def _report_error(message: str, code: int) -> int:
    sys.stderr.write(f"error: {message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
