"""The statements on the rows that meet conditions: a list of them, their number, and whether one exists."""

from collections.abc import Sequence
from typing import Final, Generic

from sqlalchemy import Select, exists, func, select

from backend.entity.entity import ModelT
from backend.entity.lazy import lazy
from backend.errors import UsageError, described, shown
from backend.statements.conditions import Where
from backend.statements.family import StatementFamily
from backend.statements.locks import Lock, locking
from backend.statements.ordering import Order
from backend.statements.scope.scoped import ScopedStatement

MAX_PAGE_SIZE: Final = 1000
"""The largest page: some megabytes of entities, which a call holds at once. `stream()` reads more."""

_COUNTABLE: Final = range(1 << 63)
"""The values of LIMIT and OFFSET: a bigint of PostgreSQL, not negative."""


class ListStatements(StatementFamily[ModelT], Generic[ModelT]):
    """Statements that read the rows that meet conditions."""

    def list(
        self,
        where: Sequence[Where],
        order_by: Order,
        limit: int | None,
        offset: int,
        lock: Lock | None = None,
    ) -> ScopedStatement:
        """Return the SELECT of the rows that meet the conditions, in a total order."""
        statement = self._all_ordered if isinstance(order_by, tuple) and not order_by else self._ordered(order_by)
        if limit is not None:
            statement = statement.limit(_not_negative("limit", limit))
        if type(offset) is not int or offset:
            statement = statement.offset(_not_negative("offset", offset))
        if lock is not None:
            statement = locking(statement, lock)
        return self._filtered(lambda met: statement.where(*met) if met else statement, where)

    def count(self, where: Sequence[Where]) -> ScopedStatement:
        """Return SELECT count(*) of the rows that meet the conditions."""
        return self._filtered(lambda met: self._count.where(*met) if met else self._count, where)

    def exists(self, where: Sequence[Where]) -> ScopedStatement:
        """Return SELECT EXISTS of a row that meets the conditions."""
        return self._filtered(lambda met: select(exists(self._select_ids.where(*met))) if met else self._exists, where)

    @lazy
    def _all_ordered(self) -> Select[*tuple[object, ...]]:
        return self._ordered(())

    @lazy
    def _count(self) -> Select[int]:
        return self._verified(select(func.count()).select_from(self.entity.table).where(*self._owner_conditions))

    @lazy
    def _select_ids(self) -> Select[*tuple[object, ...]]:
        return self._verified(select(*self.entity.identity.columns).where(*self._owner_conditions))

    @lazy
    def _exists(self) -> Select[bool]:
        return select(exists(self._select_ids))

    def _ordered(self, order_by: Order) -> Select[*tuple[object, ...]]:
        return self._rows.order_by(*self._order(order_by), *self.entity.identity.columns)


def require_page_size(size: object) -> None:
    """Raise `UsageError` for a size that no page has."""
    require_size("page size", size, MAX_PAGE_SIZE, "use stream() for more")


def require_size(what: str, size: object, most: int, remedy: str) -> None:
    """Raise `UsageError` unless the size is a whole number from 1 to `most`."""
    if type(size) is int and size > most:
        raise UsageError(f"{what} is {shown(size)}, at most {most}: {remedy}")
    if type(size) is not int or size < 1:
        raise UsageError(f"{what} is {given(size)}, expected a whole number from 1 to {most}")


def given(value: object) -> str:
    """Return the value as a message shows it: a text may be a client's, so only its class."""
    return described(value) if isinstance(value, str) else shown(value)


def _not_negative(name: str, value: object) -> int:
    if type(value) is not int or value not in _COUNTABLE:
        raise UsageError(f"{name} is {given(value)}, expected a whole number from 0 to {_COUNTABLE[-1]}")
    return value
