"""The metadata of a repository class: its entity, statements and schemas, built once when the class is defined."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Generic, cast
from uuid import UUID

from sqlmodel import SQLModel

from backend.database.operations import Operation, OperationKind
from backend.entity.checks import ClassOptions, announce, define
from backend.entity.column_types import is_checked
from backend.entity.entity import Entity, ModelT
from backend.entity.lazy import lazy
from backend.entity.type_arguments import is_forward, is_unbound, type_arguments
from backend.errors import (
    ConstraintViolationError,
    DefinitionError,
    ErrorDetails,
    InvalidDataError,
    NotFoundError,
    Problem,
    RequestError,
    StaleError,
    shown,
)
from backend.input.reader import SchemaReader
from backend.repository.views import ViewMetadata
from backend.repository.with_before import WithBeforeMetadata, with_before_metadata
from backend.results.entities import Builder, ModelRow, RowAndBefore, detached_builder, transient_builder
from backend.results.views import ViewT
from backend.statements.statements import Statements


class RepositoryMetadata(Generic[ModelT]):
    """The values that all instances of a repository class share."""

    def __init__(
        self,
        name: str,
        entity: Entity[ModelT],
        definition: Sequence[object] = (),
        base: "RepositoryMetadata[ModelT] | None" = None,
    ) -> None:
        self.name = name
        """The name of the repository class."""
        self.entity: Entity[ModelT] = entity
        self.definition = definition
        """What the statements are made of: a subclass that changes none of it shares its base's."""
        if base is None or base.definition != definition:
            base = None
        self._base = base
        self.scoped: Statements[ModelT] = Statements(entity, scoped=True) if base is None else base.scoped
        self.unscoped: Statements[ModelT] = Statements(entity, scoped=False) if base is None else base.unscoped
        self.without_scope: Statements[ModelT] | None = self.unscoped if entity.owner is None else None
        """The statements of a repository that names no scope: none for a model with an owner."""
        self._new_row_readers: dict[str, SchemaReader] = {}
        self._operations: dict[OperationKind, Operation] = {}
        self._views: dict[int, ViewMetadata[Any]] = {} if base is None else base._views
        """The views that were read, by the id of their class, which its metadata keeps alive."""

    @lazy
    def build(self) -> Builder[ModelT]:
        """Return the function that builds detached entities from rows."""
        return detached_builder(self.entity.mapper, self.entity.columns)

    @lazy
    def build_transient(self) -> Builder[ModelT]:
        """Return the function that builds transient entities from rows."""
        return transient_builder(self.entity.mapper, self.entity.columns)

    @lazy
    def with_before(self) -> WithBeforeMetadata[RowAndBefore[ModelT]]:
        """Return the metadata of the calls that return the row before. Raises `UsageError` for a table called `old`."""
        return with_before_metadata(self.entity, self.build) if self._base is None else self._base.with_before

    @lazy
    def create_reader(self) -> SchemaReader:
        """Return the reader of the create schema."""
        return SchemaReader(self.entity, self.entity.create, "create")

    def new_row_reader(self, operation: str) -> SchemaReader:
        """Return the reader of the create schema for another call than `create`."""
        reader = self._new_row_readers.get(operation)
        if reader is None:
            reader = self._new_row_readers[operation] = SchemaReader(self.entity, self.entity.create, operation)
        return reader

    @lazy
    def update_reader(self) -> SchemaReader:
        """Return the reader of the update schema."""
        return SchemaReader(self.entity, self.entity.update, "update")

    def view(self, view: type[ViewT]) -> ViewMetadata[ViewT]:
        """Return the metadata of a view, checked at its first use. Raises `DefinitionError` if it cannot be read."""
        known = self._views.get(id(view))  # what an untyped caller passes may have no hash
        if known is None:
            known = self._views[id(view)] = ViewMetadata[Any](self.entity, view)
        return cast("ViewMetadata[ViewT]", known)  # made for this view

    def operation(self, kind: OperationKind) -> Operation:
        """Return the operation on this model, for the texts of its errors and for what a lost answer means."""
        operation = self._operations.get(kind)
        if operation is None:
            operation = self._operations[kind] = self._operation(kind)
        return operation

    def not_found_error(self, id: object, kind: OperationKind, *, conditions_given: bool = False) -> NotFoundError:
        """Return the error for an id that no row in scope has, or (`conditions_given`) none that meets the conditions.

        Only integers and UUIDs are shown: another key may be personal data. An owner in the key is left out.
        """
        shown_id = self._shown_id(id)
        name = "this id" if shown_id is None else f"id {shown_id}"
        asked = " meets the conditions of the change" if conditions_given else ""
        return NotFoundError(f"no {self.entity.name} with {name}{asked}", ErrorDetails(self.entity.name, kind.name))

    def missing_error(self, ids: Mapping[int, object], kind: OperationKind) -> NotFoundError:
        """Return the error for the ids, by position, which no row in scope has; they are shown as for one."""
        positions, missing = tuple(ids), [*dict.fromkeys(ids.values())]
        names = [name for name in map(self._shown_id, missing) if name is not None]
        if len(names) < len(missing):
            named = f"the id{'s' * (len(missing) > 1)} at {_shown_positions(positions)}"
        else:
            named = f"the ids {_shown_first(names)}" if len(names) > 1 else f"id {names[0]}"
        details = ErrorDetails(self.entity.name, kind.name)
        return NotFoundError(f"no {self.entity.name} with {named}", details, positions)

    def unwritten_error(self, id: object, kind: OperationKind, row: ModelRow | None, expected: object) -> RequestError:
        """Return why a write has written no row: `row` is the row with this id in scope, or `None`."""
        if row is None:
            return self.not_found_error(id, kind)
        if expected is not None and not self.entity.required_version().equals(row, expected):
            return self.stale_error(kind)
        return self.suppressed_error(kind)

    def suppressed_error(self, kind: OperationKind) -> ConstraintViolationError:
        """Return the error for a write that the server accepted, of a row that it did not write."""
        is_many = kind.name.endswith("_many")
        there = "" if kind.schema == "create" else f", though {'each' if is_many else 'its'} row is there"
        changes = ", or changes its key" if is_many and kind.schema == "create" else ""
        skips = f"a trigger, rule or policy of the table skips {'one' if is_many else 'it'}{changes}"
        return ConstraintViolationError(
            f"{kind.name} of {self.entity.name} wrote nothing{there}: {skips}",
            ErrorDetails(self.entity.name, kind.name),
        )

    def repeated_error(
        self, first: int, second: int, kind: OperationKind, key: tuple[str, ...] | None = None
    ) -> InvalidDataError:
        """Return the error for one key, the primary key unless another is named, that is given at two positions."""
        details = ErrorDetails(self.entity.name, kind.name, fields=key or self.entity.identity.attributes)
        problem = Problem((second,), "repeated_key", f"the same {self.entity.name} as at position {first}")
        return InvalidDataError(
            f"positions {first} and {second} name the same {self.entity.name}: give each row once", details, (problem,)
        )

    def stale_error(self, kind: OperationKind, positions: tuple[int, ...] = ()) -> StaleError:
        """Return the error for a row whose version is not the expected one, or for those at these positions."""
        name = self.entity.name
        details = ErrorDetails(name, kind.name, fields=(self.entity.required_version().attribute,))
        which = f"the {name} at {_shown_positions(positions)}" if positions else f"this {name}"
        return StaleError(f"{which} has changed since it was read: read it again, then decide", details, positions)

    def _shown_id(self, id: object) -> str | None:
        """Return the parts of an id as messages show them; `None` if one is not shown."""
        identity = self.entity.identity
        values = dict(zip(identity.attributes, identity.values(id), strict=True))
        texts = [_shown_part(values[field]) for field in identity.fields if not self.entity.is_owner(field)]
        known = [text for text in texts if text is not None]
        if len(known) < len(texts):
            return None
        return known[0] if len(known) == 1 else f"({', '.join(known)})"

    def _operation(self, kind: OperationKind) -> Operation:
        entity = self.entity
        create, update = entity.create.model_fields, entity.update.model_fields
        owner = () if entity.owner is None else (entity.owner.attribute,)
        written = None if kind.schema is None else (*create, *owner) if kind.schema == "create" else tuple(update)
        return Operation(
            kind.name,
            entity.name,
            entity.table,
            writes=kind.writes,
            locks=kind.locks,
            columns=entity.columns,
            schema_fields=frozenset((*create, *update)),
            is_checked=written is not None and all(is_checked(entity.columns[field].type) for field in written),
        )


