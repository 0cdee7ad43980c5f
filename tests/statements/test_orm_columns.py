"""What a mapped class brings of its own: attributes computed from owned tables, and relationships loaded by a join."""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import pytest
import sqlalchemy
from sqlalchemy import inspect
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Bundle as _Bundle
from sqlalchemy.orm import aliased as _aliased
from sqlalchemy.orm import column_property as _column_property
from sqlalchemy.orm import registry, relationship
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel, col
from typing_extensions import override

from backend.errors import UsageError
from backend.statements.statements import Statements
from tests.statements.test_scope_sql import scoped, sql
from tests.support.models.suite import Note, Project, Ticket
from tests.support.statement_log import unbound

__all__ = ["scoped"]

aliased: Any = _aliased
column_property: Any = _column_property
literal_column: Any = sqlalchemy.literal_column
Bundle: Any = _Bundle
exists: Any = sqlalchemy.exists
func: Any = sqlalchemy.func
select: Any = sqlalchemy.select
true: Any = sqlalchemy.true
PROJECT: Any = inspect(Project).local_table


class Odd(UserDefinedType[str]):
    """A type that a cast in a statement may not have."""

    cache_ok: Any = True

    @override
    def get_col_spec(self, **_: object) -> str:
        return "odd(of(depth))"


def _mapped(name: str, **properties: Callable[[Any], Any]) -> Any:
    class Local(SQLModel, registry=registry(metadata=Project.metadata)): ...

    class Memo(Local, table=True):
        __tablename__: ClassVar[Any] = name
        id: int = Field(default=None, primary_key=True)
        text: str

    mapper: Any = inspect(Memo)
    for key, value in properties.items():
        mapper.add_property(key, value(Memo))
    table: Any = mapper.local_table
    Project.metadata.remove(table)  # it is seen as of this metadata all the same, and no other test makes it
    return Memo


def _own() -> Any:
    return column_property(select(func.max(Project.name)).scalar_subquery())


def _core(_model: object) -> Any:
    return column_property(select(func.max(PROJECT.c.name)).scalar_subquery())


MEMO = _mapped("memo", last=lambda _: _own())
CORE = _mapped("core_memo", last=_core)
MEMO.hybrid = hybrid_property(lambda _: "", expr=lambda _: select(func.max(Project.name)).scalar_subquery())
PLAIN = _mapped("plain_memo", shown=lambda model: column_property(func.lower(inspect(model).local_table.c.text)))
RAW = _mapped("raw_memo", shown=lambda _: column_property(literal_column("(SELECT max(name) FROM project)")))


ODD = _mapped("odd_memo")
inspect(ODD).local_table.c.text.type = Odd()
UNOWNED = _mapped("unowned_memo", note=lambda _: column_property(select(func.max(Note.text)).scalar_subquery()))


def _tickets(lazy: Any, model: Any) -> Any:
    return relationship(
        Ticket,
        primaryjoin=inspect(Ticket).local_table.c.title == inspect(model).local_table.c.text,
        foreign_keys=[inspect(Ticket).local_table.c.title],
        lazy=lazy,
        innerjoin=True,
        viewonly=True,
    )


JOINED = _mapped("joined_memo", tickets=partial(_tickets, "joined"))
JOINED_BY_FALSE = _mapped("joined_by_false_memo", tickets=partial(_tickets, False))

SELECTED: list[tuple[str, Callable[[Any], Any]]] = [
    ("entity", lambda model: model),
    ("alias", aliased),
    ("alias of a subquery", lambda model: aliased(model, select(model).subquery())),
    ("attribute", lambda model: model.last),
    ("attribute of an alias", lambda model: aliased(model).last),
    ("bundle", lambda model: Bundle("b", Bundle("c", model.id, model.last))),
]


def _places(scoped: Statements[Any], selected: Any) -> list[Callable[[], object]]:
    start: Any = scoped.select([col(Ticket.id)])
    subquery: Any = select(selected)
    return [
        lambda: scoped.bind_owner(start.add_columns(selected)),
        lambda: scoped.bind_owner(start.with_only_columns(selected)),
        lambda: scoped.bind_owner(start.join(subquery.subquery(), true())),
        lambda: scoped.bind_owner(start.join(subquery.cte(), true())),
        lambda: scoped.bind_owner(start.join(subquery.lateral(), true())),
        lambda: scoped.list((exists(subquery),), (), None, 0),
        lambda: scoped.count((exists(subquery.union(subquery).subquery()),)),
    ]


@pytest.mark.parametrize("model", [MEMO, CORE], ids=["of models", "of tables"])
@pytest.mark.parametrize("selected", [pytest.param(make, id=name) for name, make in SELECTED])
def test_an_attribute_computed_from_an_owned_table_is_not_selected(
    scoped: Statements[Any], selected: Callable[[Any], Any], model: Any
) -> None:
    for place in _places(scoped, selected(model)):
        with pytest.raises(UsageError, match=r"is computed from a table that has owners: select|select from its model"):
            place()


def test_a_hybrid_computed_from_an_owned_table_is_not_selected(scoped: Statements[Any]) -> None:
    for place in _places(scoped, MEMO.hybrid):
        with pytest.raises(UsageError, match="is computed from a table that has owners: select"):
            place()


LOSSLESS_PYTHON_TYPES: list[Callable[[Any], Any]] = [
    lambda start: start.join(MEMO, true()).where(MEMO.last == "x"),
    lambda start: start.join(MEMO, true()).add_columns(MEMO.last.label("x")),
    lambda start: start.join(MEMO, true()).add_columns(func.lower(MEMO.last)),
    lambda start: start.join(MEMO, true()).order_by(MEMO.last),
    lambda start: start.join(MEMO, true()).where(MEMO.hybrid == "x"),
    lambda start: start.where(exists(select(MEMO.id, MEMO.text).where(MEMO.last == "x"))),
    lambda start: start.add_columns(PLAIN),
    lambda start: start.add_columns(PLAIN.shown),
    lambda start: start.add_columns(UNOWNED),
    lambda start: start.add_columns(ODD),
]


@pytest.mark.parametrize("refine", LOSSLESS_PYTHON_TYPES)
def test_a_computed_attribute_that_can_be_held_is_held(scoped: Statements[Any], refine: Callable[[Any], Any]) -> None:
    sent = sql(scoped.bind_owner(refine(scoped.select([col(Ticket.id)]))))
    assert unbound(sent) == [], sent


def test_an_attribute_of_raw_sql_is_not_selected(scoped: Statements[Any]) -> None:
    for place in _places(scoped, RAW):
        with pytest.raises(UsageError, match="SQL in a string"):
            place()


@pytest.mark.parametrize("selected", [JOINED, JOINED_BY_FALSE, aliased(JOINED)], ids=["entity", "false", "alias"])
def test_an_entity_that_joins_a_relationship_is_not_selected(scoped: Statements[Any], selected: Any) -> None:
    for place in _places(scoped, selected):
        with pytest.raises(UsageError, match="an entity that loads a relationship by a join"):
            place()
    assert unbound(sql(scoped.bind_owner(scoped.select([col(Ticket.id)]).add_columns(JOINED.text)))) == []
