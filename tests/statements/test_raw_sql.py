"""Text that a caller brings: rendered in quotes, as one plain word or not at all, wherever an element has it."""

import copy
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Column, Integer, Numeric, String, Table, Text, make_url, quoted_name, types
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import OPERATORS
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType
from sqlmodel import AutoString, UTCDateTime, col
from typing_extensions import override

from backend.errors import UsageError
from backend.statements.scope.allowlist import ALLOWED_KINDS
from backend.statements.scope.raw_sql import KNOWN_OPERATORS, is_name, is_operator, is_type
from backend.statements.statements import Statements
from tests.statements.test_scope_sql import KINDS, TITLE, scoped
from tests.support.models.suite import Project, Ticket

__all__ = ["scoped"]

MARK = "x) MARK OR (y"
DIALECT: Any = make_url("postgresql+psycopg://").get_dialect()()
select: Any = sqlalchemy.select
exists: Any = sqlalchemy.exists
func: Any = sqlalchemy.func
sql_cast: Any = sqlalchemy.cast


class Unquoted(str):
    """Text that says that it needs no quotes, as `quoted_name` may."""

    quote = False


TEXTS: dict[str, Any] = {"plain": MARK, "name": quoted_name(MARK, False), "text": Unquoted(MARK)}

SOURCES: dict[str, Callable[[], Any]] = {
    **KINDS,
    "between": lambda: col(Ticket.id).between(1, 2),
    "cast type": lambda: sql_cast(TITLE, postgresql.INTERVAL(fields="DAY", precision=3)).is_(None),
    "collation": lambda: TITLE.collate("C") == "x",
    "cte": lambda: col(Ticket.project_id).in_(select(select(Project.id).cte("c").c.id)),
    "derived": lambda: exists(
        select(func.json_to_record("{}").table_valued(sqlalchemy.column("a", Text)).render_derived(with_types=True).c.a)
    ),
    "escape": lambda: TITLE.like("x", escape="/"),
    "fetch": lambda: exists(select(Project.id).fetch(1, with_ties=True)),
    "flags": lambda: TITLE.regexp_match("x", flags="im"),
    "hinted": lambda: exists(select(Project.id).with_hint(Project, "ONLY")),
    "in": lambda: TITLE.in_(["x"]),
    "json": lambda: sqlalchemy.type_coerce(TITLE, postgresql.JSONB)[("a", "b")].as_numeric(10, 2) == 1,
    "lateral": lambda: exists(select(select(Project.id).lateral("l").c.id)),
    "locked": lambda: exists(select(Project.id).with_for_update(of=Project)),
    "match": lambda: TITLE.match("x", postgresql_regconfig="english"),
    "operator": lambda: TITLE.op("~*")("x"),
    "package": lambda: func.pg_catalog.abs(col(Ticket.id)) == 1,
    "quotient": lambda: col(Ticket.id) / sqlalchemy.type_coerce(TITLE, Numeric(10, 2)) == 1,
    "subquery": lambda: exists(select(select(Project.id).subquery("s").c.id)),
    "window": lambda: func.sum(Ticket.id).over(rows=(None, 0), exclude="TIES") > 1,
}


def _holders(part: Any) -> Iterator[tuple[Any, str]]:
    """What holds text for a part: itself, and copies of its type and operator that are put into it."""
    yield part, ""
    for name in ("type", "operator", "modifier"):
        held: Any = part.__dict__.get(name)
        if hasattr(held, "compile") or hasattr(held, "opstring"):
            yield copy.copy(held), name


def _places(holder: Any) -> list[str]:
    held: Any = getattr(holder, "__dict__", None)
    if held is None:
        return list(holder.__slots__)
    return [str(name) for name, value in held.items() if value is None or isinstance(value, str | int | tuple | dict)]


def _with(value: Any, text: Any) -> Any:
    if hasattr(value, "index") and not hasattr(value, "upper"):  # a tuple
        return tuple(text if isinstance(one, str) else one for one in value)
    return dict.fromkeys(value, text) if hasattr(value, "keys") else text


def _spots(source: str) -> Iterator[tuple[int, int, str]]:
    """Where the parts of an element, their types and operators have room for text: part, holder and attribute."""
    for index, part in enumerate(iterate(SOURCES[source]())):
        if not isinstance(part, Column | Table) and hasattr(part, "__dict__"):  # not the model's own, nor a constant
            for number, (holder, _) in enumerate(_holders(part)):
                yield from ((index, number, place) for place in _places(holder))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("source", SOURCES)
