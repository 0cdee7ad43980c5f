"""One bound parameter holds the owner of every table in a statement: for types that bind alike, and for no others."""

from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import BigInteger, Column, Enum, Integer, String, Text, Uuid
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeDecorator, UserDefinedType
from sqlmodel import AutoString, Field, SQLModel, col
from typing_extensions import override

from backend.entity.checks import ClassOptions, define
from backend.entity.column_types import python_type
from backend.entity.parameters import OWNER_PARAMETER
from backend.errors import UsageError
from backend.statements.scope.owner_types import bind_alike
from backend.statements.statements import Statements

bindparam: Any = sqlalchemy.bindparam
exists: Any = sqlalchemy.exists
select: Any = sqlalchemy.select


class Lower(TypeDecorator[str]):
    """A type that makes one owner of two."""

    impl: Any = String
    cache_ok: Any = True

    def __init__(self, kept: int = 0) -> None:
        super().__init__()
        self.kept = kept

    @override
    def process_bind_param(self, value: Any, dialect: object) -> Any:
        return value.lower()


class LowerText(String):
    """The same by a subclass of SQLAlchemy's type."""


class Unsaid(Lower):
    """A type that does not say that its arguments are all of it."""

    cache_ok: Any = False


class Quiet(TypeDecorator[str]):
    """A type that does not show its arguments."""

    impl: Any = String
    cache_ok: Any = True

    @override
    def __repr__(self) -> str:
        return "Quiet()"


class Told(TypeDecorator[str]):
    """A type that shows its argument, and keeps it under another name."""

    impl: Any = String
    cache_ok: Any = True

    def __init__(self, kept: int) -> None:
        super().__init__()
        self._kept = kept

    @override
    def __repr__(self) -> str:
        return f"Told({self._kept})"


class Unkeyed(UserDefinedType[str]):
    """A type of the application's own that does not say that its arguments are all of it."""

    @override
    def get_col_spec(self, **_: object) -> str:
        return "text"


def _namesake() -> Any:
    namesake: Any = type("Lower", (Lower,), {"coerce_compared_value": None})
    return namesake()


SHARED = Unsaid()
UNLIKE: list[tuple[Any, Any]] = [
    (String(), Integer()),
    (String(), Lower()),
    (Lower(), String()),
    (Lower(), Lower(1)),
    (Lower(), _namesake()),
    (Quiet(1), Quiet(2)),
    (Told(1), Told(2)),
    (Unkeyed(), Unkeyed()),
    (Unsaid(), Unsaid()),
    (String(), LowerText()),
    (LowerText(), Integer()),
    (String(), Enum("a", name="e")),
    (String(), Uuid()),
    (Uuid(), Uuid(as_uuid=False)),
]
ALIKE: list[tuple[Any, Any]] = [
    (String(20), Text()),
    (AutoString(), String(9)),
    (BigInteger(), Integer()),
    (Lower(1), Lower(1)),
    (SHARED, SHARED),
    (Uuid(), Uuid()),
]


class _NoData(SQLModel): ...


def _pair(one: Any, other: Any) -> tuple[Statements[Any], Any, Any]:
    """Two owned models with these owner columns, and the statements of the first."""

    class Local(SQLModel, registry=registry()): ...

    class Mine(Local, table=True):
        id: int = Field(default=None, primary_key=True)
        owner: str = Field(sa_column=Column(one, nullable=False))

    class Theirs(Local, table=True):
        id: int = Field(default=None, primary_key=True)
        owner: str = Field(sa_column=Column(other, nullable=False))

    def define_one(model: Any) -> Statements[Any]:
        owner = col(model.owner)
        kind = python_type(model.__table__.c.owner.type) or object
        return Statements(
            define("Repository", (model, _NoData, _NoData, int, kind), ClassOptions(owner=owner)), scoped=True
        )

    define_one(Theirs)
    return define_one(Mine), Mine, Theirs


@pytest.mark.parametrize(("one", "other"), UNLIKE, ids=repr)
def test_owners_of_another_type_are_refused_wherever_a_statement_reads_them(one: Any, other: Any) -> None:
    statements, mine, theirs = _pair(one, other)
    said = "the owners of theirs are of another type than those of mine: give both owner columns one type"
    same = theirs.owner == mine.owner
    for where in (exists(select(theirs.id)), mine.id.in_(select(mine.id).outerjoin(theirs, same))):
        with pytest.raises(UsageError, match=said):
            statements.count((where,))
    for refined in (
        statements.select([mine.id]).join(theirs, same),
        statements.select([mine.id]).outerjoin(theirs, same),
        statements.select([mine.id]).add_cte(select(theirs.id).cte()),
    ):
        with pytest.raises(UsageError, match=said):
            statements.bind_owner(refined)


@pytest.mark.parametrize(("one", "other"), ALIKE, ids=repr)
def test_owners_of_one_type_are_bound_as_the_scopes_own(one: Any, other: Any) -> None:
    statements, mine, theirs = _pair(one, other)
    dialect: Any = postgresql.dialect
    for statement in (
        statements.count((exists(select(theirs.id)),)),
        statements.bind_owner(statements.select([mine.id]).join(theirs, theirs.owner == mine.owner)),
    ):
        executable: Any = statement.statement
        compiled: Any = executable.compile(dialect=dialect())
        assert str(compiled).count(f"%({OWNER_PARAMETER})s") == 2
        assert compiled.binds[OWNER_PARAMETER].type is one


@pytest.mark.parametrize(("one", "other"), [(String(), Lower()), (Lower(), String()), (String(), Integer())], ids=repr)
def test_a_parameter_with_the_owners_name_has_no_other_owners_type(one: Any, other: Any) -> None:
    statements, _, _ = _pair(one, other)
    with pytest.raises(UsageError, match="the name of the scope's own"):
        statements.count((bindparam(OWNER_PARAMETER, type_=other) == "x",))
    assert statements.count((bindparam(OWNER_PARAMETER, type_=one) == "x",)) is not None


def test_types_bind_alike_both_ways() -> None:
    assert [pair for pair in UNLIKE if bind_alike(*pair) or bind_alike(*reversed(pair))] == []
    assert [pair for pair in ALIKE if not (bind_alike(*pair) and bind_alike(*reversed(pair)))] == []
