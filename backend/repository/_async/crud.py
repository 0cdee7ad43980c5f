"""The repository that a team subclasses: how it is defined and scoped, and the contracts of the calls that write."""

from copy import copy
from datetime import datetime
from typing import ClassVar, Generic, Self, cast

from sqlalchemy.orm import Mapped
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import override

from backend.database.bridge import async_sync_side
from backend.database.sessions.sessions import check_session
from backend.entity.checks import ClassOptions
from backend.entity.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.errors import UsageError
from backend.repository._async.reading import AsyncReads
from backend.repository._async.upserting import AsyncUpsertCalls
from backend.repository._async.with_before import AsyncWithBefore
from backend.repository.bound import Bound
from backend.repository.calls import writing
from backend.repository.calls.loading import with_loads
from backend.repository.metadata import (
    RepositoryMetadata,
    merge_options,
    repository_metadata,
    required_metadata,
)
from backend.results.views import ViewT
from backend.statements.load_paths import Related


class AsyncCRUDRepository(
    AsyncUpsertCalls[ModelT, CreateT, UpdateT, IdT], Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]
):
    """Persistence of one model: subclass it with the model, its create schema and its update schema.

        class TaskRepository(
            AsyncCRUDRepository[Task, TaskCreate, TaskUpdate], owner=col(Task.user_id), version=col(Task.updated_at)
        ): ...

    A fourth type argument is the id's type (`int`), a fifth the owner's (`str`). Keywords: `owner`, the column that
    says whose a row is; `version`, the column that shows whether a row has changed (timestamptz or integer);
    `shared_keys`, columns of keys that a client may choose and that all owners share. Raises `DefinitionError`,
    when the class is defined, if it could not keep its promises.

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
    outside a transaction also `OutcomeUnknownError`, if the connection broke before the answer came, and
    `DeadlockError`, if it waited for a row that deadlocked transactions held.
    """

    _options: ClassVar[ClassOptions] = ClassOptions()
    _class_metadata: ClassVar[RepositoryMetadata[SQLModel] | None] = None

    @override
    def __init_subclass__(
        cls,
        *,
        owner: Mapped[object] | None = None,
        version: Mapped[object] | None = None,
        shared_keys: tuple[Mapped[object], ...] = (),
    ) -> None:
        super().__init_subclass__()
        cls._options = merge_options(cls._options, owner, version, shared_keys)
        cls._class_metadata = repository_metadata(cls, AsyncCRUDRepository, cls._options)

    def __init__(self, session: AsyncSession) -> None:
        check_session(type(self).__name__, session, AsyncSession)
        metadata = self._required_metadata()
        super().__init__(session, Bound(async_sync_side(session), metadata, metadata.without_scope, {}))

    @property
    def session(self) -> AsyncSession:
        """Return the session that the calls run on."""
        return self._session

    def owned_by(self, owner: OwnerT) -> Self:
        """Return a copy of this repository for the rows of one owner. `""` is an owner like any other.

        Raises `UsageError` for `None`, if the repository has a scope already, and if the model has no owner.
        """
        self._bound.metadata.entity.required_owner().require(owner)
        return self._scoped(self._bound.owned_by(owner), "owned_by")

    def every_owner(self) -> Self:
        """Return a copy of this repository for the rows of every owner, for administration. It creates no rows.

        Raises `UsageError` if the repository has a scope already, and if the model has no owner.
        """
        self._bound.metadata.entity.required_owner()
        return self._scoped(self._bound.every_owner(), "every_owner")

    def as_(self, view: type[ViewT]) -> AsyncReads[ViewT, IdT]:
        """Return the calls that read, of the same rows as a view: a pydantic model of some of the columns.

        Only these columns are selected. A field shows the column of its name, of its alias, or what `shows(…)` says;
        conditions and orders may use any column. The view is checked at its first use, without a database.

        Raises `DefinitionError` for a class that is no view of this model, `OwnerRequiredError` if the model has an
        owner and the repository no scope. The calls raise `UnreadableRowError` for a stored value that the view
        refuses: it names the field, and never shows the value.
        """
        return AsyncReads(self._session, self._bound.as_(view))

    def loading(self, *paths: Related | tuple[Related, ...]) -> Self:
        """Return a copy of this repository whose reading calls load relationships too: it reads, and writes nothing.

        A path is a relationship of the model, `Ticket.project`, or a tuple of steps, `(Ticket.project,
        Project.tickets)`. Several calls add up. Each step costs one more statement and one more round trip, none where
        there is nothing to load for. The related rows of an owned model are those of the scope; a row that is related
        twice is one instance. They are in the relationship's `order_by`, then by primary key.

        Outside a transaction of REPEATABLE READ the related rows may be newer than the rows that they belong to.
        `count`, `exists` and a subclass's `_all`, `_one_or_none` and `_scalar` load nothing. A call that writes raises
        `UsageError` before anything is sent: write with the repository that this was called on, then read the row with
        `get_one()`.

        Raises `OwnerRequiredError` without a scope, and if the model has no owner and a related one has; `UsageError`
        for a path that is none of the model, or that cannot be loaded.
        """
        loading = copy(self)
        loading._bound = with_loads(self._bound, paths)
        return loading

    def with_before(self) -> AsyncWithBefore[ModelT, CreateT, UpdateT, IdT]:
        """Return `update`, `update_many`, `upsert` and `upsert_many`, with results that have the row before too.

        They need PostgreSQL 18 or newer. Raises `OwnerRequiredError` if the model has an owner and the repository no
        scope; `UsageError` for a repository that loads relationships, and for a table that is called `old`.
        """
        return AsyncWithBefore(self._session, self._bound.with_before())

    def id_of(self, row: ModelT) -> IdT:
        """Return the id of an entity, as the calls take it. Sends nothing.

        Raises `UsageError` for an entity that has none yet, `OwnerRequiredError` without a scope.
        """
        _ = self._bound.statements
        return cast("IdT", self._bound.metadata.entity.id_of(row))  # made as the class's type argument says

    async def create(self, data: CreateT) -> ModelT:
        """Insert a row and return it: every field of `data` that has a value, the owner, and what the database adds.

        Raises `InvalidDataError` if `data` does not pass its schema, a `ConstraintViolationError` if the table refuses
        the row, `OwnerRequiredError` if the model has an owner and the repository none.
        """
        return await self._call(writing.create, data)

    async def update(self, id: IdT, data: UpdateT, *, expected: datetime | int | None = None) -> ModelT:
        """Write exactly the fields that were set in `data`, `None` included, and return the row.

        With `expected`, write only if the row's version is still that one. Nothing set: nothing is written, and the row
        is returned. One round trip; one more where no row was written, to tell whether it is absent, stale, or skipped
        by a trigger.

        Raises `NotFoundError`, `StaleError`, `InvalidDataError`, a `ConstraintViolationError`, also where a trigger
        skips the row; `UsageError` for an `expected` of another type than the version's, such as a time without a zone.
        """
        return await self._call(writing.update, id, data, expected)

    async def delete(self, id: IdT, *, expected: datetime | int | None = None) -> ModelT:
        """Delete the row and return it as it was, as a transient entity. `expected` works as in `update`.

        Raises `NotFoundError`, `StaleError`, `ForeignKeyViolationError` if another row refers to it,
        `ConstraintViolationError` if a trigger skips the row.
        """
        return await self._call(writing.delete, id, expected)

    def _scoped(self, bound: Bound[ModelT], call: str) -> Self:
        """Return a copy for the scope, including what a subclass added. Raises `UsageError` if this one has a scope."""
        if self._bound.scoped_statements is not None:
            name = type(self).__name__
            scope = "an owner" if self._bound.scope else "every owner's rows"
            raise UsageError(f"this {name} is for {scope} already: call {call}() on {name}(session)")
        scoped = copy(self)
        scoped._bound = bound
        return scoped

    def _required_metadata(self) -> RepositoryMetadata[ModelT]:
        cls = type(self)
        if cls._class_metadata is None:
            cls._class_metadata = required_metadata(cls, AsyncCRUDRepository, cls._options)
        return cast("RepositoryMetadata[ModelT]", cls._class_metadata)  # read from this class's type arguments
