"""Which paths `loading` refuses, in words that say what to do, and the statement of a step."""

from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, inspect
from sqlalchemy.orm import aliased, registry, relationship
from sqlmodel import Field, Relationship, SQLModel, col

from backend.entity.checks import ClassOptions, define
from backend.errors import UsageError
from backend.statements.load_paths import checked_path
from backend.statements.statements import Statements
from tests.support.compiling import compiled
from tests.support.models.invalid import schema
from tests.support.models.related import Book, BookCreate, BookUpdate, Tag
from tests.support.models.suite import Note, Project, Ticket

REGISTRY = registry(metadata=MetaData())


class Local(SQLModel, registry=REGISTRY):
    metadata = REGISTRY.metadata


class Room(Local, table=True):
    id: int = Field(default=None, primary_key=True)
    name: str

    lamps: list["Lamp"] = Relationship(sa_relationship_kwargs={"lazy": "dynamic"})
    beds: list["Lamp"] = Relationship(sa_relationship_kwargs={"lazy": "write_only", "overlaps": "lamps"})
    chairs: list["Chair"] = Relationship()


class Lamp(Local, table=True):
    id: int = Field(default=None, primary_key=True)
    room_id: int = Field(foreign_key="room.id")

    named_room: Room | None = Relationship(
        sa_relationship_kwargs={"primaryjoin": "and_(Lamp.room_id == Room.id, Room.name != '')", "viewonly": True}
    )


class Chair(Local, table=True):
    __mapper_args__ = {"polymorphic_on": "kind"}

    id: int = Field(default=None, primary_key=True)
    kind: str
    room_id: int = Field(foreign_key="room.id")


class Remote:
    """A class of another metadata."""


REMOTE = Table("remote", MetaData(), Column("id", Integer, primary_key=True))
REGISTRY.map_imperatively(Remote, REMOTE)
Room.__mapper__.add_property(  # type: ignore[attr-defined]
    "remotes",
    relationship(Remote, primaryjoin=col(Room.id) == REMOTE.c.id, foreign_keys=[REMOTE.c.id], viewonly=True),
)
LAMPS: Any = aliased(Lamp)
Room.__mapper__.add_property(  # type: ignore[attr-defined]
    "lit",
    relationship(LAMPS, primaryjoin=col(Room.id) == LAMPS.room_id, viewonly=True),
)
rooms: Any = Room
SHARED = (col(Book.author_id), col(Book.prequel_id))
other: Any = aliased(Ticket)
project: Any = Ticket.project

REFUSED: dict[str, tuple[Any, Any, str]] = {
    "a text": (Ticket, "project", "loading takes a relationship of Ticket, got a str: name Ticket.project"),
    "a list": (Ticket, [Ticket.project], "loading takes a relationship of Ticket, got a list: name Ticket.project"),
    "nothing": (Ticket, (), "a path of loading is empty: name Ticket.project"),
    "a column": (
        Ticket,
        Ticket.title,
        "loading takes a relationship of Ticket, got the column Ticket.title: name Ticket.project",
    ),
    "another model's relationship": (
        Ticket,
        Project.tickets,
        "loading takes a relationship of Ticket, got Project.tickets of another model: name Ticket.project",
    ),
    "a model without relationships": (
        Note,
        Project.tickets,
        "loading takes a relationship of Note, got Project.tickets of another model: "
        "name none, it has no relationships",
    ),
    "a wrong step": (
        Book,
        (Book.author, Book.tags),
        "after Book.author a path takes a relationship of Author, got Book.tags of another model: "
        "name Author.books or Author.first_books or Author.prize",
    ),
    "a column as a step": (
        Tag,
        (Tag.books, Book.title),
        "after Tag.books a path takes a relationship of Book, got the column Book.title: "
        "name Book.author or Book.prequel or Book.sequels or Book.tags or Book.editions",
    ),
    "a relationship with a condition": (
        Ticket,
        project.and_(col(Project.name) == "x"),
        "loading takes a relationship of Ticket, got Ticket.project with an alias, of_type() or and_(): "
        "name Ticket.project",
    ),
    "an alias's relationship": (
        Ticket,
        other.project,
        "loading takes a relationship of Ticket, got Ticket.project with an alias, of_type() or and_(): "
        "name Ticket.project",
    ),
    "a dynamic relationship": (
        Room,
        Room.lamps,
        "Room.lamps is lazy='dynamic', a query and not rows: declare another relationship without it, or read Lamp "
        "with its own repository",
    ),
    "a write-only relationship": (
        Room,
        Room.beds,
        "Room.beds is lazy='write_only', a query and not rows: declare another relationship without it, or read Lamp "
        "with its own repository",
    ),
    "a target mapped by inheritance": (
        Room,
        Room.chairs,
        "Room.chairs leads to Chair, which is mapped by inheritance, expected one class for one table: read it with "
        "session.add(…) in a transaction",
    ),
    "an alias as the target": (
        Room,
        rooms.lit,
        "Room.lit leads to an alias of Lamp, expected Lamp itself: declare another relationship to Lamp, with the "
        "alias's condition in its primaryjoin",
    ),
    "a target of another metadata": (
        Room,
        rooms.remotes,
        "Room.remotes leads to a table of another metadata than that of Room: declare both models on one metadata",
    ),
}


