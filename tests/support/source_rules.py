"""Rules over the package's syntax trees: what must not be in it, and which layer may import which.

Here are the rules, those on SQL in `sql_rules`; what each catches and lets pass is in `tests/test_source_rules.py`.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Final

from tests.support.sources import Finding, Import, Rule, Source, imported, run_at_import, text_of
from tests.support.sql_rules import no_driver_cursor, no_raw_sql, no_sql_in_a_string

LAYERS: Final = {
    "backend.columns": 0,
    "backend.errors": 0,
    "backend.settings": 0,
    "backend.entity": 1,
    "backend.embedded": 1,
    "backend.input": 2,
    "backend.statements": 2,
    "backend.results": 2,
    "backend.database": 2,
    "backend.repository": 3,
    "backend": 4,
    "backend.tasks": 5,
    "backend.commands": 6,
    "backend.__main__": 6,
    "backend.testing": 7,
}
"""The floor of each module, or of the folder it lies in. `backend` itself gathers the names of floors 0 to 3."""

APART: Final = frozenset({"backend.database", "backend.input", "backend.results", "backend.statements"})
"""Packages of one floor that `backend.database` does not import, and that do not import it."""

COLUMN_TYPES: Final = frozenset({"checks", "declared", "documents", "nested", "numbers", "refusal", "texts", "times"})
"""The modules of `backend.entity.column_types`."""

DATABASE: Final = ("bridge", "operations", "connections", "failures", "sessions", "retrying")
"""The folders and modules of `backend.database` that its other modules are built on, from the lowest to the highest."""

FORBIDDEN: Final = frozenset({
    "http", "socketserver", "wsgiref", "urllib.request", "urllib3", "aiohttp", "httpx", "requests", "fastapi", "ninja",
    "starlette", "flask", "django", "uvicorn", "hypercorn", "gunicorn", "granian", "bottle", "tornado", "sanic",
    "litestar", "falcon", "quart", "werkzeug", "pyramid", "cherrypy", "websockets", "strawberry", "graphene",
    "jwt", "jose", "python_jose", "joserfc", "jwcrypto", "authlib", "oauthlib", "passlib", "pwdlib", "bcrypt", "crypt",
    "argon2", "itsdangerous", "nacl", "fastapi_users", "flask_login", "flask_jwt_extended",
    "alembic", "yoyo", "aerich", "migrate", "flask_migrate",
    "jinja2", "streamlit", "gradio", "nicegui", "dash", "flet", "tkinter",
})  # fmt: skip
"""Import names of HTTP, of authentication, of migrations and of frontends."""

IMPORTS_BY_NAME: Final = "backend.commands.models"
"""The module that imports an application's modules, whose names `--models` gives."""

FORBIDDEN_DISTRIBUTIONS: Final = frozenset({"pyjwt", "python-jose", "argon2-cffi", "pynacl", "django-ninja"})
"""Those whose name in an index is not that of their import."""


def no_forbidden_imports(source: Source) -> Iterator[Finding]:
    """Nothing of HTTP, tokens, password hashes, migrations or frontends, nor an import that nobody can read."""
    for one in source.imports:
        parts = one.name.split(".")
        if not one.name and source.module != IMPORTS_BY_NAME:
            yield Finding(one.line, "imports a module by a name that is not a literal")
        elif any(".".join(parts[start:][:length]) in FORBIDDEN for start in _starts(parts) for length in (1, 2)):
            yield Finding(one.line, f"imports {one.name}")


def _starts(parts: list[str]) -> Iterable[int]:
    return range(len(parts)) if parts[0] == "backend" else (0,)


def forbidden_distributions(requirements: Iterable[str]) -> list[str]:
    """The requirements that name a distribution of what must not be imported."""
    found: list[str] = []
    for requirement in requirements:
        name = re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0]).lower()
        if name in FORBIDDEN_DISTRIBUTIONS or name.replace("-", "_") in FORBIDDEN:
            found.append(requirement)
    return found


_ROUTING: Final = {
    "route", "websocket_route", "add_route", "add_api_route", "add_url_rule", "add_websocket_route",
    "include_router", "register_blueprint",
}  # fmt: skip


def no_routes(source: Source) -> Iterator[Finding]:
    """No decorator that names a path, and no route added by a call."""
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and any(map(_is_path, _first_arguments(decorator))):
                    yield Finding(decorator.lineno, f"has a route: {ast.unparse(decorator)}")
    for call in source.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in _ROUTING:
            yield Finding(call.lineno, f"adds a route by {call.func.attr}")


def _first_arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args[:1], *(one.value for one in call.keywords if one.arg in {"path", "rule"})]


def _is_path(argument: ast.expr) -> bool:
    return text_of(argument).startswith("/")