def test_text_in_any_place_of_an_element_stays_in_quotes_or_is_refused(
    scoped: Statements[Any], source: str, text: Any
) -> None:
    spots = list(_spots(source))
    assert spots
    for spot in spots:
        element = SOURCES[source]()
        try:
            _put(element, text, spot)
            executable: Any = scoped.count((element,)).statement
            sent = str(executable.compile(dialect=DIALECT))
        except Exception:  # noqa: S112  # refused, or text in the place of anything, which may raise anything
            continue
        assert MARK not in re.sub(r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'', "", sent), spot


def _put(element: Any, text: Any, spot: tuple[int, int, str]) -> None:
    index, number, place = spot
    part = list(iterate(element))[index]
    holder, name = list(_holders(part))[number]
    setattr(holder, place, _with(getattr(holder, place), text))
    if name:
        setattr(part, name, holder)


# Types


def _types() -> Iterator[type[TypeEngine[Any]]]:
    for module in (types, postgresql):
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, TypeEngine):
                yield kind
    yield from (AutoString, UTCDateTime)


def _made(kind: type[Any], **given: Any) -> Any:
    needed: dict[str, Any] = {"item_type": Integer, "name": "n", "data_type": Integer}
    parameters = inspect.signature(kind).parameters
    held = {name: value for name, value in needed.items() if name in parameters}
    labels: tuple[str, ...] = ()
    if issubclass(kind, sqlalchemy.Enum):
        labels, held = ("a", "b"), {"name": "n"}
    return kind(*labels, **{**held, **given})


# fmt: off
ABSTRACT = {
    "AbstractMultiRange", "AbstractRange", "AbstractSingleRange", "Concatenable", "ExternalType", "Indexable",
    "NamedType", "SchemaType", "TypeDecorator", "TypeEngine", "UserDefinedType", "Variant", "_Binary",
}
# fmt: on


def test_a_type_with_text_for_any_argument_is_refused_or_renders_it_in_quotes() -> None:
    tried: list[str] = []
    for kind in {one for one in _types() if one.__name__ not in ABSTRACT}:
        names = [*inspect.signature(kind).parameters, *({"length", "collation"} if issubclass(kind, String) else ())]
        for name in names:
            for text in TEXTS.values():
                try:
                    made = _made(kind, **{name: text})
                    rendered = [one.compile(DIALECT) for one in (made, made.dialect_impl(DIALECT))]
                except Exception:  # noqa: S112  # text for any argument may raise anything
                    continue
                tried.append(kind.__name__)
                loose = any(MARK in re.sub(r'"(?:[^"]|"")*"', "", one) for one in rendered)
                assert is_type(made) is not loose, (kind, name)
    assert len(set(tried)) > 40


def test_each_type_of_the_dialect_is_taken_as_it_is() -> None:
    refused: list[str] = []
    for kind in _types():
        made = None if kind.__name__ in ABSTRACT else _made(kind)
        refused += [] if made is None or is_type(made) else [repr(made)]
    assert refused == []


PLAIN: list[Any] = [
    String(20),
    Text(collation="de-x-icu"),
    postgresql.INTERVAL(fields="day to second", precision=3),
    postgresql.BIT(3, varying=True),
    postgresql.TIMESTAMP(timezone=True, precision=3),
    postgresql.ARRAY(postgresql.ENUM("a", name="My Mood", schema="one two")),
    Numeric(10, -2),
    postgresql.DOMAIN("positive", Integer),
]


@pytest.mark.parametrize("type_", PLAIN, ids=repr)
def test_a_type_with_plain_arguments_is_taken(type_: Any) -> None:
    assert is_type(type_)


class Spelt(UserDefinedType[Any]):
    """A type whose SQL is what it is given."""

    cache_ok: Any = True

    def __init__(self, spec: str) -> None:
        self.spec = spec

    @override
    def get_col_spec(self, **_: object) -> str:
        return self.spec


class Keyed(TypeDecorator[str]):
    """A type with text of its own, which no compiler renders."""

    impl: Any = String
    cache_ok: Any = True

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


