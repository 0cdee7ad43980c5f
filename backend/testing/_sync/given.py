# Generated from backend/testing/_async/given.py by `python -m tools.generate_sync`: edit that one.
"""What a check of the contract is given: rows of two owners, and what the table holds."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from inspect import getattr_static
from typing import Generic, cast

import pytest
from sqlalchemy import ColumnElement, and_, delete, false, or_, select
from sqlalchemy.orm import Mapped
from sqlalchemy.pool import QueuePool
from sqlmodel import Session

from backend.database import Database
from backend.entity.entity import CreateT, Entity, IdT, ModelT, OwnerT, UpdateT
from backend.errors import UniqueViolationError, described
from backend.repository import CRUDRepository
from backend.repository.bound import Bound
from backend.testing.values import Values, values_of

_ENOUGH = 3
"""Rows that pages, orders and positions need."""


@dataclass(frozen=True, slots=True)
class Given(Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]):
    """Rows that a check begins with, on a session in no transaction."""

    db: Database
    session: Session
    entity: Entity[ModelT]
    mine: CRUDRepository[ModelT, CreateT, UpdateT, IdT, OwnerT]
    """The repository of the first owner, or of a model without owners."""
    theirs: CRUDRepository[ModelT, CreateT, UpdateT, IdT, OwnerT]
    """The repository of the second owner; `mine` for a model without owners."""
    data: Sequence[CreateT]
    their_data: Sequence[CreateT]

    def is_(self, *ids: IdT) -> ColumnElement[bool]:
        """Return the condition that a row has one of these ids."""
        identity = self.entity.identity
        keys = (zip(identity.columns, identity.values(id), strict=True) for id in ids)
        return or_(false(), *(and_(*(column == value for column, value in key)) for key in keys))

    def stored(self) -> dict[IdT, Values]:
        """Return every row of the table by id, in the order of the key, read on another connection."""
        names, identity = tuple(self.entity.columns), self.entity.identity
        statement = select(*self.entity.columns.values()).order_by(*identity.columns)
        with self.db.engine.connect() as connection:
            found = [tuple(row) for row in connection.execute(statement)]
        ids = [cast("IdT", identity.id_from(identity.of(row))) for row in found]  # made as the type argument says
        return {id: dict(zip(names, row, strict=True)) for id, row in zip(ids, found, strict=True)}

    def version_of(self, row: ModelT) -> datetime | int:
        """Return the version of a row."""
        version = values_of(self.entity, row)[self.entity.required_version().attribute]
        assert isinstance(version, datetime | int)
        return version

    def remove(self, id: IdT) -> IdT:
        """Delete a row behind the repository's back, and return its id, which is absent then."""
        with self.db.engine.begin() as connection:
            connection.execute(delete(self.entity.table).where(self.is_(id)))
        return id

    def require_idle(self) -> None:
        """Fail if the session is in a transaction, or holds a connection or an entity."""
        assert not self.session.in_transaction(), "a transaction is left open"
        pool = self.db.engine.pool
        assert not isinstance(pool, QueuePool) or pool.checkedout() == 0, "a connection is out of the pool"
        assert not [*self.session.identity_map.values(), *self.session.new], "an entity is attached to the session"


@dataclass(frozen=True, slots=True)
class Filled(Given[ModelT, CreateT, UpdateT, IdT, OwnerT], Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]):
    """A row for each example, of the first owner and of the second; only of one for a model without owners."""

    rows: Sequence[ModelT]
    their_rows: Sequence[ModelT]

    @property
    def ids(self) -> list[IdT]:
        """Return the ids of the first owner's rows, in the order of the examples."""
        return [self.mine.id_of(row) for row in self.rows]

    @property
    def their_ids(self) -> list[IdT]:
        """Return the ids of the second owner's rows."""
        return [self.theirs.id_of(row) for row in self.their_rows]

    def in_order(self) -> list[IdT]:
        """Return the ids of the first owner's rows in the order of the key, as the server sorts them."""
        return [id for id in self.stored() if id in self.ids]


