"""Rules over the package's syntax trees: what must not be in it, and which layer may import which."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

LAYERS = {
    "backend.errors": 0,
    "backend.settings": 0,
    "backend.statements": 1,
    "backend.database": 2,
    "backend.repository": 3,
    "backend": 3,
    "backend.tasks": 4,
    "backend.commands": 5,
    "backend.__main__": 5,
}
"""The floor of each module, or of the folder it lies in. `backend` itself only gathers the names of floors 0 to 3."""

RAW_SQL = {"text", "literal_column", "DDL", "TextClause", "exec_driver_sql", "executemany", "raw_connection", "cursor"}
FORBIDDEN = {
    "http", "socketserver", "wsgiref", "urllib3", "aiohttp", "httpx", "requests", "fastapi", "starlette", "flask",
    "django", "uvicorn", "gunicorn", "bottle", "tornado", "sanic", "litestar", "falcon", "quart", "werkzeug",
    "jwt", "jose", "joserfc", "authlib", "oauthlib", "passlib", "bcrypt", "argon2", "itsdangerous", "nacl",
    "alembic", "yoyo", "aerich", "migrate", "psycopg.sql",
}  # fmt: skip
_STATEMENT = re.compile(
    r"\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s|TRUNCATE\s|BEGIN\b|COMMIT\b|"
    r"(CREATE|ALTER|DROP)\s+(TABLE|INDEX|SCHEMA|TYPE|SEQUENCE)\b)"
)


@dataclass(frozen=True, slots=True)
class Source:
    """One module: its dotted name and its text."""

    module: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)


Rule = Callable[[Source], Iterator[str]]


def sources(root: Path) -> list[Source]:
    """Every module of the package below `root`."""
    found: list[Source] = []
    for path in sorted((root / "backend").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Source(name, path.read_text()))
    return found


def no_raw_sql(source: Source) -> Iterator[str]:
    """No `text()` and its kin, under whatever name, no driver cursor, no SQL in a string, no constraint as one."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"imports {name.name}" for name in node.names if name.name in RAW_SQL)
        elif isinstance(node, ast.Attribute) and node.attr in RAW_SQL:
            yield f"uses {node.attr}"
        elif isinstance(node, ast.Call):
            yield from _string_where_sql_is_taken(node)
    for value in _strings(source.tree):
        if _STATEMENT.match(value):
            yield f"has SQL in a string: {value[:30]!r}"


def no_forbidden_imports(source: Source) -> Iterator[str]:
    """Nothing of HTTP, tokens, password hashes or migrations."""
    for name in _imported(source):
        if name in FORBIDDEN or name.split(".")[0] in FORBIDDEN:
            yield f"imports {name}"


def no_routes(source: Source) -> Iterator[str]:
    """No decorator that names a path, and no route added by a call."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and any(_path(argument) for argument in decorator.args):
                    yield f"has a route: {ast.unparse(decorator)}"
        elif isinstance(node, ast.Attribute) and node.attr in {"add_api_route", "add_route", "add_url_rule"}:
            yield f"adds a route by {node.attr}"


def no_import_of_a_higher_floor(source: Source) -> Iterator[str]:
    """A module imports from its own floor or one below."""
    own = floor(source.module)
    if own is None:
        yield "has no floor: give it one in LAYERS"
        return
    for name in _imported(source):
        other = floor(name)
        if other is not None and other > own:
            yield f"imports {name}, a floor above"
        if name == "backend" and own < LAYERS["backend.tasks"]:
            yield "imports the façade from below it"


def nothing_built_at_import(source: Source) -> Iterator[str]:
    """No engine, session, settings or database is made when a module is imported."""
    built = {"create_engine", "create_async_engine", "sessionmaker", "Session", "AsyncSession", "Settings", "Database"}
    for statement in source.tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.If):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and _last_name(node.func) in built:
                yield f"builds at import: {ast.unparse(node)}"


def no_check_silenced_without_a_reason(source: Source) -> Iterator[str]:
    """Each ignore, noqa and cast has its reason on the line."""
    for number, line in enumerate(source.text.splitlines(), 1):
        ignores = re.search(r"#\s*(type: ignore|pyright: ignore|noqa)", line)
        comment = line.split("#", 1)[1] if "#" in line else ""
        reason = re.sub(r"(type: ignore|pyright: ignore|noqa)(\[[\w, -]*\]|: ?[A-Z]+\d+(, ?[A-Z]+\d+)*)?", "", comment)
        if ignores and not re.search(r"\w{2,}", reason):
            yield f"line {number} silences a check without a reason"
        if re.search(r'\bcast\("', line) and not re.search(r"\w{2,}", comment):
            yield f"line {number} casts without a reason"


RULES: tuple[Rule, ...] = (
    no_raw_sql,
    no_forbidden_imports,
    no_routes,
    no_import_of_a_higher_floor,
    nothing_built_at_import,
    no_check_silenced_without_a_reason,
)


def floor(module: str) -> int | None:
    """The floor of a module of the package; `None` for any other, or for one that has none."""
    parts = module.split(".")
    if parts[0] != "backend":
        return None
    names = [".".join(parts[:length]) for length in range(len(parts), 1, -1)]
    return next((LAYERS[name] for name in names if name in LAYERS), LAYERS["backend"] if len(parts) == 1 else None)


def _imported(source: Source) -> Iterator[str]:
    package = source.module.split(".")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: -node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            yield module
            yield from (f"{module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Call) and _last_name(node.func) in {"import_module", "__import__"} and node.args:
            argument = node.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def _strings(tree: ast.Module) -> Iterator[str]:
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def _string_where_sql_is_taken(call: ast.Call) -> Iterator[str]:
    name = _last_name(call.func)
    given = [keyword.value for keyword in call.keywords if keyword.arg in {"sqltext", "postgresql_where"}]
    if name in {"CheckConstraint", "execute", "exec", "scalar", "scalars", "from_statement"}:
        given += call.args[:1]
    for argument in given:
        if isinstance(argument, ast.JoinedStr) or (
            isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        ):
            yield f"gives a string to {name}"


def _path(argument: ast.expr) -> bool:
    return isinstance(argument, ast.Constant) and isinstance(argument.value, str) and argument.value.startswith("/")


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
