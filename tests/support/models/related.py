"""Entities with relationships of every kind. Their foreign keys may point across owners: the classes share them."""

from typing import Any

from pydantic import MISSING, BaseModel
from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, Text
from sqlmodel import Field, Relationship, SQLModel, col

from backend import AsyncCRUDRepository, CRUDRepository


def _key() -> Any:
    return Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])


def _reference(to: str) -> Any:
    return Field(default=None, foreign_key=to, sa_type=BigInteger)


class Tagging(SQLModel, table=True):
    """The secondary table of books and tags, with an owner of its own."""

    id: int = _key()
    owner_id: str = Field(sa_type=Text)
    book_id: int = _reference("book.id")
    tag_id: int = _reference("tag.id")
    rank: int = 0


class Author(SQLModel, table=True):
    id: int = _key()
    owner_id: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)

    books: list["Book"] = Relationship(
        back_populates="author", sa_relationship_kwargs={"order_by": "Book.title.desc()"}
    )
    first_books: list["Book"] = Relationship(
        sa_relationship_kwargs={
            "primaryjoin": "and_(Author.id == Book.author_id, Book.prequel_id == None)",
            "viewonly": True,
        }
    )
    prize: "Prize" = Relationship(sa_relationship_kwargs={"uselist": False, "viewonly": True})


class Book(SQLModel, table=True):
    """A book of an author, the sequel of another, with tags and printings."""

    id: int = _key()
    owner_id: str = Field(sa_type=Text)
    author_id: int | None = _reference("author.id")
    prequel_id: int | None = _reference("book.id")
    title: str = Field(sa_type=Text)

    author: Author | None = Relationship(back_populates="books")
    prequel: "Book" = Relationship(back_populates="sequels", sa_relationship_kwargs={"remote_side": "Book.id"})
    sequels: list["Book"] = Relationship(back_populates="prequel")
    tags: list["Tag"] = Relationship(
        back_populates="books", link_model=Tagging, sa_relationship_kwargs={"order_by": "Tagging.rank"}
    )
    editions: list["Edition"] = Relationship()


class Tag(SQLModel, table=True):
    id: int = _key()
    owner_id: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)

    books: list[Book] = Relationship(back_populates="tags", link_model=Tagging)


class Prize(SQLModel, table=True):
    """At most one of an author, says the relationship; the table permits more."""

    id: int = _key()
    author_id: int = _reference("author.id")

    author: Author = Relationship(sa_relationship_kwargs={"viewonly": True})


class Edition(SQLModel, table=True):
    """No owner, no repository, and a key of two columns."""

    book_id: int = Field(primary_key=True, foreign_key="book.id", sa_type=BigInteger)
    language: str = Field(primary_key=True, sa_type=Text)

    printings: list["Printing"] = Relationship(back_populates="edition")


class Printing(SQLModel, table=True):
    __table_args__ = (
        ForeignKeyConstraint(
            ["book_id", "language"], ["edition.book_id", "edition.language"], name="fk_printing_edition"
        ),
    )

    id: int = _key()
    book_id: int = Field(sa_type=BigInteger)
    language: str = Field(sa_type=Text)

    edition: Edition = Relationship(back_populates="printings")


class TaggingCreate(SQLModel):
    book_id: int
    tag_id: int
    rank: int = 0


class Nothing(BaseModel):
    """Nothing can be changed."""


class AuthorCreate(SQLModel):
    name: str


class AuthorUpdate(SQLModel):
    name: str | MISSING = MISSING


class BookCreate(SQLModel):
    title: str
    author_id: int | None = None
    prequel_id: int | None = None


class BookUpdate(SQLModel):
    title: str | MISSING = MISSING


class AuthorRepository(CRUDRepository[Author, AuthorCreate, AuthorUpdate], owner=col(Author.owner_id)): ...


class AsyncAuthorRepository(AsyncCRUDRepository[Author, AuthorCreate, AuthorUpdate], owner=col(Author.owner_id)): ...


class BookRepository(
    CRUDRepository[Book, BookCreate, BookUpdate],
    owner=col(Book.owner_id),
    shared_keys=(col(Book.author_id), col(Book.prequel_id)),
): ...


class AsyncBookRepository(
    AsyncCRUDRepository[Book, BookCreate, BookUpdate],
    owner=col(Book.owner_id),
    shared_keys=(col(Book.author_id), col(Book.prequel_id)),
): ...


class TagRepository(CRUDRepository[Tag, AuthorCreate, AuthorUpdate], owner=col(Tag.owner_id)): ...


class AsyncTagRepository(AsyncCRUDRepository[Tag, AuthorCreate, AuthorUpdate], owner=col(Tag.owner_id)): ...


class TaggingRepository(
    CRUDRepository[Tagging, TaggingCreate, Nothing],
    owner=col(Tagging.owner_id),
    shared_keys=(col(Tagging.book_id), col(Tagging.tag_id)),
): ...


class PrizeCreate(SQLModel):
    author_id: int


class PrizeRepository(CRUDRepository[Prize, PrizeCreate, Nothing], shared_keys=(col(Prize.author_id),)): ...


class AsyncPrizeRepository(AsyncCRUDRepository[Prize, PrizeCreate, Nothing], shared_keys=(col(Prize.author_id),)): ...
