"""The statements on the rows that meet conditions: a list of them, their number, and whether one exists."""

from collections.abc import Sequence
from typing import Final, Generic

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, exists, func, select

from backend.entity.entity import ModelT
from backend.entity.lazy import lazy
from backend.entity.parameters import LIMIT_PARAMETER, OFFSET_PARAMETER
from backend.errors import UsageError, described, shown
from backend.statements.conditions import Where
from backend.statements.family import StatementFamily
from backend.statements.locks import Lock, locking
from backend.statements.ordering import Order
from backend.statements.scope.from_clauses import AnySelect
from backend.statements.scope.scoped import ScopedStatement

MAX_PAGE_SIZE: Final = 1000
"""The largest page: some megabytes of entities, which a call holds at once. `stream()` reads more."""

LIMIT: Final = bindparam(LIMIT_PARAMETER, type_=BigInteger())
OFFSET: Final = bindparam(OFFSET_PARAMETER, type_=BigInteger())

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
        if limit is not None:
            _require_not_negative("limit", limit)
        if type(offset) is not int or offset:
            _require_not_negative("offset", offset)
        shape = (limit is not None, bool(offset), lock)

        def build(met: Sequence[ColumnElement[bool]], order: Sequence[ColumnElement[object]]) -> AnySelect:
            return _limited(self._rows.where(*met).order_by(*order, *self.entity.identity.columns), *shape)

        return self._filtered(("list", *shape), build, where, order_by)

    def list_parameters(self, limit: int | None, offset: int) -> dict[str, object]:
        """Return the parameters of `list`."""
        parameters: dict[str, object] = {} if limit is None else {LIMIT_PARAMETER: limit}
        return parameters | {OFFSET_PARAMETER: offset} if offset else parameters

    def count(self, where: Sequence[Where]) -> ScopedStatement:
        """Return SELECT count(*) of the rows that meet the conditions."""
        return self._filtered(("count",), lambda met, _: self._count.where(*met), where)

    def exists(self, where: Sequence[Where]) -> ScopedStatement:
        """Return SELECT EXISTS of a row that meets the conditions."""
        return self._filtered(("exists",), lambda met, _: select(exists(self._select_ids.where(*met))), where)

    @lazy
    def _count(self) -> Select[int]:
        return self._verified(select(func.count()).select_from(self.entity.table).where(*self._owner_conditions))

    @lazy
    def _select_ids(self) -> Select[*tuple[object, ...]]:
        return self._verified(select(*self.entity.identity.columns).where(*self._owner_conditions))


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


def _require_not_negative(name: str, value: object) -> None:
    if type(value) is not int or value not in _COUNTABLE:
        raise UsageError(f"{name} is {given(value)}, expected a whole number from 0 to {_COUNTABLE[-1]}")


def _limited(statement: AnySelect, has_limit: bool, has_offset: bool, lock: Lock | None) -> AnySelect:
    if has_limit:
        statement = statement.limit(LIMIT)
    if has_offset:
        statement = statement.offset(OFFSET)
    return statement if lock is None else locking(statement, lock)
