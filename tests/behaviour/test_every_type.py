"""A value of any column type comes back equal, or is refused before SQL: on servers of several time zones."""

import inspect
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import SADeprecationWarning
from sqlmodel import col

from backend import LAST_PAGE, AsyncCRUDRepository, AsyncDatabase, CRUDRepository, Database, init_db
from backend.errors import ConnectError, DefinitionError, InvalidDataError, InvalidStatementError
from tests.support.column_loop import ALL_TYPES, Tables, Tried, is_equal, page_row, page_rows, repository_of
from tests.support.edge_values import values_for
from tests.support.extensions import create_extensions_or_skip

PAGE = Path(__file__).parents[2] / "docs" / "types.md"
UNSORTED = {"JSON", "ARRAY(JSON)"}
"""Types that PostgreSQL has no order for."""

NOWHERE = "postgresql://nobody@127.0.0.1:1/nowhere?connect_timeout=2"


class Loop:
    """Every type, written and read in a session of one time zone."""

    def __init__(self, url: str, zone: str, *, is_async: bool) -> None:
        parsed = make_url(url)
        options = f"{parsed.query['options']},public -cTimeZone={zone}"
        self.url = parsed.update_query_dict({"options": options}).render_as_string(hide_password=False)
        self.is_async = is_async
        self.tables = Tables()
        self.found: dict[str, Tried] = {}
        self.undefined: dict[str, str] = {}
        self.faults: list[str] = []
        self.unsorted: set[str] = set()

    def define(self) -> dict[str, type[Any]]:
        """The repositories of the types that can be, by name."""
        made: dict[str, type[Any]] = {}
        for number, (name, make) in enumerate(ALL_TYPES.items()):
            tried = self.tables.tried(number, name, make())
            try:
                made[name] = repository_of(tried, AsyncCRUDRepository if self.is_async else CRUDRepository)
                self.found[name] = tried
            except DefinitionError as error:
                self.undefined[name] = str(error)
                self.tables.metadata.remove(self.tables.metadata.tables[f"column_{number}"])
        return made

    async def run(self) -> None:
        made = self.define()
        create_extensions_or_skip(self.url, "citext", "hstore")
        with Database(self.url) as database:
            init_db(database, self.tables.metadata)
        if self.is_async:
            async with (
                AsyncDatabase(self.url) as reached,
                AsyncDatabase(NOWHERE) as nowhere,
                reached.session() as session,
                nowhere.session() as unreachable,
            ):
                await self.try_types(made, session, unreachable)
        else:
            with Database(self.url) as here, Database(NOWHERE) as no, here.session() as rows, no.session() as never:
                await self.try_types(made, rows, never)

    async def try_types(self, made: dict[str, type[Any]], session: Any, unreachable: Any) -> None:
        for name, repository in made.items():
            await self.try_type(self.found[name], repository(session), repository(unreachable))

    async def try_type(self, tried: Tried, rows: Any, unreachable: Any) -> None:
        spare = (await _answer(rows.create(tried.data.model_construct(value=None)))).id
        is_spare = col(getattr(tried.model, "id")) == spare  # noqa: B009 - a model of any type
        for value in values_for(tried.name):
            if tried.is_known_to_refuse(value):
                continue
            data = tried.data.model_construct(value=value)
            try:
                created = await _answer(rows.create(data))
                changed = await _answer(rows.update(spare, data))
            except InvalidDataError as error:
                reason = error.problems[0].message if error.problems else "the server's"
                tried.refuse(value, reason)
                if tried.reasons[type(value), reason] == 1:
                    await self.expect_refused_before_sql(tried, unreachable, data)
                continue
            tried.kept.append((created.id, value, created.value))
            read = await _answer(rows.get(created.id))
            [written] = await _answer(rows.update_where_returning(data, is_spare))
            self.compare(tried, value, created.value, changed.value, read.value, written.value)
        nothing = tried.data.model_construct({"value"}, value=None)
        [emptied] = await _answer(rows.update_where_returning(nothing, is_spare))
        self.compare(tried, None, emptied.value)
        listed = {row.id: row.value for row in await _answer(rows.list())}
        for key, value, _ in tried.kept:
            self.compare(tried, value, listed[key])
        await self.walk(tried, rows)
        await self.create_many(tried, rows)
        await self.upsert(tried, rows)

    async def create_many(self, tried: Tried, rows: Any) -> None:
        """Insert the values and a NULL in one statement, in another order than before."""
        values = [*reversed([value for _, value, _ in tried.kept]), None]
        created = await _answer(rows.create_many(tried.data.model_construct(value=value) for value in values))
        read = await _answer(rows.require_many([row.id for row in created]))
        for value, row, again in zip(values, created, read, strict=True):
            self.compare(tried, value, row.value, again.value)
        await self.update_many(tried, rows, created, [*values[2:], *values[:2]])

    async def upsert(self, tried: Tried, rows: Any) -> None:
        """Insert each value by a key, and change the row of the key to the next value: alone, and many at once."""
        on = col(getattr(tried.model, "code"))  # noqa: B009 - a model of any type
        values = [value for _, value, _ in tried.kept]
        for shift in (0, 1):
            shifted = [*values[shift:], *values[:shift], None]
            data = [tried.data.model_construct(value=value, code=code) for code, value in enumerate(shifted)]
            many = await _answer(rows.upsert_many(data, on=on))
            for value, one in zip(shifted, many, strict=True):
                self.compare(tried, value, one.row.value)
        for code, value in enumerate(values):
            one = await _answer(rows.upsert(tried.data.model_construct(value=value, code=code), on=on))
            self.compare(tried, value, one.row.value)

    async def update_many(self, tried: Tried, rows: Any, created: Sequence[Any], values: Sequence[Any]) -> None:
        """Change all rows but the last to these values in one statement; the last keeps what it has."""
        kept = created[-1].value
        data = [
            *(tried.data.model_construct({"value"}, value=value) for value in values[:-1]),
            tried.data.model_construct(),
        ]
        patches = [(row.id, one) for row, one in zip(created, data, strict=True)]
        changed = await _answer(rows.update_many(reversed(patches)))
        read = await _answer(rows.require_many([row.id for row in created]))
        for value, row, again in zip([*values[:-1], kept], reversed(changed), read, strict=True):
            self.compare(tried, value, row.value, again.value)

    async def walk(self, tried: Tried, rows: Any) -> None:
        """Read the table sorted by the value in pages, from both ends: each cursor carries a value as text."""
        value = col(getattr(tried.model, "value"))  # noqa: B009 - a model of any type
        with warnings.catch_warnings(
            action="ignore", category=SADeprecationWarning
        ):  # of `desc`, for HSTORE and DOMAIN
            descending = value.desc()
        for order in ([value], [descending]):
            try:
                whole = [row.id for row in await _answer(rows.list(order_by=order))]
            except InvalidStatementError:
                self.unsorted.add(tried.name)
                return
            for start in (None, LAST_PAGE):
                page = await _answer(rows.cursor_page(order_by=order, size=5, cursor=start))
                read = [row.id for row in page]
                while cursor := page.next if start is None else page.previous:
                    page = await _answer(rows.cursor_page(order_by=order, size=5, cursor=cursor))
                    found = [row.id for row in page]
                    read = read + found if start is None else found + read
                if read != whole:
                    self.faults.append(f"{tried.name}: pages by {order[0]} are {read}, the list is {whole}")

    async def expect_refused_before_sql(self, tried: Tried, unreachable: Any, data: Any) -> None:
        try:
            await _answer(unreachable.create(data))
        except ConnectError:
            self.faults.append(f"{tried.name}: {tried.refused[-1]!r} was sent")
        except InvalidDataError:
            pass
        try:
            await _answer(unreachable.update(1, data))
        except ConnectError:
            self.faults.append(f"{tried.name}: {tried.refused[-1]!r} was sent")
        except InvalidDataError:
            pass

    def page_row(self, name: str) -> str:
        """What the page about the types says of this one."""
        if name in self.undefined:
            return f"| `{name}` | nothing | | the class: {self.undefined[name].partition(': ')[2]} |"
        return page_row(self.found[name], self.found.get(name.removeprefix("ARRAY(").removesuffix(")")))

    def compare(self, tried: Tried, value: Any, *read: Any) -> None:
        for one in read:
            if not is_equal(value, one):
                self.faults.append(f"{tried.name}: {value!r} came back as {one!r}")


async def _answer(call: Any) -> Any:
    """What a call of either kind of repository returns."""
    return await call if inspect.isawaitable(call) else call


@pytest.mark.parametrize(
    ("zone", "is_async"),
    [("UTC", False), ("Pacific/Kiritimati", False), ("Pacific/Midway", False), ("Pacific/Kiritimati", True)],
)
async def test_a_value_of_any_type_comes_back_equal_or_is_refused_before_sql(
    own_tables: str, zone: str, *, is_async: bool
) -> None:
    loop = Loop(own_tables, zone, is_async=is_async)
    await loop.run()
    assert loop.faults == []
    assert loop.unsorted == UNSORTED
    if zone != "UTC":  # which the driver shows as Python's UTC
        assert page_rows(PAGE.read_text()) == [loop.page_row(name) for name in ALL_TYPES]
