# Generated from backend/repository/subclassing/_async.py by `python -m tools.generate_sync`: edit that one.
"""What a subclass writes its own calls with: statements that are in scope already, run as every call is."""

from collections.abc import Sequence
from typing import Generic, cast, overload

from sqlalchemy import Executable, Row, Select, SQLColumnExpression
from sqlmodel import Session
from typing_extensions import TypeVar, TypeVarTuple

from backend.database.bridge import on_session
from backend.errors import Facts, MultipleFoundError, OwnerRequiredError
from backend.repository.definition import Definition, looked
from backend.repository.execution import Call, Parameters, Rows, run
from backend.statements.entity import IdT, ModelT
from backend.statements.parameters import ID_PARAMETER
from backend.statements.statements import Change, Statements

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
Ts = TypeVarTuple("Ts")


class Scoped(Generic[ModelT, IdT]):
    """One model's rows on a session: one owner's, or all. Every call runs through `_run` or `_entities`.

    A model with an owner has no statements until `owned_by` or `every_owner` says which rows are meant.
    """

    def __init__(self, session: Session, definition: Definition[ModelT]) -> None:
        self._session = session
        self._definition = definition
        self._scoped_statements: Statements[ModelT] | None = definition.unowned
        self._scope: Parameters = {}

    @property
    def session(self) -> Session:
        """Return the session that the calls run on."""
        return self._session

    @property
    def _statements(self) -> Statements[ModelT]:
        """Return the statements of the scope. Raises `OwnerRequiredError` if an owned model has none yet."""
        if self._scoped_statements is None:
            raise OwnerRequiredError(
                f"{type(self).__name__} does not say whose rows are meant: call owned_by(owner) for one owner, "
                "or every_owner() for administration, and use the repository that it returns",
                Facts(self._definition.entity.name),
            )
        return self._scoped_statements

    @overload
    def _select(self, first: SQLColumnExpression[T1], /) -> Select[T1]: ...
    @overload
    def _select(self, first: SQLColumnExpression[T1], second: SQLColumnExpression[T2], /) -> Select[T1, T2]: ...
    @overload
    def _select(
        self,
        first: SQLColumnExpression[T1],
        second: SQLColumnExpression[T2],
        third: SQLColumnExpression[T3],
        /,
    ) -> Select[T1, T2, T3]: ...
    @overload
    def _select(
        self,
        first: SQLColumnExpression[T1],
        second: SQLColumnExpression[T2],
        third: SQLColumnExpression[T3],
        fourth: SQLColumnExpression[T4],
        /,
    ) -> Select[T1, T2, T3, T4]: ...
    def _select(self, *columns: SQLColumnExpression[object]) -> object:
        """A SELECT of these expressions over the rows in scope, to be refined: `.where`, `.group_by`, `.order_by`, …

        Sends nothing. More than four expressions are added to it, `.add_columns(…)`.
        """
        return self._statements.select(columns)

    def _all(self, statement: Select[*Ts], parameters: Parameters = {}) -> Sequence[Row[*Ts]]:  # noqa: B006 - never changed
        """The rows of a statement made by `_select`, with the parameters that it names. One round trip.

        All of them unless the statement has a limit. In a scope, every owned table that the statement reads is held to
        the owner. Raises `OwnerRequiredError` for a statement that was not made by `_select`, `UsageError` for one that
        cannot be held to the owner: SQL in a string, an outer join or a subquery that lets other owners' rows in, …
        """
        found = self._run(self._statements.held(statement, parameters), parameters, "select")
        return cast("Sequence[Row[*Ts]]", found)  # as selected

    def _one_or_none(
        self,
        statement: Select[*Ts],
        parameters: Parameters = {},  # noqa: B006 - never changed
    ) -> Row[*Ts] | None:
        """The row of a statement made by `_select`, or `None`: all rows are fetched, so limit what may find many.

        Raises `MultipleFoundError` for more than one row, and as `_all`.
        """
        found = self._all(statement, parameters)
        self._refuse_more_than_one(found, "select")
        return found[0] if found else None

    def _scalar(self, statement: Select[T], parameters: Parameters = {}) -> T | None:  # noqa: B006 - never changed
        """The first column of the row of a statement made by `_select`, or `None` if there is no row.

        Raises as `_one_or_none`.
        """
        row = self._one_or_none(statement, parameters)
        return None if row is None else row[0]

    def _change(self, id: IdT, change: Change, parameters: Parameters = {}) -> ModelT:  # noqa: B006 - never changed
        """The row after a `Change`, declared once as a constant, with the parameters that it names.

        One UPDATE, one round trip; it moves the version as `update` does, and no schema validates what it writes.
        Raises `NotFoundError` if no row in scope has this id and meets the change's conditions; a
        `ConstraintViolationError`, also where a trigger skips the row of a change without conditions; and `UsageError`,
        before anything is sent, for a change that sets primary key, owner or version, for one that cannot be held to
        the owner, for a value that does not fit its column, and for a parameter that it does not name.
        """
        statement = self._statements.change(change, parameters)
        definition = self._definition
        if not definition.can_hold(id):
            raise definition.not_found(id, "change", met=not change.where)
        found = self._run(statement, {**parameters, ID_PARAMETER: id}, "change")
        if found:
            return definition.build(found[0])
        if not change.where and self._look(id, "change", statement):
            raise definition.suppressed("change")
        raise definition.not_found(id, "change", met=not change.where)

    def _look(self, id: IdT, operation: str, written: Executable) -> Rows:
        """The row that a statement did not write, where that statement was sent."""
        return self._run(self._statements.one, {ID_PARAMETER: id}, looked(operation), written)

    def _run(
        self, statement: Executable, parameters: Parameters, operation: str, routed_as: Executable | None = None
    ) -> Rows:
        definition = self._definition
        self._statements.require_owner(statement)
        mapper, work = definition.entity.mapper, definition.work[operation]
        call = Call(mapper, statement, {**parameters, **self._scope}, work, routed_as)
        return on_session(self._session, run, call)

    def _refuse_more_than_one(self, found: Sequence[object], operation: str) -> None:
        if len(found) > 1:
            name = self._definition.entity.name
            raise MultipleFoundError(f"more than one {name} meets the conditions", Facts(name, operation))
