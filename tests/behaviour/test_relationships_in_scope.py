"""What the ORM adds to a statement over a relationship is restricted to the owner too, or refused."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
import sqlalchemy
from pydantic import BaseModel
from sqlalchemy import Engine, Text, exists, func, insert
from sqlalchemy.orm import column_property, foreign, registry, relationship
from sqlmodel import Field, Session, SQLModel, col

from backend import Change, CRUDRepository, Database, shows, typed
from backend.errors import OwnerRequiredError, UsageError
from tests.support.compiling import compiled
from tests.support.models.related import (
    Author,
    AuthorRepository,
    Book,
    BookRepository,
    Prize,
    PrizeRepository,
    Tag,
    Tagging,
)

select: Any = sqlalchemy.select
author: Any = Author
book: Any = Book
prize: Any = Prize
RENAME = typed(Author.name).to("x")
SECRET: Any = exists(select(Tag.id).where(col(Tag.name) == "secret"))


@pytest.fixture
def session(clean: Engine, direct: Database) -> Iterator[Session]:
    """Author 1 of owner a has a book of each owner; the tag called secret and its use are b's."""
    rows: list[tuple[type[Any], list[dict[str, Any]]]] = [
        (Author, [{"id": 1, "owner_id": "a", "name": "Ada"}, {"id": 9, "owner_id": "b", "name": "Bob"}]),
        (Tag, [{"id": 1, "owner_id": "a", "name": "own"}, {"id": 2, "owner_id": "b", "name": "secret"}]),
        (Book, [{"id": 1, "owner_id": "a", "author_id": 1, "title": "x"}]),
        (Book, [{"id": 4, "owner_id": "b", "author_id": 1, "title": "secret"}]),
        (Tagging, [{"owner_id": "b", "book_id": 1, "tag_id": 1}]),
        (Prize, [{"author_id": 1}, {"author_id": 9}]),
    ]
    with clean.begin() as connection:
        for model, values in rows:
            connection.execute(insert(model), values)
    with direct.session() as session:
        yield session


def authors(session: Session) -> Any:
    return AuthorRepository(session).owned_by("a")


def books(session: Session) -> Any:
    return BookRepository(session).owned_by("a")


def prizes(session: Session) -> Any:
    return PrizeRepository(session)


BOUND: dict[str, tuple[Callable[[Session], Any], Any]] = {
    "a join": (lambda s: authors(s)._all(authors(s)._select(author.id).join(author.books)), [(1,)]),
    "a count of a join": (lambda s: authors(s)._scalar(authors(s)._select(func.count()).join(author.books)), 1),
    "any": (lambda s: authors(s).count(author.books.any(book.title == "secret")), 0),
    "any over a secondary table": (lambda s: books(s).count(book.tags.any()), 0),
    "has": (lambda s: books(s).count(book.author.has(author.name == "Ada")), 1),
}


@pytest.mark.parametrize(("call", "expected"), BOUND.values(), ids=BOUND)
def test_a_relationship_reads_rows_of_the_owner_alone(
    session: Session, call: Callable[[Session], Any], expected: Any
) -> None:
    assert call(session) == expected


REFUSED: dict[str, Callable[[Session], Any]] = {
    "an outer join": lambda s: authors(s)._all(authors(s)._select(author.id).outerjoin(author.books)),
    "a subquery within any": lambda s: authors(s).count(author.books.any(SECRET)),
    "any within any": lambda s: authors(s).count(author.books.any(book.sequels.any())),
    "the same in a change": lambda s: authors(s)._change(1, Change(RENAME, where=author.books.any(SECRET))),
    "the same in an order": lambda s: authors(s).page(order_by=[author.books.any(SECRET)]),
    "a join over a secondary table": lambda s: books(s).count(book.id.in_(select(book.id).join(book.tags))),
    "the condition of a join": lambda s: authors(s)._all(authors(s)._select(author.id).join(author.books.and_(SECRET))),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_what_no_owner_can_be_bound_in_is_refused(session: Session, call: Callable[[Session], Any]) -> None:
    with pytest.raises(UsageError, match=r"(an outer join to|a relationship reads) (book|tag|tagging)\b"):
        call(session)


def test_the_refusal_of_a_relationship_says_what_to_write(session: Session) -> None:
    with pytest.raises(UsageError) as error:
        authors(session).count(author.books.any(SECRET))
    assert str(error.value) == (
        "a relationship reads tag, which has owners, where no owner can be bound: join its model itself, or write "
        "exists(select(Model.id).where(…))"
    )


UNOWNED: dict[str, Callable[[Session], Any]] = {
    "a join": lambda s: prizes(s)._all(prizes(s)._select(prize.id).join(prize.author)),
    "a subquery with a join": lambda s: prizes(s).count(
        prize.id.in_(select(prize.id).join(prize.author.and_(author.name == "Bob")))
    ),
    "has": lambda s: prizes(s).count(prize.author.has()),
}


@pytest.mark.parametrize("call", UNOWNED.values(), ids=UNOWNED)
def test_a_model_without_an_owner_reaches_no_owned_table(session: Session, call: Callable[[Session], Any]) -> None:
    with pytest.raises(OwnerRequiredError):
        call(session)


class Own(SQLModel, registry=registry()):
    """Models apart from the others of the suite."""


class Folio(Own, table=True):
    id: int = Field(default=None, primary_key=True)
    owner_id: str = Field(sa_type=Text)


class Cabinet(Own, table=True):
    id: int = Field(default=None, primary_key=True)
    owner_id: str = Field(sa_type=Text)
    folios: ClassVar[Any] = column_property(select(func.count(col(Folio.id))).scalar_subquery())


class Nothing(BaseModel):
    """No field of a row."""


class FolioRepository(CRUDRepository[Folio, Nothing, Nothing], owner=col(Folio.owner_id)): ...


class CabinetRepository(CRUDRepository[Cabinet, Nothing, Nothing], owner=col(Cabinet.owner_id)): ...


def test_a_view_of_a_computed_attribute_reads_rows_of_the_owner_alone() -> None:
    class Line(BaseModel):
        count: int = shows(Cabinet.folios)

    view: Any = CabinetRepository(Session()).owned_by("a").as_(Line)
    statement = compiled(view._bound.statements.list((), (), None, 0))
    assert statement.sql.count("owner_id = %(the_owner)s") == 2


class Leaf(Own, table=True):
    """The table of folios by another name, and so without an owner."""

    __tablename__: ClassVar[Any] = "folio"
    __table_args__ = {"schema": "public"}

    id: int = Field(default=None, primary_key=True)


def test_a_relationship_to_an_owned_table_by_another_name_is_refused() -> None:
    leaves: Any = relationship(Leaf, primaryjoin=col(Cabinet.id) == foreign(col(Leaf.id)), viewonly=True)
    sqlalchemy.inspect(Cabinet).add_property("leaves", leaves)
    cabinet: Any = Cabinet
    rows: Any = CabinetRepository(Session()).owned_by("a")
    for reads in (rows._select(cabinet.id).join(cabinet.leaves), rows._select(cabinet.id).where(cabinet.leaves.any())):
        with pytest.raises(UsageError, match=r"public.folio, which has the name of one with owners"):
            rows._bound.statements.bind_owner(reads)
