"""The package keeps the rules of its sources, and each rule catches what it is there for."""

from pathlib import Path

import pytest

from tests.support import source_rules as rules
from tests.support.source_rules import RULES, Rule, Source, sources

ROOT = Path(__file__).parent.parent

CAUGHT: list[tuple[Rule, str]] = [
    (rules.no_raw_sql, "from sqlalchemy import text"),
    (rules.no_raw_sql, "from sqlalchemy.sql.expression import text as t"),
    (rules.no_raw_sql, "import sqlalchemy as sa\nsa.text('x')"),
    (rules.no_raw_sql, "from sqlalchemy import literal_column"),
    (rules.no_raw_sql, "from sqlalchemy.schema import DDL"),
    (rules.no_raw_sql, "connection.exec_driver_sql(statement)"),
    (rules.no_raw_sql, "connection.connection.cursor()"),
    (rules.no_raw_sql, "CheckConstraint('x > 0')"),
    (rules.no_raw_sql, "CheckConstraint(sqltext=f'{name} > 0')"),
    (rules.no_raw_sql, "Index('i', 'x', postgresql_where='x > 0')"),
    (rules.no_raw_sql, "session.exec(f'{query}')"),
    (rules.no_raw_sql, "x = 'SELECT 1'"),
    (rules.no_raw_sql, "x = f'DELETE FROM {table}'"),
    (rules.no_forbidden_imports, "import fastapi"),
    (rules.no_forbidden_imports, "from http.server import HTTPServer"),
    (rules.no_forbidden_imports, "def f():\n    import jwt"),
    (rules.no_forbidden_imports, "from passlib.hash import bcrypt"),
    (rules.no_forbidden_imports, "from alembic import op"),
    (rules.no_forbidden_imports, "import importlib\nimportlib.import_module('flask.views')"),
    (rules.no_forbidden_imports, "from psycopg import sql"),
    (rules.no_routes, "@app.get('/tasks')\ndef f(): ..."),
    (rules.no_routes, "@router.route('/tasks', methods=['GET'])\nasync def f(): ..."),
    (rules.no_routes, "app.add_api_route('/x', f)"),
    (rules.no_import_of_a_higher_floor, "from backend.repository.execution import run"),
    (rules.no_import_of_a_higher_floor, "from backend import repository"),
    (rules.no_import_of_a_higher_floor, "from ..tasks import Task"),
    (rules.no_import_of_a_higher_floor, "def f():\n    from backend import Database"),
    (rules.nothing_built_at_import, "engine = create_engine(url)"),
    (rules.nothing_built_at_import, "db: Database = Database()"),
    (rules.no_check_silenced_without_a_reason, "x = y  # type: ignore[misc]"),
    (rules.no_check_silenced_without_a_reason, "x = y  # noqa: S101"),
    (rules.no_check_silenced_without_a_reason, 'x = cast("int", y)'),
]

LET_PASS: list[tuple[Rule, str]] = [
    (rules.no_raw_sql, "from sqlalchemy import Text, func, select\nselect(func.now())"),
    (rules.no_raw_sql, '"""SELECT … is explained here."""\nx = "select a task"'),
    (rules.no_raw_sql, "CheckConstraint(func.length(title) > 0)\nIndex('i', 'user_id', 'id')"),
    (rules.no_forbidden_imports, "from urllib.parse import quote\nimport httpcorelike"),
    (rules.no_routes, "@pytest.fixture(params=['/x'])\ndef f(): ..."),
    (rules.no_import_of_a_higher_floor, "from backend.errors import RepositoryError\nfrom sqlmodel import col"),
    (rules.nothing_built_at_import, "def f():\n    return create_engine(url)"),
    (rules.no_check_silenced_without_a_reason, "x = y  # type: ignore[misc]  # the stub is wrong"),
]


@pytest.mark.parametrize("rule", RULES, ids=[rule.__name__ for rule in RULES])
def test_the_package_keeps(rule: Rule) -> None:
    found = [f"{source.module} {finding}" for source in sources(ROOT) for finding in rule(source)]
    assert found == []


@pytest.mark.parametrize(("rule", "sample"), CAUGHT)
def test_a_rule_catches(rule: Rule, sample: str) -> None:
    assert list(rule(Source("backend.statements.sample", sample)))


@pytest.mark.parametrize(("rule", "sample"), LET_PASS)
def test_a_rule_lets_pass(rule: Rule, sample: str) -> None:
    assert list(rule(Source("backend.statements.sample", sample))) == []


def test_a_module_without_a_floor_is_caught() -> None:
    assert list(rules.no_import_of_a_higher_floor(Source("backend.helpers", "")))


def test_nothing_lies_under_src() -> None:
    assert not (ROOT / "src").exists()


def test_the_project_depends_on_nothing_forbidden() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    assert [name for name in rules.FORBIDDEN if f'"{name}' in text] == []
