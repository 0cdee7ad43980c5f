"""The repository: every call and its contract. The statements are built in `backend.statements`, run in `execution`."""

from collections.abc import Sequence
from copy import copy
from datetime import datetime
from typing import ClassVar, Generic, Self, cast

from sqlalchemy import Executable
from sqlalchemy.orm import Mapped
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import override

from backend.database.sessions import check_session
from backend.errors import Facts, NotFoundError, OwnerRequiredError, UsageError, described
from backend.repository.definition import Definition, definition_of, locked, looked, merged, required_definition
from backend.repository.execution import Parameters, Rows
from backend.repository.subclassing._async import AsyncScoped
from backend.statements.conditions import Condition, Order
from backend.statements.definition import Keywords
from backend.statements.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.statements.locks import Lock
from backend.statements.parameters import EXPECTED_PARAMETER, ID_PARAMETER, OWNER_PARAMETER
from backend.statements.rows import ModelRow


class AsyncCRUDRepository(AsyncScoped[ModelT, IdT], Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]):
    """Persistence of one model: subclass it with the model, its create schema and its update schema.

        class TaskRepository(
            AsyncCRUDRepository[Task, TaskCreate, TaskUpdate], owner=col(Task.user_id), version=col(Task.updated_at)
        ): ...

    A fourth type argument is the id's type (`int`), a fifth the owner's (`str`). Keywords: `owner`, the column that
    says whose a row is; `version`, the column that tells a changed row (timestamptz or integer); `shared_keys`,
    columns of keys that a client may choose and that compare across owners. Raises `DefinitionError`, when the class is
    defined, if it could not keep its promises.

    **Shared keys** reveal, of a unique key, that a value is taken (`UniqueViolationError`); of a foreign key, that a
    row with this id exists, and that one of yours is referred to (`ForeignKeyViolationError`). They do not reveal whose
    it is, for the errors are equal for an owner's own rows and for another's; and nothing else.

    **Transactions.** A call joins the transaction that the session is in, and the caller commits. With none open a
    call is its own transaction, durable when it returns, in one round trip. **Entities** are values: detached, fully
    loaded, the same after commit and close; assigning to one writes nothing. **Owner.** `owned_by(owner)` binds the
    owner into every statement; a foreign row and an absent one cannot be told apart. `every_owner()` reads and changes
    the rows of all owners, and creates none. Without one of them a repository of an owned model refuses every call:
    `OwnerRequiredError`, and nothing is sent. **Validation.** What is written has passed the schema, the model's own
    rules and the column, however the data was made; so validators run more than once, and must be idempotent.

    Every call can raise `ConnectError`, `PoolTimeoutError`, `ConnectionLostError` and `SchemaMismatchError`; a write
    outside a transaction also `OutcomeUnknownError`, where the connection broke before the answer came, and
    `DeadlockError`, where it waited in line for a row of transactions that wait for each other.
    """

    _keywords: ClassVar[Keywords] = Keywords()
    _class_definition: ClassVar[Definition[SQLModel] | None] = None

    @override
    def __init_subclass__(
        cls,
        *,
        owner: Mapped[object] | None = None,
        version: Mapped[object] | None = None,
        shared_keys: tuple[Mapped[object], ...] = (),
    ) -> None:
        super().__init_subclass__()
        cls._keywords = merged(cls._keywords, owner, version, shared_keys)
        cls._class_definition = definition_of(cls, AsyncCRUDRepository, cls._keywords)

    def __init__(self, session: AsyncSession) -> None:
        check_session(type(self).__name__, session, AsyncSession)
        super().__init__(session, self._definition_of_class())

    @override
    def __repr__(self) -> str:
        scope = ""
        if self._definition.entity.owner is not None:
            scope = ", one owner" if self._scope else ", every owner" if self._scoped_statements else ", no scope yet"
        return f"<{type(self).__name__} of {self._definition.entity.name}{scope}>"

    def owned_by(self, owner: OwnerT) -> Self:
        """Return this repository for the rows of one owner. `""` is an owner like any other.

        Raises `UsageError` for `None`, if the repository has a scope already, and if the model has no owner.
        """
        self._definition.check_owner(owner)
        scoped = self._without_scope("owned_by")
        scoped._scoped_statements = self._definition.scoped
        scoped._scope = {OWNER_PARAMETER: owner}
        return scoped

    def every_owner(self) -> Self:
        """Return this repository for the rows of every owner: for administration. It creates no rows.

        Raises `UsageError` if the repository has a scope already, and if the model has no owner.
        """
        self._definition.require_owned()
        unscoped = self._without_scope("every_owner")
        unscoped._scoped_statements = self._definition.unscoped
        return unscoped

    async def create(self, data: CreateT) -> ModelT:
        """The new row: every field of `data` that has a value, the owner, and what the database adds.

        Raises `InvalidDataError` if `data` does not pass its schema, a `ConstraintViolationError` if the table refuses
        the row, `OwnerRequiredError` if the model has an owner and the repository none.
        """
        definition = self._definition
        statement = self._statements.insert
        if definition.entity.owner is not None and not self._scope:
            raise OwnerRequiredError(
                f"a new {definition.entity.name} needs an owner, every_owner() has none to give it: "
                f"use {type(self).__name__}(session).owned_by(owner)",
                Facts(definition.entity.name, "create"),
            )
        values = definition.created.everything(data, self._scope.get(OWNER_PARAMETER))
        found = await self._run(statement, values, "create")
        if not found:
            raise definition.suppressed("create")
        return definition.build(found[0])

    async def get(self, id: IdT, *, lock: Lock | None = None) -> ModelT | None:
        """The row with this id, or `None`; always asks the database. An id that the column cannot hold is absent.

        With `lock` the row stays locked until the transaction ends; without a transaction that is a `UsageError`.
        Raises `LockNotAvailableError` for a lock that does not wait, or waits longer than the server's lock_timeout.
        """
        found = await self._rows_of(id, "get", lock)
        return self._definition.build(found[0]) if found else None

    async def get_one(self, id: IdT, *, lock: Lock | None = None) -> ModelT:
        """The row with this id, with `lock` as `get`. Raises `NotFoundError`."""
        found = await self._rows_of(id, "get_one", lock)
        if not found:
            raise self._definition.not_found(id, "get_one")
        return self._definition.build(found[0])

    async def update(self, id: IdT, data: UpdateT, *, expected: datetime | int | None = None) -> ModelT:
        """The row after exactly the fields that were set in `data` were written, `None` included.

        With `expected`, only if the row's version is still that one. Nothing set: nothing is written, and the row is
        returned. One round trip; one more where no row was written, to tell absent, stale and skipped apart.

        Raises `NotFoundError`, `StaleError`, `InvalidDataError`, a `ConstraintViolationError`, as where a trigger skips
        the row; `UsageError` for an `expected` of another type than the version's, such as a time without a zone.
        """
        statements = self._statements
        values = self._definition.changed.set_fields(data)
        if not values:
            return await self._unchanged(id, expected)
        statement = statements.update if expected is None else statements.update_expected
        return self._definition.build(await self._changed_row(id, "update", statement, values, expected))

    async def delete(self, id: IdT, *, expected: datetime | int | None = None) -> ModelT:
        """The row as it was, transient: no session takes it for stored. With `expected` as `update`.

        Raises `NotFoundError`, `StaleError`, `ForeignKeyViolationError` if another row refers to it,
        `ConstraintViolationError` if a trigger skips the row.
        """
        statement = self._statements.delete if expected is None else self._statements.delete_expected
        return self._definition.build_transient(await self._changed_row(id, "delete", statement, {}, expected))

    async def list(
        self, *where: Condition, order_by: Order = (), limit: int | None = None, offset: int = 0
    ) -> Sequence[ModelT]:
        """The rows that meet every condition, sorted by `order_by` and then by the primary key.

        All of them unless `limit` is given: each is held in memory. NULLs sort as PostgreSQL sorts them.
        """
        found = await self._run(self._statements.list(where, order_by, limit, offset), {}, "list")
        return [*map(self._definition.build, found)]

    async def first(self, *where: Condition, order_by: Order = ()) -> ModelT | None:
        """The first row that meets every condition, in the order of `list`, or `None`."""
        found = await self._run(self._statements.list(where, order_by, 1, 0), {}, "first")
        return self._definition.build(found[0]) if found else None

    async def one(self, *where: Condition) -> ModelT:
        """The one row that meets every condition. Raises `NotFoundError` for none, `MultipleFoundError` for more."""
        found = await self._at_most_one(where, "one")
        if found is None:
            name = self._definition.entity.name
            raise NotFoundError(f"no {name} meets the conditions", Facts(name, "one"))
        return found

    async def one_or_none(self, *where: Condition) -> ModelT | None:
        """The one row that meets every condition, or `None`. Raises `MultipleFoundError` for more."""
        return await self._at_most_one(where, "one_or_none")

    async def count(self, *where: Condition) -> int:
        """How many rows meet every condition."""
        found = await self._run(self._statements.count(where), {}, "count")
        return cast("int", found[0][0])  # the statement is SELECT count(*)

    async def exists(self, *where: Condition) -> bool:
        """Whether a row meets every condition."""
        found = await self._run(self._statements.exists(where), {}, "exists")
        return cast("bool", found[0][0])  # the statement is SELECT EXISTS

    def _without_scope(self, call: str) -> Self:
        """Return a copy of this repository, what its subclass added included. Raises `UsageError` if it has a scope."""
        if self._scoped_statements is not None:
            name = type(self).__name__
            scope = "an owner" if self._scope else "every owner's rows"
            raise UsageError(f"this {name} is for {scope} already: call {call}() on {name}(session)")
        return copy(self)

    async def _rows_of(self, id: IdT, operation: str, lock: Lock | None = None) -> Rows:
        statements = self._statements
        if lock is not None:
            if not isinstance(lock, Lock):  # pyright: ignore[reportUnnecessaryIsInstance]  # for untyped callers
                raise UsageError(f"lock is {described(lock)}, expected a Lock: lock=Lock()")
            operation = locked(operation)
        if not self._definition.can_hold(id):
            return ()
        statement = statements.one if lock is None else statements.locked(lock)
        return await self._run(statement, {ID_PARAMETER: id}, operation)

    async def _changed_row(
        self,
        id: IdT,
        operation: str,
        statement: Executable,
        values: Parameters,
        expected: datetime | int | None,
    ) -> ModelRow:
        definition = self._definition
        if not definition.can_hold(id):
            raise definition.not_found(id, operation)
        if expected is None or definition.can_match(expected):
            parameters = {**values, ID_PARAMETER: id}
            if expected is not None:
                parameters[EXPECTED_PARAMETER] = expected
            found = await self._run(statement, parameters, operation)
            if found:
                return found[0]
        raise definition.unwritten(id, operation, await self._look(id, operation, statement), expected)

    async def _unchanged(self, id: IdT, expected: datetime | int | None) -> ModelT:
        definition = self._definition
        if expected is not None:
            definition.can_match(expected)  # or it is no version
        found = await self._rows_of(id, looked("update"))
        if not found or (expected is not None and not definition.has_version(found[0], expected)):
            raise definition.unwritten(id, "update", found, expected)
        return definition.build(found[0])

    async def _at_most_one(self, where: Sequence[Condition], operation: str) -> ModelT | None:
        found = await self._run(self._statements.list(where, (), 2, 0), {}, operation)
        self._refuse_more_than_one(found, operation)
        return self._definition.build(found[0]) if found else None

    def _definition_of_class(self) -> Definition[ModelT]:
        cls = type(self)
        if cls._class_definition is None:
            cls._class_definition = required_definition(cls, AsyncCRUDRepository, cls._keywords)
        return cast("Definition[ModelT]", cls._class_definition)  # read from this class's type arguments