def no_import_of_a_higher_floor(source: Source) -> Iterator[Finding]:
    """A module imports from its own floor or one below; a new module at the top is given a floor first."""
    own = floor(source.module)
    if own is None:
        yield Finding(1, f"{source.module} has no floor: give it one in LAYERS")
        return
    for one in source.imports:
        if one.name.split(".")[0] == "backend":
            other = floor(one.name)
            other = LAYERS["backend"] if other is None else other
            if other > own:
                yield Finding(one.line, f"floor {own} imports {one.name}, of floor {other}")
            if {"backend.database"} < {_package(source.module), _package(one.name)} & APART:
                yield Finding(one.line, f"{source.module} imports {one.name}: the two know nothing of each other")
            if _package(source.module) == _package(one.name) and _height(source.module) < _height(one.name):
                yield Finding(one.line, f"{source.module} imports {one.name}, which is built on it")


def no_import_past_the_column_types(source: Source) -> Iterator[Finding]:
    """What is known of column types is imported from their package, which lists it, not from its modules."""
    package = "backend.entity.column_types"
    if source.module == package or source.module.startswith(f"{package}."):
        return
    for one in source.imports:
        parts = one.name.removeprefix(f"{package}.").split(".")
        if one.name.startswith(f"{package}.") and parts[0] in COLUMN_TYPES:
            yield Finding(one.line, f"imports {one.name}: import it from {package}")


def _height(module: str) -> int:
    """The height of a part of `backend.database`; 0 in another package."""
    parts = module.split(".")
    if parts[:2] != ["backend", "database"]:
        return 0
    return DATABASE.index(parts[2]) if parts[2:] and parts[2] in DATABASE else len(DATABASE)


def _package(module: str) -> str:
    return ".".join(module.split(".")[:2])


def floor(module: str) -> int | None:
    """The floor of a module of the package, `None` if it has none; a name that is no module is the façade's."""
    return LAYERS.get(".".join(module.split(".")[:2]))


_BUILT: Final = {
    "create_engine", "create_async_engine", "engine_from_config", "sessionmaker", "async_sessionmaker",
    "scoped_session", "async_scoped_session", "Session", "AsyncSession", "Settings", "Database", "AsyncDatabase",
    "EmbeddedServer",
}  # fmt: skip


def nothing_built_at_import(source: Source) -> Iterator[Finding]:
    """No engine, session, settings or database is made when a module is imported: in a class or a default neither."""
    for node in run_at_import(source.tree):
        if isinstance(node, ast.Call) and _BUILT & set(source.origin(node.func).split(".")[-2:]):
            yield Finding(node.lineno, f"builds at import: {ast.unparse(node)}")


_SILENCER: Final = re.compile(
    r"type:\s*ignore(\[[^\]]*\])?"
    r"|pyright:\s*(ignore(\[[^\]]*\])?|[\w=]+)"
    r"|mypy:\s*[\w-]+(=[\w\", -]+)?"
    r"|((ruff|flake8):\s*)?noqa\b(:\s*[A-Z]+\d+([,\s]+[A-Z]+\d+)*)?",
    re.IGNORECASE,
)
_CASTS: Final = {"typing.cast", "typing_extensions.cast", "cast"}


def no_check_silenced_without_a_reason(source: Source) -> Iterator[Finding]:
    """Each ignore, noqa and cast has its reason on its line. SQLAlchemy's `cast` is SQL."""
    comments = _comments(source.text)
    for line, comment in comments.items():
        if re.match(r"#\s*", comment) and _SILENCER.search(comment) and not _reason(comment):
            yield Finding(line, "silences a check without a reason")
    for call in source.calls:
        lines = range(call.lineno, (call.end_lineno or call.lineno) + 1)
        if source.origin(call.func) in _CASTS and not any(_reason(comments.get(line, "")) for line in lines):
            yield Finding(call.lineno, "casts without a reason")


def _comments(text: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def _reason(comment: str) -> bool:
    return bool(re.search(r"\w{2,}", _SILENCER.sub("", comment)))


RULES: Final[tuple[Rule, ...]] = (
    no_raw_sql,
    no_sql_in_a_string,
    no_driver_cursor,
    no_forbidden_imports,
    no_routes,
    no_import_of_a_higher_floor,
    no_import_past_the_column_types,
    nothing_built_at_import,
    no_check_silenced_without_a_reason,
)


def import_cycle(modules: Iterable[Source]) -> list[str]:
    """Modules that import one another when they are run, in a circle; empty if none do."""
    by_name = {source.module: source for source in modules}
    graph = {
        name: {_module_of(one.name, by_name) for one in _run_imports(by_name[name])} - {name, ""} for name in by_name
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []


def _run_imports(source: Source) -> Iterator[Import]:
    for node in run_at_import(source.tree):
        yield from imported(node, source.package)


def _module_of(name: str, modules: Iterable[str]) -> str:
    """The module that an imported name lies in."""
    parts = name.split(".")
    return next((found for n in range(len(parts), 0, -1) if (found := ".".join(parts[:n])) in modules), "")
