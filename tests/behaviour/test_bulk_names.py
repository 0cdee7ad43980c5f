"""Calls on many rows of tables whose names, or whose columns' names, a statement uses itself; and of changed keys."""

from collections.abc import Iterator
from types import new_class
from typing import Any, NamedTuple

import pytest
from pydantic import MISSING, create_model
from sqlalchemy import BigInteger, Column, Identity, Integer, MetaData, Text, UniqueConstraint, column, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, col

from backend import CRUDRepository, Database, init_db
from backend.errors import ConstraintViolationError, InvalidDataError


class Made(NamedTuple):
    """A model with a column of a given name, and its repository."""

    metadata: MetaData
    model: Any
    create: Any
    update: Any
    repository: Any


def made(table: str, names: tuple[str, ...]) -> Made:
    """An owned and versioned model with texts of these names."""
    types = registry(metadata=MetaData())
    base: Any = new_class("Base", (SQLModel,), {"registry": types})
    revision = Column(Integer, server_default="1", onupdate=column("revision", Integer()) + 1, nullable=False)
    body: dict[str, Any] = {
        "__module__": __name__,
        "__tablename__": table,
        "__table_args__": (UniqueConstraint("owner", "code"),),
        "__annotations__": {"id": int, "owner": str, "code": str, "revision": int} | dict.fromkeys(names, str | None),
        "id": Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True)),
        "owner": Field(sa_column=Column(Text, nullable=False)),
        "code": Field(sa_column=Column(Text, nullable=False)),
        "revision": Field(default=None, sa_column=revision),
        **{name: Field(default=None, sa_column=Column(Text)) for name in names},
    }
    model: Any = new_class("Named", (base,), {"table": True}, lambda namespace: namespace.update(body))
    fields: dict[str, Any] = dict.fromkeys(names, (str | MISSING | None, MISSING))
    create, update = create_model("New", code=(str, ...), **fields), create_model("Changed", **fields)
    root: Any = CRUDRepository
    options = {"owner": col(model.owner), "version": col(model.revision)}
    repository = new_class("NamedRepository", (root[model, create, update],), options)
    return Made(types.metadata, model, create, update, repository)


COLUMNS = [
    *("position", "given_position", "is_new", "place", "changes", "written", "given", "old", "excluded", "locked"),
    *("value_0", "is_set_0", "flag_0", "column_0", "key_0", "old_0", "new"),
]
TABLES = [
    "given",
    "sent",
    "named",
    "new_rows",
    "locked",
    "written",
    "unchanged",
    "refused",
    "result",
    "old",
    "new",
    "met",
]


@pytest.mark.parametrize(
    ("table", "names"),
    [
        *(("thing", (name,)) for name in COLUMNS),
        ("thing", ("changes note", "note")),
        *((one, ("note",)) for one in TABLES),
    ],
)
def test_a_name_that_the_statements_use_themselves(own_tables: str, table: str, names: tuple[str, ...]) -> None:
    one = made(table, names)
    with Database(own_tables) as database:
        init_db(database, one.metadata)
        with database.session() as session:
            rows = one.repository(session).owned_by("a")
            first, second = rows.create_many([one.create(code="1", **dict.fromkeys(names, "x")), one.create(code="2")])
            assert [[getattr(row, name) for name in names] for row in (first, second)] == [
                ["x" for _ in names],
                [None for _ in names],
            ]
            data = [one.create(code="3", **dict.fromkeys(names, "z")), one.create(code="2")]
            upserted = rows.upsert_many(
                [*data, one.create(code="1", **{names[-1]: "y"})], on=col(one.model.code), update="set"
            )
            assert [row.outcome for row in upserted] == ["inserted", "unchanged", "updated"]
            assert [getattr(row.row, names[-1]) for row in upserted] == ["z", None, "y"]
            assert [getattr(row.row, names[0]) for row in upserted] == ["z", None, "x" if len(names) > 1 else "y"]
            ids = [row.row.id for row in upserted]
            changed = rows.update_many([(ids[1], one.update(**dict.fromkeys(names, "u"))), (ids[0], one.update())])
            assert [[getattr(row, name) for name in names] for row in changed] == [
                ["u" for _ in names],
                ["z" for _ in names],
            ]
            if (database.engine.dialect.server_version_info or ()) >= (18,) and table != "old":
                changing, one_more = rows.with_before(), one.update(**dict.fromkeys(names, "v"))
                updated = changing.update_many([(ids[1], one_more), (ids[0], one_more)])
                assert [both.before for both in updated] == changed
                assert changing.update(ids[2], one_more).before == upserted[2].row
                again = changing.upsert_many(data, on=col(one.model.code))
                assert {getattr(both.before, name) for both in again for name in names} == {"v"}
            assert [row.id for row in rows.delete_many(ids)] == ids


TYPES = registry(metadata=MetaData())


class Base(SQLModel, registry=TYPES):
    metadata = TYPES.metadata


class Tag(Base, table=True):
    """Its table changes keys to lower case."""

    name: str = Field(primary_key=True, sa_type=Text)
    note: str | None = None


class TagCreate(SQLModel):
    name: str
    note: str | MISSING | None = MISSING


class TagUpdate(SQLModel):
    note: str | MISSING | None = MISSING


class Tags(CRUDRepository[Tag, TagCreate, TagUpdate, str]): ...


@pytest.fixture
def tags(own_tables: str) -> Iterator[Tags]:
    with Database(own_tables) as database:
        init_db(database, TYPES.metadata)
        with database.session() as session:
            yield Tags(session)


def test_a_trigger_that_changes_a_key(tags: Tags) -> None:
    with tags.session.begin():
        for statement in (
            "CREATE FUNCTION lower_name() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN NEW.name := lower(NEW.name); RETURN NEW; END'",
            "CREATE TRIGGER lower_name BEFORE INSERT ON tag FOR EACH ROW EXECUTE FUNCTION lower_name()",
        ):
            tags.session.connection().execute(text(statement))
    assert tags.create(TagCreate(name="A")).name == "a"
    data = [TagCreate(name="B"), TagCreate(name="c")]
    said = "_many of Tag wrote nothing: a trigger, rule or policy of the table skips one, or changes its key$"
    with pytest.raises(ConstraintViolationError, match=said):
        tags.create_many(data)
    with pytest.raises(ConstraintViolationError, match=said):
        tags.upsert_many(data, on=col(Tag.name))
    assert [tag.name for tag in tags.list()] == ["a"]
    assert tags.create_many(data, returning=False) == 2
    assert [tag.name for tag in tags.list()] == ["a", "b", "c"]


def test_a_key_that_two_statements_of_an_upsert_have(tags: Tags) -> None:
    names = [*map(str, range(10_000)), "0"]
    with pytest.raises(InvalidDataError, match=r"^positions 0 and 10000 name the same Tag: give each row once$"):
        tags.upsert_many([TagCreate(name=name, note="x") for name in names], on=col(Tag.name))
    assert tags.count() == 0
