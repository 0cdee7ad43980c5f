"""`loading(…)`: what is related to the rows of a call comes with them, in scope, as values, one statement a step."""

import copy
import pickle
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, event, insert, inspect
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, Change, Lock, typed
from backend.errors import ConnectionLostError, MultipleFoundError, OwnerRequiredError, UsageError
from tests.support.models.related import (
    AsyncAuthorRepository,
    AsyncBookRepository,
    AsyncPrizeRepository,
    Author,
    AuthorCreate,
    AuthorUpdate,
    Book,
    Edition,
    Printing,
    Prize,
    Tag,
)
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault

RENAME = Change(typed(Author.name).to("x"))
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


Call = Callable[[AsyncAuthorRepository], Awaitable[Any]]


async def first_of_list(repository: AsyncAuthorRepository) -> Author:
    return (await repository.list(col(Author.id) == 1))[0]


READS: dict[str, Call] = {
    "get": lambda repository: repository.get(1),
    "get_one": lambda repository: repository.get_one(1),
    "list": first_of_list,
    "first": lambda repository: repository.first(),
    "one": lambda repository: repository.one(col(Author.id) == 1),
    "one_or_none": lambda repository: repository.one_or_none(col(Author.id) == 1),
}
WRITES: dict[str, Call] = {
    "create": lambda repository: repository.create(AuthorCreate(name="x")),
    "update": lambda repository: repository.update(1, AuthorUpdate(name="x")),
    "update of nothing": lambda repository: repository.update(1, AuthorUpdate()),
    "delete": lambda repository: repository.delete(2),
    "change": lambda repository: repository._change(1, RENAME),  # pyright: ignore[reportPrivateUsage]  # for subclasses
}
each_read = pytest.mark.parametrize("call", READS.values(), ids=READS)


@pytest.mark.usefixtures("library", "awake")
@each_read
async def test_every_reading_call_loads_in_one_more_round_trip_a_step(
    session: AsyncSession, proxy: WireProxy, call: Call
) -> None:
    path = (Author.books, Book.sequels)
    repository = authors(session).loading(path, (Author.books, Book.prequel)).loading(Author.first_books)
    with proxy.watch() as seen:
        found = await call(repository)
    assert (seen.round_trips, seen.connects, len(seen.statements)) == (5, 0, 5)
    assert [[book.id for book in one.sequels] for one in found.books] == [[], [2, 6], []]
    assert [one.prequel and one.prequel.id for one in found.books] == [1, None, 1]
    assert [one.id for one in found.first_books] == [1]


@pytest.mark.usefixtures("library", "awake")
async def test_loading_sends_nothing_where_there_is_nothing_to_load_for(
    session: AsyncSession, proxy: WireProxy
) -> None:
    repository = authors(session).loading((Author.books, Book.sequels, Book.tags))
    with proxy.watch() as seen:
        assert await repository.get(77) is None
        assert await repository.list(col(Author.id) == 77) == []
        assert await repository.count() == 2
        assert await repository.exists()
    assert seen.round_trips == 4
    with proxy.watch() as seen:
        assert (await repository.get_one(2)).books == []
        assert (await books(session).loading(Book.author).get_one(3)).author is None
    assert seen.round_trips == 3