@pytest.mark.parametrize(("model", "path", "text"), REFUSED.values(), ids=REFUSED)
def test_loading_refuses_a_path_with_the_fix(model: Any, path: Any, text: str) -> None:
    with pytest.raises(UsageError) as raised:
        checked_path(inspect(model), path)
    assert str(raised.value) == text


def test_a_step_is_one_statement_that_binds_the_owner_for_each_table() -> None:
    entity = define("Books", (Book, BookCreate, BookUpdate, int, str), ClassOptions(col(Book.owner_id), None, SHARED))
    scoped, every = (Statements(entity, scoped=scoped) for scoped in (True, False))
    (tags,) = checked_path(inspect(Book), Book.tags)
    load = scoped.load(tags)
    assert load is scoped.load(tags)
    assert compiled(load.statement).sql == (
        "SELECT book_1.id, tag.id AS id_1, tag.owner_id, tag.name FROM book AS book_1 "
        "JOIN tagging AS tagging_1 ON book_1.id = tagging_1.book_id JOIN tag ON tag.id = tagging_1.tag_id "
        "WHERE book_1.id = ANY (%(the_keys_0)s) AND book_1.owner_id = %(the_owner)s "
        "AND tagging_1.owner_id = %(the_owner)s AND tag.owner_id = %(the_owner)s ORDER BY tagging_1.rank, tag.id"
    )
    assert "the_owner" not in compiled(every.load(tags).statement).sql


def test_a_foreign_key_is_the_link_to_its_row_where_it_is_the_whole_relationship() -> None:
    entity = define("Books", (Book, BookCreate, BookUpdate, int, str), ClassOptions(col(Book.owner_id), None, SHARED))
    (author,) = checked_path(inspect(Book), Book.author)
    load = Statements(entity, scoped=True).load(author)
    assert compiled(load.statement).sql == (
        "SELECT anon_1.key_0, author.id, author.owner_id, author.name FROM unnest(%(the_keys_0)s) "
        "WITH ORDINALITY AS anon_1(key_0, position), author "
        "WHERE author.id = anon_1.key_0 AND author.owner_id = %(the_owner)s ORDER BY author.id"
    )
    assert load.link_of(Book(id=1, owner_id="a", author_id=7, title="x")) == (7,)


def test_a_foreign_key_with_a_condition_is_joined() -> None:
    create, update = (schema(name, room_id=int) for name in ("LampCreate", "LampUpdate"))
    entity = define("Lamps", (Lamp, create, update, int, str), ClassOptions())
    (named,) = checked_path(inspect(Lamp), Lamp.named_room)
    load = Statements(entity, scoped=False).load(named)
    assert "JOIN room ON lamp_1.room_id = room.id AND room.name != " in compiled(load.statement).sql
    assert load.link_of(Lamp(id=3, room_id=7)) == (3,)