def _shown_positions(positions: Sequence[int]) -> str:
    return f"position{'s' * (len(positions) > 1)} {_shown_first(positions)}"


def _shown_first(several: Sequence[object]) -> str:
    first = ", ".join(map(str, several[:_SHOWN_IDS]))
    return first if len(several) <= _SHOWN_IDS else f"{first} and {len(several) - _SHOWN_IDS} more"


def _shown_part(value: object) -> str | None:
    return shown(value) if isinstance(value, int) else str(value) if isinstance(value, UUID) else None


_SHOWN_IDS: Final = 10  # one line of a log


def repository_metadata(cls: type, root: type, keywords: ClassOptions) -> RepositoryMetadata[SQLModel] | None:
    """Return the metadata of a class; `None` while a type argument is open or a name in it does not exist yet.

    The owner column that such a class names is registered at once: other repositories then filter its table by owner.
    """
    arguments = type_arguments(cls, root)
    if any(is_unbound(argument) for argument in arguments[:3]) or any(map(is_forward, arguments)):
        announce(cls.__name__, keywords.owner)
        return None
    defaults = tuple(
        getattr(argument, "__default__", argument) if is_unbound(argument) else argument for argument in arguments
    )
    entity = define(cls.__name__, defaults, keywords)
    definition = (*defaults, id(entity.owner_column), id(entity.version_column), entity.shared_keys)
    base = next((base for one in cls.__mro__[1:] if (base := vars(one).get("_class_metadata")) is not None), None)
    return RepositoryMetadata(cls.__name__, entity, definition, base)


def required_metadata(cls: type, root: type, keywords: ClassOptions) -> RepositoryMetadata[SQLModel]:
    """Return the metadata at the first use of a class. Raises `DefinitionError` if a type argument is still open."""
    metadata = repository_metadata(cls, root, keywords)
    if metadata is None:
        raise DefinitionError(
            f"{cls.__name__} does not say what it holds, or names a class that does not exist: "
            f"class {cls.__name__}({root.__name__}[Model, Create, Update])"
        )
    return metadata


def merge_options(inherited: ClassOptions, owner: object, version: object, shared_keys: object) -> ClassOptions:
    """Return the options of a subclass: its own, and its base's where it gives none."""
    is_empty = isinstance(shared_keys, tuple) and not shared_keys
    return replace(
        inherited,
        owner=inherited.owner if owner is None else owner,
        version=inherited.version if version is None else version,
        shared_keys=inherited.shared_keys if is_empty else shared_keys,
    )