def test_a_type_of_the_application_is_read_as_it_renders() -> None:
    plain = ["vector(3)", "geometry(POINT,4326)", "public.citext", '"my type"[]', "double precision", "varchar(9)[3]"]
    assert [one for one in plain if not is_type(Spelt(one))] == []
    assert is_type(Keyed("k3y== OR (true)"))
    loose = [
        "int OR true", "int) OR (true", "int--", "int /* */", "int, x", "int = 1", "", "int IS NULL", "a b", "int;",
        'int COLLATE "x" OR true', 'int COLLATE "a COLLATE b"', '"a" OR "b"', "varchar(9) OR true", "int::text",
        "int('x')", "__[SCHEMA_x]", '"__[SCHEMA_x]"', "interval day OR true", "x(a(b))", "int\nOR true",
    ]  # fmt: skip
    assert [one for one in loose if is_type(Spelt(one))] == []


# What is new in SQLAlchemy is read before it may pass

# fmt: off
REFUSED_KINDS = {
    "ScalarValues", "TableValuedColumn", "TryCast", "_", "dmltargetcopy", "element_list", "empty_set_expr",
    "empty_set_op_expr", "fromclause", "ilike_case_insensitive_operand", "index", "lambda_element",
    "next_value_func", "on_conflict_do_nothing", "on_conflict_do_update", "order_by_list", "override_binds",
    "release_savepoint", "rollback_to_savepoint", "savepoint", "scalar_values", "sequence",
    "table_valued_column", "tablesample", "textclause", "textual_select", "tstring", "tstring_text",
    "typeclause", "unsupported_compilation", "values", "insert", "update", "delete", "aggregate_orderby_inline",
    "json_getitem", "json_path_getitem",
}
# fmt: on


def _visits(ending: str) -> set[str]:
    names = dir(DIALECT.statement_compiler)
    return {one[6 : -len(ending) or None] for one in names if one.startswith("visit_") and one.endswith(ending)}


def test_each_kind_that_the_compiler_renders_was_read() -> None:
    of_operators = "_binary", "_unary_operator", "_unary_modifier", "_func"
    kinds = {one for one in _visits("") if not one.endswith(of_operators)}
    assert kinds - ALLOWED_KINDS - REFUSED_KINDS == set()


def test_each_function_with_a_rendering_of_its_own_was_read() -> None:
    text_search = {"to_tsvector", "to_tsquery", "plainto_tsquery", "phraseto_tsquery", "websearch_to_tsquery"}
    refused, quoted = {"aggregate_strings"}, {"next_value"}
    assert _visits("_func") == {"pow", "substring", "ts_headline"} | text_search | refused | quoted


def test_each_operator_that_the_compiler_renders_was_read() -> None:
    refused = {"as_", "from_"}
    assert {one.__name__ for one in OPERATORS if one not in KNOWN_OPERATORS} == refused
    known = {one.__name__ for one in KNOWN_OPERATORS} | {"custom_op", "function_as_comparison_op", "hstore_getitem_op"}
    named = {name for name in _visits("_binary") if name not in ("", "bitwise_xor_op")} | _visits("_unary_operator")
    assert {one for one in named if one not in known} == set()


def test_an_operator_that_only_looks_like_one_is_refused() -> None:
    def or_(*_: object) -> None: ...

    class Symbols(operators.custom_op[Any]):
        """An operator of its own kind."""

    assert not is_operator(or_)
    assert not is_operator(Symbols("+"))
    custom: Any = operators.custom_op
    assert not is_operator(custom("+", visit_name="function_as_comparison"))
    assert is_operator(custom("@>"))
    assert is_operator(custom("->", visit_name="hstore_getitem"))


def test_is_name_takes_what_sqlalchemy_quotes() -> None:
    quoted = ["x", "größe", "two words", 'a"b', "%(x)s", quoted_name("or true", True), quoted_name("x y", None)]
    assert [one for one in quoted if not is_name(one)] == []
    assert is_name(quoted_name("lower", False))
    loose = [quoted_name("x y", False), Unquoted("1"), Unquoted(""), "a__[SCHEMA_x]", "a~~b", 1, b"x", ["x"]]
    assert [one for one in loose if is_name(one)] == []


def test_a_schema_map_rewrites_no_name_of_a_statement(scoped: Statements[Any]) -> None:
    named = exists(select(col(Project.id).label("a__[SCHEMA_ or true or ]b")))
    with pytest.raises(UsageError, match="a name that is not quoted"):
        scoped.count((named,))
    mapped = exists(select(Project.id).execution_options(schema_translate_map={None: "elsewhere"}))
    with pytest.raises(UsageError, match="an option"):
        scoped.count((mapped,))
    with pytest.raises(UsageError, match="an option"):
        scoped.bind_owner(
            scoped.select([TITLE]).execution_options(schema_translate_map={None: quoted_name("x, y", False)})
        )
