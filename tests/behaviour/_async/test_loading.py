"""`loading(…)`: what is related to the rows of a call comes with them, in scope, as values, one statement a step."""

from typing import Any

import pytest
from sqlalchemy import Engine, insert
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from tests.support.models.related import (
    AsyncAuthorRepository,
    AsyncBookRepository,
    Author,
    Book,
)

BOOKS: list[dict[str, Any]] = [
    {"id": 1, "owner_id": "a", "author_id": 1, "prequel_id": None, "title": "x"},
    {"id": 2, "owner_id": "a", "author_id": 1, "prequel_id": 1, "title": "y"},
    {"id": 3, "owner_id": "a", "author_id": None, "prequel_id": None, "title": "z"},
    {"id": 4, "owner_id": "b", "author_id": 1, "prequel_id": 1, "title": "secret"},
    {"id": 5, "owner_id": "a", "author_id": 9, "prequel_id": 4, "title": "across"},
    {"id": 6, "owner_id": "a", "author_id": 1, "prequel_id": 1, "title": "x"},
]


def put(engine: Engine, **rows: list[dict[str, Any]]) -> None:
    """Insert rows by hand, whoever owns them."""
    with engine.begin() as connection:
        for table in SQLModel.metadata.sorted_tables:
            if given := rows.get(table.name):
                connection.execute(insert(table), given)


@pytest.fixture
def library(clean: Engine) -> None:
    put(
        clean,
        author=[
            {"id": 1, "owner_id": "a", "name": "Ada"},
            {"id": 2, "owner_id": "a", "name": "Bea"},
            {"id": 9, "owner_id": "b", "name": "secret"},
        ],
        book=BOOKS,
    )


def authors(session: AsyncSession, owner: str = "a") -> AsyncAuthorRepository:
    return AsyncAuthorRepository(session).owned_by(owner)


def books(session: AsyncSession, owner: str = "a") -> AsyncBookRepository:
    return AsyncBookRepository(session).owned_by(owner)


@pytest.mark.usefixtures("library")
async def test_loading_one_to_many_follows_the_order_of_the_relationship_then_the_key(session: AsyncSession) -> None:
    found = await authors(session).loading(Author.books).list()
    assert {one.name: [book.id for book in one.books] for one in found} == {"Ada": [2, 1, 6], "Bea": []}
    one = await authors(session).loading(Author.books).get_one(1)
    assert [book.id for book in one.books] == [2, 1, 6]


@pytest.mark.usefixtures("library")
async def test_loading_many_to_one_gives_the_row_or_none(session: AsyncSession) -> None:
    found = await books(session).loading(Book.author).list()
    assert [one.author and one.author.name for one in found] == ["Ada", "Ada", None, None, "Ada"]
    assert len({id(one.author) for one in found if one.author}) == 1
