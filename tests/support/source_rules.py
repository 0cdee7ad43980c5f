"""Rules over the package's syntax trees: what must not be in it, and which layer may import which.

Here are the rules; what each catches and lets pass is in `tests/test_source_rules.py`.
"""

import ast
import importlib.util
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final, NamedTuple

LAYERS: Final = {
    "backend.errors": 0,
    "backend.settings": 0,
    "backend.statements": 1,
    "backend.database": 2,
    "backend.repository": 3,
    "backend": 4,
    "backend.tasks": 5,
    "backend.commands": 6,
    "backend.__main__": 6,
}
"""The floor of each module, or of the folder it lies in. `backend` itself gathers the names of floors 0 to 3."""

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

FORBIDDEN_DISTRIBUTIONS: Final = frozenset({"pyjwt", "python-jose", "argon2-cffi", "pynacl", "django-ninja"})
"""Those whose name in an index is not that of their import."""


class Finding(NamedTuple):
    """What a rule found, and where."""

    line: int
    message: str


class Import(NamedTuple):
    """One imported name: `from a import b as c` is `a.b`, bound to `c`; empty where only the run can know it."""

    line: int
    name: str
    bound: str
    origin: str


@dataclass(frozen=True)
class Source:
    """One module: its dotted name, its text, and whether it is the `__init__` of a package."""

    module: str
    text: str
    is_package: bool = field(default=False, kw_only=True)

    @property
    def package(self) -> str:
        return self.module if self.is_package else self.module.rpartition(".")[0]

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @cached_property
    def calls(self) -> tuple[ast.Call, ...]:
        return tuple(node for node in self.nodes if isinstance(node, ast.Call))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """What is imported anywhere in the module, in a function and for the type checker too."""
        called = [call for call in self.calls if self.origin(call.func) in _IMPORTERS]
        return (
            *self._statements,
            *(Import(call.lineno, _literal_module(call, self.package), "", "") for call in called),
        )

    @cached_property
    def _statements(self) -> tuple[Import, ...]:
        return tuple(found for node in self.nodes for found in imported(node, self.package))

    @cached_property
    def origins(self) -> dict[str, str]:
        """What an imported name stands for."""
        return {one.bound: one.origin for one in self._statements}

    @cached_property
    def string_names(self) -> frozenset[str]:
        """The names that the module binds to a string."""
        found: set[str] = set()
        for node in self.nodes:
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and _is_string(node.value, frozenset()):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
        return frozenset(found)

    def origin(self, node: ast.AST) -> str:
        """The dotted name of an expression, with imported names spelt out; `?` for a part that has none."""
        match node:
            case ast.Name(id=name):
                return self.origins.get(name, name)
            case ast.Attribute(value=value, attr=name):
                return f"{self.origin(value)}.{name}"
            case ast.Call(func=ast.Name(id="getattr"), args=[value, ast.Constant(value=str(name)), *_]):
                return f"{self.origin(value)}.{name}"
            case ast.Subscript(value=value):
                return self.origin(value)
            case _:
                return "?"

    def is_string(self, node: ast.expr | None) -> bool:
        """Whether this is text for sure: a literal, one built from a literal, or a name for one."""
        return _is_string(node, self.string_names)


Rule = Callable[[Source], Iterator[Finding]]


