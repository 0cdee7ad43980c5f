"""What a call runs on: the session, the metadata of the repository class, and the scope."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from sqlalchemy.orm import Session
from typing_extensions import TypeVar

from backend.entity.parameters import OWNER_PARAMETER
from backend.errors import ErrorDetails, OwnerRequiredError, UsageError
from backend.repository.metadata import RepositoryMetadata
from backend.repository.views import ViewMetadata
from backend.repository.with_before import WithBeforeMetadata
from backend.results.entities import ModelRow, RowAndBefore
from backend.results.views import ViewT
from backend.statements.load_paths import Loads, Relationship
from backend.statements.statements import Statements

RowT = TypeVar("RowT")
RowT_co = TypeVar("RowT_co", covariant=True)

Parameters = Mapping[str, object]


@dataclass(slots=True, eq=False, repr=False)  # not frozen, which takes longer to make: two for each scope
class Bound(Generic[RowT_co]):
    """A repository as its calls see it; they return rows of the type `RowT_co`. It is never changed."""

    session: Session
    metadata: RepositoryMetadata[Any]  # of the model, whose rows are returned as `RowT_co`
    scoped_statements: Statements[Any] | None  # as above
    """`None` for an owned model without a scope."""
    scope: Parameters
    """The owner's bound parameter; empty without a scope, and for the rows of every owner."""
    returned: ViewMetadata[Any] | WithBeforeMetadata[Any] | None = None  # of `RowT_co`
    """What is returned instead of entities: a view, or each entity with the row before; `None` for entities."""
    loads: Loads = field(default_factory=dict[Relationship, Any])
    """The relationships to load with each entity."""

    @property
    def statements(self) -> Statements[Any]:
        """Return the statements of the scope. Raises `OwnerRequiredError` if an owned model has none yet."""
        if self.scoped_statements is None:
            raise OwnerRequiredError(
                f"{self.metadata.name} does not say whose rows are meant: call owned_by(owner) for one owner, "
                "or every_owner() for administration, and use the repository that it returns",
                ErrorDetails(self.metadata.entity.name),
            )
        if self.returned is not None:
            return self.returned.statements(scoped=self.scoped_statements is not self.metadata.unscoped)
        return self.scoped_statements

    @property
    def write_statements(self) -> Statements[Any]:
        """Return `statements` for a call that writes. Raises `UsageError` if relationships are to be loaded."""
        statements = self.statements
        if self.loads:
            name = self.metadata.name
            raise UsageError(
                f"this {name} loads relationships, so it only reads: write with the {name} that loading() was called "
                "on, then read the row with get_one() of this one",
                ErrorDetails(self.metadata.entity.name),
            )
        return statements

    @property
    def owner(self) -> object:
        """Return the owner of the scope, or `None`."""
        return self.scope.get(OWNER_PARAMETER)

    @property
    def build(self) -> Callable[[Sequence[Sequence[object]]], list[RowT_co]]:
        """Return the function that builds the results from rows."""
        return self.metadata.build if self.returned is None else self.returned.build

    @property
    def build_transient(self) -> Callable[[Sequence[ModelRow]], list[RowT_co]]:
        """Return the function that builds the results from deleted rows."""
        return self.metadata.build_transient

    def owned_by(self, owner: object) -> "Bound[RowT_co]":
        """Return the same for the rows of one owner."""
        return Bound(
            self.session, self.metadata, self.metadata.scoped, self.metadata.entity.required_owner().parameters(owner)
        )

    def every_owner(self) -> "Bound[RowT_co]":
        """Return the same for the rows of every owner."""
        return Bound(self.session, self.metadata, self.metadata.unscoped, {})

    def with_before(self) -> "Bound[RowAndBefore[RowT_co]]":
        """Return the same rows, each with the row before the change.

        Raises `OwnerRequiredError` without a scope, `UsageError` if relationships are to be loaded, and for a table
        that is called `old`.
        """
        _ = self.write_statements
        return Bound(self.session, self.metadata, self.scoped_statements, self.scope, self.metadata.with_before)

    def as_(self, view: type[ViewT]) -> "Bound[ViewT]":
        """Return the same rows as a view.

        Raises `OwnerRequiredError` without a scope, `DefinitionError`, `UsageError` if relationships are to be loaded.
        """
        _ = self.statements
        if self.loads:
            name = self.metadata.name
            raise UsageError(
                f"this {name} loads relationships, and a view has columns only: call as_() on the {name} that "
                "loading() was called on",
                ErrorDetails(self.metadata.entity.name),
            )
        bound: Bound[ViewT] = Bound(
            self.session, self.metadata, self.scoped_statements, self.scope, self.metadata.view(view)
        )
        _ = bound.statements
        return bound