class ContractData(Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]):
    """What a contract is about: the attributes that a subclass sets."""

    repository: type[CRUDRepository[ModelT, CreateT, UpdateT, IdT, OwnerT]]
    """The repository that is checked."""
    examples: Sequence[CreateT] = ()
    """At least three different rows to create, which the table accepts together, for each of two owners."""
    change: UpdateT
    """A change that sets at least one field of each example to another value."""
    on: tuple[Mapped[object], ...] = ()
    """A unique key, `(col(Book.isbn),)`, whose fields the examples set; without one, upserts are not checked."""
    owners: Sequence[OwnerT] = ()
    """Two owners, if an owner is not text."""

    def prepare(self, session: Session, owner: OwnerT) -> Sequence[CreateT]:  # noqa: ARG002 - for overrides
        """Return the examples for an owner. Override it where they need other rows, and create these here."""
        return self.examples

    def _owner(self, at: int) -> OwnerT:
        """Return the first or the second owner."""
        return self.owners[at] if self.owners else cast("OwnerT", ("ada", "grace")[at])  # text, or refused by owned_by

    def _entity_of(self, session: Session) -> Entity[ModelT]:
        """Return the entity of the repository."""
        bound: Bound[ModelT] = vars(self.repository(session))["_bound"]
        return bound.metadata.entity

    @contextmanager
    def _given(self, db: Database) -> Generator[Given[ModelT, CreateT, UpdateT, IdT, OwnerT]]:
        """Open a session on empty tables, with the examples of both owners."""
        self._require_attributes()
        with db.session() as session:
            entity = self._entity_of(session)
            if entity.owner is not None and not self.owners:
                needed = f"{type(self).__name__} needs owners = (…, …), two of {entity.owner.python_type.__name__}"
                assert entity.owner.python_type is str, needed
            data = self.prepare(session, self._owner(0))
            their_data = data if entity.owner is None else self.prepare(session, self._owner(1))
            assert len(data) >= _ENOUGH, f"{type(self).__name__} needs at least {_ENOUGH} examples, got {len(data)}"
            plain = self.repository(session)
            mine, theirs = plain, plain
            if entity.owner is not None:
                mine, theirs = plain.owned_by(self._owner(0)), plain.owned_by(self._owner(1))
            yield Given(db, session, entity, mine, theirs, data, their_data)

    @contextmanager
    def _filled(
        self, db: Database, *, owned: bool = False, versioned: bool = False, changed: bool = False
    ) -> Generator[Filled[ModelT, CreateT, UpdateT, IdT, OwnerT]]:
        """Open a session, with rows of both owners. Skip the check for a model that lacks what it needs.

        `changed`: a field that an update may set.
        """
        with self._given(db) as given:
            entity = given.entity
            if (owned and entity.owner is None) or (versioned and entity.version is None):
                pytest.skip(f"{entity.name} has no {'owner' if owned and entity.owner is None else 'version'}")
            if (changed or versioned) and not type(self.change).model_fields:
                pytest.skip(f"{entity.name} has no field that an update may set")
            try:
                rows = [given.mine.create(data) for data in given.data]
                theirs = () if entity.owner is None else given.their_data
                their_rows = [given.theirs.create(data) for data in theirs]
            except UniqueViolationError as error:
                needed = "examples that the table takes together, for each of two owners"
                raise AssertionError(f"{type(self).__name__} needs {needed}: {error}") from None
            yield Filled(
                db, given.session, entity, given.mine, given.theirs, given.data, given.their_data, rows, their_rows
            )

    def _require_attributes(self) -> None:
        name = type(self).__name__
        for needed in ("repository", "change"):
            assert hasattr(self, needed), f"{name} does not say what it checks: add {needed} = …"
        key = getattr_static(self, "on")  # a column would look for itself in an instance of its model
        assert isinstance(key, tuple), f"{name}.on is {described(key)}, expected a tuple: on = (col(Model.field),)"

    def _nothing(self) -> UpdateT | None:
        """Return a change that sets no field; `None` if the update schema requires one."""
        schema = type(self.change)
        is_partial = not any(field.is_required() for field in schema.model_fields.values())
        return schema.model_construct(set()) if is_partial else None

    def _unchanged(self, ids: Sequence[IdT]) -> list[tuple[IdT, UpdateT]]:
        """Return patches that set no field of these rows; none if the update schema requires one."""
        nothing = self._nothing()
        return [] if nothing is None else [(id, nothing) for id in ids]