@pytest.mark.usefixtures("library")
async def test_loading_many_to_one_asks_once_for_each_target(session: AsyncSession, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        await books(session).loading(Book.author).list()
    assert seen.statements[-1].parameters == (b"{1,9}", b"a")


@pytest.mark.usefixtures("library")
async def test_loading_in_a_transaction_sees_its_writes_and_joins_it(database: AsyncDatabase, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        async with database.transaction() as session:
            session.add(Book(id=100, owner_id="a", title="zz", author_id=2))
            found = await authors(session).loading(Author.books).get_one(2, lock=Lock())
    assert [one.title for one in found.books] == ["zz"]
    assert seen.round_trips == 5
    assert seen.statements[-1].sql == "COMMIT"


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES)
async def test_a_repository_with_loads_only_reads(session: AsyncSession, proxy: WireProxy, call: Call) -> None:
    message = (
        r"^this AsyncAuthorRepository loads relationships, so it only reads: write with the AsyncAuthorRepository that "
        r"loading\(\) was called on, then read the row with get_one\(\) of this one$"
    )
    with proxy.watch() as seen, pytest.raises(UsageError, match=message):
        await call(authors(session).loading(Author.books))
    assert seen.round_trips == 0


@pytest.mark.usefixtures("library")
async def test_a_view_has_no_loads(session: AsyncSession) -> None:
    message = (
        r"^this AsyncAuthorRepository loads relationships, and a view has columns only: call as_\(\) on the "
        r"AsyncAuthorRepository that loading\(\) was called on$"
    )
    with pytest.raises(UsageError, match=message):
        authors(session).loading(Author.books).as_(AuthorCreate)


async def test_loading_needs_a_scope_at_once(session: AsyncSession) -> None:
    with pytest.raises(OwnerRequiredError, match="call owned_by"):
        AsyncAuthorRepository(session).loading(Author.books)


async def test_a_model_without_an_owner_does_not_load_one_that_has_owners(session: AsyncSession) -> None:
    message = (
        "^Prize has no owner, and the statement reads author, which has owners: read author with its own repository$"
    )
    with pytest.raises(OwnerRequiredError, match=message):
        AsyncPrizeRepository(session).loading(Prize.author)


@pytest.mark.usefixtures("library")
async def test_loading_shows_no_row_of_another_owner(session: AsyncSession, clean: Engine) -> None:
    put(
        clean,
        tag=[
            {"id": 1, "owner_id": "a", "name": "own"},
            {"id": 2, "owner_id": "b", "name": "secret"},
            {"id": 3, "owner_id": "a", "name": "tagged by another"},
        ],
        tagging=[
            {"owner_id": "a", "book_id": 1, "tag_id": 1, "rank": 0},
            {"owner_id": "a", "book_id": 1, "tag_id": 2, "rank": 0},
            {"owner_id": "b", "book_id": 1, "tag_id": 3, "rank": 0},
        ],
    )
    one = await books(session).loading(Book.author, Book.prequel, Book.sequels, Book.tags).get_one(1)
    across = await books(session).loading(Book.author, Book.prequel).get_one(5)
    assert [book.id for book in one.sequels] == [2, 6]
    assert [tag.id for tag in one.tags] == [1]
    assert across.author is None
    assert vars(across)["prequel"] is None
    everything = AsyncBookRepository(session).every_owner().loading(Book.author, Book.prequel, Book.sequels, Book.tags)
    assert [book.id for book in (await everything.get_one(1)).sequels] == [2, 4, 6]
    assert {tag.id for tag in (await everything.get_one(1)).tags} == {1, 2, 3}
    assert (await everything.get_one(5)).author is not None


@pytest.mark.usefixtures("library")
async def test_loading_many_to_many_follows_the_order_of_the_secondary_table(
    session: AsyncSession, clean: Engine
) -> None:
    put(
        clean,
        tag=[{"id": id, "owner_id": "a", "name": "x"} for id in (1, 2, 3)],
        tagging=[
            {"owner_id": "a", "book_id": book, "tag_id": tag, "rank": rank}
            for book, tag, rank in ((1, 1, 9), (1, 2, 5), (1, 3, 5), (2, 3, 1), (1, 3, 7))
        ],
    )
    found = await books(session).loading((Book.tags, Tag.books)).list(limit=2)
    assert [[tag.id for tag in one.tags] for one in found] == [[2, 3, 1], [3]]
    assert found[0].tags[1] is found[1].tags[0]
    assert [book.id for book in found[1].tags[0].books] == [1, 2]
    assert found[1].tags[0].books[0] is found[0]


@pytest.mark.usefixtures("library")
async def test_loading_passes_a_key_of_several_columns(session: AsyncSession, clean: Engine) -> None:
    put(
        clean,
        edition=[{"book_id": id, "language": language} for id in (1, 2, 4) for language in ("de", "en")],
        printing=[
            {"id": 1, "book_id": 1, "language": "en"},
            {"id": 2, "book_id": 2, "language": "de"},
            {"id": 3, "book_id": 1, "language": "en"},
            {"id": 4, "book_id": 4, "language": "en"},
        ],
    )
    path = (Book.editions, Edition.printings, Printing.edition)
    found = await books(session).loading(path).list(limit=2)
    printed = {
        (edition.book_id, edition.language): [one.id for one in edition.printings]
        for book in found
        for edition in book.editions
    }
    assert printed == {(1, "de"): [], (1, "en"): [1, 3], (2, "de"): [2], (2, "en"): []}
    assert all(one.edition is edition for book in found for edition in book.editions for one in edition.printings)


@pytest.mark.usefixtures("library")
async def test_a_relationship_to_one_that_finds_more_is_an_error(session: AsyncSession, clean: Engine) -> None:
    put(clean, prize=[{"id": 1, "author_id": 1}])
    repository = authors(session).loading(Author.prize)
    assert [one.prize for one in await repository.list()] == [Prize(id=1, author_id=1), None]
    put(clean, prize=[{"id": 2, "author_id": 1}])
    message = "^Author.prize leads to more than one row: declare it as a list, or narrow its primaryjoin$"
    with pytest.raises(MultipleFoundError, match=message):
        await repository.list()


@pytest.mark.usefixtures("library")
async def test_a_row_is_one_instance_within_a_call(session: AsyncSession) -> None:
    found = await books(session).loading(Book.prequel, Book.sequels, (Book.author, Author.books)).list()
    by_id = {one.id: one for one in found}
    assert by_id[2].prequel is by_id[6].prequel is by_id[1]
    assert by_id[1].sequels[0] is by_id[2]
    author = by_id[1].author
    assert author is not None
    assert all(book is by_id[book.id] for book in author.books)
    with pytest.raises(UsageError, match=r"^Author\.prize was not loaded with this Author: read it with loading"):
        _ = author.prize


@pytest.mark.usefixtures("library")
@each_read
async def test_loaded_entities_are_values(database: AsyncDatabase, session: AsyncSession, call: Call) -> None:
    author = await call(authors(session).loading((Author.books, Book.author), (Author.books, Book.prequel)))
    await session.close()
    again = pickle.loads(pickle.dumps(author))  # noqa: S301 - our own bytes
    assert [one.id for one in again.books] == [2, 1, 6]
    assert again.books[0].author is again
    assert all(inspect(one).detached for one in (author, *author.books))
    async with database.transaction() as transaction:
        transaction.add(author)
        author.books[0].title = "changed"
        author.books.append(Book(id=100, owner_id="a", title="new"))
        assert await transaction.get(Book, 1) is author.books[1]
    async with database.session() as fresh:
        titles = [one.title for one in (await authors(fresh).loading(Author.books).get_one(1)).books]
    assert titles == ["x", "x", "new", "changed"]
    async with database.transaction() as transaction:
        assert [one.title for one in (await transaction.merge(again)).books] == ["y", "x", "x"]


@pytest.mark.usefixtures("library")
async def test_loaded_entities_are_copied_with_what_was_loaded(session: AsyncSession) -> None:
    author = await authors(session).loading(Author.books).get_one(1)
    again = copy.deepcopy(author)
    assert [one.id for one in again.books] == [2, 1, 6]
    assert again.books[0] is not author.books[0]


@pytest.mark.usefixtures("library")
async def test_the_load_event_is_fired_once_for_each_row(session: AsyncSession) -> None:
    seen: list[Any] = []

    def loaded(target: Book, _context: object) -> None:
        seen.append(target.id)

    event.listen(Book, "load", loaded)
    try:
        await books(session).loading(Book.prequel, (Book.author, Author.books)).list()
    finally:
        event.remove(Book, "load", loaded)
    assert sorted(seen) == [1, 2, 3, 5, 6]


@pytest.mark.usefixtures("library")
async def test_a_subclasss_own_calls_load(session: AsyncSession) -> None:
    class Library(AsyncAuthorRepository):
        async def named(self, name: str) -> Author:
            return await self.one(col(Author.name) == name)

        async def names(self) -> list[str]:
            return [row[0] for row in await self._all(self._select(col(Author.name)))]

    library = Library(session).owned_by("a").loading(Author.books)
    assert [one.id for one in (await library.named("Ada")).books] == [2, 1, 6]
    assert await library.names() == ["Ada", "Bea"]


@pytest.mark.usefixtures("library")
async def test_a_connection_that_dies_before_the_load_leaves_nothing_done(
    session: AsyncSession, proxy: WireProxy
) -> None:
    repository = authors(session).loading(Author.books)
    cut = Fault("before_statement", Cut(), lambda statement: "JOIN" in statement.sql)
    with proxy.fault(cut), pytest.raises(ConnectionLostError) as raised:
        await repository.list()
    assert (raised.value.outcome, raised.value.retryable) == ("not_applied", True)
    assert len((await repository.get_one(1)).books) == 3


ids = st.none() | st.integers(1, 9)
graphs = st.fixed_dictionaries(
    {
        "author": st.lists(st.sampled_from("ab"), min_size=1, max_size=4),
        "book": st.lists(st.tuples(st.sampled_from("ab"), ids, ids, st.sampled_from("xyz")), max_size=8),
    }
)


@given(graph=graphs, owner=st.sampled_from(["a", "b", None]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_loading_gives_what_plain_python_gives(
    database: AsyncDatabase, clean: Engine, graph: dict[str, Any], owner: str | None
) -> None:
    author_rows = {id: {"id": id, "owner_id": who, "name": "n"} for id, who in enumerate(graph["author"], 1)}
    book_rows = {
        id: {
            "id": id,
            "owner_id": who,
            "author_id": author if author in author_rows else None,
            "prequel_id": prequel if prequel is not None and prequel < id else None,
            "title": title,
        }
        for id, (who, author, prequel, title) in enumerate(graph["book"], 1)
    }
    with clean.begin() as connection:
        for table in reversed(SQLModel.metadata.sorted_tables):
            connection.execute(delete(table))
    put(clean, author=[*author_rows.values()], book=[*book_rows.values()])

    def own(rows: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
        return {id: row for id, row in rows.items() if owner in (None, row["owner_id"])}

    of_author, of_book = own(author_rows), own(book_rows)

    def related(book: dict[str, Any]) -> tuple[int, int | None, list[int], list[int] | None]:
        author = of_author.get(book["author_id"])
        by_title = sorted(of_book.values(), key=lambda one: (-ord(one["title"]), one["id"]))
        return (
            book["id"],
            book["prequel_id"] if book["prequel_id"] in of_book else None,
            [id for id, one in of_book.items() if one["prequel_id"] == book["id"]],
            [one["id"] for one in by_title if one["author_id"] == author["id"]] if author else None,
        )

    async with database.session() as session:
        repository = AsyncBookRepository(session)
        scoped = repository.every_owner() if owner is None else repository.owned_by(owner)
        found: list[Any] = [*await scoped.loading(Book.prequel, Book.sequels, (Book.author, Author.books)).list()]
    assert [
        (
            one.id,
            one.prequel and one.prequel.id,
            [sequel.id for sequel in one.sequels],
            one.author and [book.id for book in one.author.books],
        )
        for one in found
    ] == [related(book) for book in of_book.values()]