def sources(root: Path) -> list[Source]:
    """Every module of the package below `root`."""
    found: list[Source] = []
    for path in sorted((root / "backend").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        found.append(Source(".".join(parts[:-1] if is_package else parts), path.read_text(), is_package=is_package))
    return found


_TEXT: Final = {"text", "literal_column", "DDL", "*"}
_TEXT_CLASSES: Final = {"TextClause", "TextualSelect"}
"""May be named, to be refused; not called."""
_TEXT_METHODS: Final = {"exec_driver_sql", "executemany", "raw_connection", "from_statement"}
_TAKES_TEXT: Final = {"CheckConstraint", "Computed"}
_METHODS_THAT_TAKE_TEXT: Final = {
    "execute", "exec", "scalar", "scalars", "stream", "stream_scalars", "copy",
    "prefix_with", "suffix_with", "with_hint", "with_statement_hint",
}  # fmt: skip
_TEXT_KEYWORDS: Final = {"sqltext", "statement", "query", "text"}
_TEXT_KEYWORDS_ANYWHERE: Final = {"postgresql_where", "index_where", "postgresql_partition_by"}


def no_raw_sql(source: Source) -> Iterator[Finding]:
    """No `text()` and its kin, under whatever name, and no string where SQLAlchemy or the driver takes it for SQL."""
    for one in source.imports:
        if _is_text(one.name):
            yield Finding(one.line, f"imports {one.name}")
    for node in source.nodes:
        name = source.origin(node) if isinstance(node, ast.Attribute | ast.Call) else ""
        if _is_text(name) or name.rpartition(".")[2] in _TEXT_METHODS:
            yield Finding(getattr(node, "lineno", 0), f"uses {name}")
    for call in source.calls:
        name = source.origin(call.func)
        owner, _, last = name.rpartition(".")
        if last in _TEXT_CLASSES:
            yield Finding(call.lineno, f"makes a {last}")
        takes = last in _TAKES_TEXT or (last in _METHODS_THAT_TAKE_TEXT and owner not in {"", "shutil", "copy"})
        keywords = _TEXT_KEYWORDS_ANYWHERE | (_TEXT_KEYWORDS if takes else set[str]())
        given = [*(call.args if takes else ()), *(one.value for one in call.keywords if one.arg in keywords)]
        if any(source.is_string(argument) for argument in given):
            yield Finding(call.lineno, f"gives a string to {name}")


def _is_text(name: str) -> bool:
    parts = name.split(".")
    return parts[0] in {"sqlalchemy", "sqlmodel"} and parts[-1] in _TEXT and "func" not in parts


_STATEMENT: Final = re.compile(
    r"""\s*(?:
        SELECT\s+\S | INSERT\s+INTO\b | UPDATE\s+\S+\s+SET\b | DELETE\s+FROM\b | MERGE\s+INTO\b | TRUNCATE\s+\S
        | WITH\s+(?:RECURSIVE\s+)?\S+\s+AS\b | VALUES\s*\( | COPY\s+\S+\s+(?:FROM|TO)\b | EXPLAIN\s+(?:ANALYZE|SELECT)\b
        | (?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+|UNIQUE\s+|TEMP(?:ORARY)?\s+|MATERIALIZED\s+)*
          (?:TABLE|INDEX|SCHEMA|TYPE|SEQUENCE|VIEW|FUNCTION|TRIGGER|EXTENSION|DATABASE|ROLE|USER)\b
        | (?:BEGIN|COMMIT|ROLLBACK)\s*(?:;|$|WORK\b|TRANSACTION\b|ISOLATION\b|READ\b|TO\b|PREPARED\b)
        | SAVEPOINT\s+\w | SET\s+(?:LOCAL\s+|SESSION\s+)?\w+\s*(?:=|TO\b) | (?:LOCK|REINDEX|VACUUM|ANALYZE)\s+\S
    )""",
    re.VERBOSE,
)


def no_sql_in_a_string(source: Source) -> Iterator[Finding]:
    """No string, of characters or bytes, that reads as a statement; documentation may."""
    passed = {id(node.value) for node in source.nodes if isinstance(node, ast.Expr)}
    for node in source.nodes:
        if isinstance(node, ast.JoinedStr):
            passed |= {id(part) for part in node.values}
    for node in source.nodes:
        if id(node) not in passed and _STATEMENT.match(_content(node)):
            yield Finding(getattr(node, "lineno", 0), f"has SQL in a string: {_content(node)[:30]!r}")


def _content(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=str(content)):
            return content
        case ast.Constant(value=bytes(content)):
            return content.decode(errors="replace")
        case ast.JoinedStr(values=parts):
            return "".join(_content(part) or "{}" for part in parts)
        case _:
            return ""


_CURSOR_METHODS: Final = {
    "cursor", "exec_", "exec_params", "exec_prepared", "send_query", "send_query_params", "send_query_prepared",
}  # fmt: skip


def no_driver_cursor(source: Source) -> Iterator[Finding]:
    """No statement past SQLAlchemy, through psycopg or libpq. What starts a server may speak to it by other means.

    Connections that an engine takes over may be made in `backend.database.connecting`, and run nothing there.
    """
    if source.module in {"backend.database.embedded", "backend.database._supervisor"}:
        return
    for one in source.imports:
        if one.name.split(".")[:2] == ["psycopg", "sql"]:
            yield Finding(one.line, f"imports {one.name}")
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and source.origin(node) == "psycopg.sql":
            yield Finding(node.lineno, "uses psycopg.sql")
    for call in source.calls:
        parts = source.origin(call.func).split(".")
        connects = (parts[0], parts[-1]) == ("psycopg", "connect") and not _makes_an_engines_connections(source)
        if len(parts) > 1 and (parts[-1] in _CURSOR_METHODS or connects):
            yield Finding(call.lineno, f"calls {'.'.join(parts)}")


def _makes_an_engines_connections(source: Source) -> bool:
    return source.module.startswith("backend.database.connecting.")


def no_forbidden_imports(source: Source) -> Iterator[Finding]:
    """Nothing of HTTP, tokens, password hashes, migrations or frontends, nor an import that nobody can read."""
    for one in source.imports:
        parts = one.name.split(".")
        if not one.name:
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
    return _content(argument).startswith("/")


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
    for node in _run_at_import(source.tree):
        if isinstance(node, ast.Call) and _BUILT & set(source.origin(node.func).split(".")[-2:]):
            yield Finding(node.lineno, f"builds at import: {ast.unparse(node)}")


def _run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    children: Iterable[ast.AST | None] = ast.iter_child_nodes(node)
    match node:
        case ast.FunctionDef(args=arguments) | ast.AsyncFunctionDef(args=arguments):
            children = [*node.decorator_list, *arguments.defaults, *arguments.kw_defaults]
        case ast.Lambda(args=arguments):
            children = [*arguments.defaults, *arguments.kw_defaults]
        case ast.If(test=test) if ast.unparse(test) == "__name__ == '__main__'" or _is_for_types(test):
            children = node.orelse
        case _:
            pass
    for child in children:
        if child is not None:
            yield from _run_at_import(child)


def _is_for_types(test: ast.expr) -> bool:
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


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
    for node in _run_at_import(source.tree):
        yield from imported(node, source.package)


def _module_of(name: str, modules: Iterable[str]) -> str:
    """The module that an imported name lies in."""
    parts = name.split(".")
    return next((found for n in range(len(parts), 0, -1) if (found := ".".join(parts[:n])) in modules), "")


def imported(node: ast.AST, package: str) -> Iterator[Import]:
    """What this statement imports; nothing if it is another."""
    match node:
        case ast.Import(names=names):
            for one in names:
                bound = one.asname or one.name.split(".")[0]
                yield Import(node.lineno, one.name, bound, one.name if one.asname else bound)
        case ast.ImportFrom(names=names):
            module = "." * node.level + (node.module or "")
            module = importlib.util.resolve_name(module, package) if node.level else module
            for one in names:
                yield Import(node.lineno, f"{module}.{one.name}", one.asname or one.name, f"{module}.{one.name}")
        case _:
            return


_IMPORTERS: Final = {"importlib.import_module", "import_module", "importlib.__import__", "__import__"}


def _literal_module(call: ast.Call, package: str) -> str:
    match call.args:
        case [ast.Constant(value=str(name)), ast.Constant(value=str(base)), *_]:
            return importlib.util.resolve_name(name, base)
        case [ast.Constant(value=str(name)), *_]:
            return importlib.util.resolve_name(name, package)
        case _:
            return ""


def _is_string(node: ast.expr | None, names: frozenset[str]) -> bool:
    match node:
        case ast.Constant(value=str() | bytes()) | ast.JoinedStr():
            return True
        case ast.Name(id=name):
            return name in names
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod(), right=right):
            return _is_string(left, names) or _is_string(right, names)
        case ast.IfExp(body=left, orelse=right):
            return _is_string(left, names) or _is_string(right, names)
        case ast.Call(func=ast.Attribute(value=value)):
            return _is_string(value, names)
        case _:
            return False
