"""The operations: which call runs on which model, for the text of its errors and for what a lost answer means."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import Column, Table
from typing_extensions import override

from backend.errors import ErrorDetails


@dataclass(frozen=True, slots=True)
class OperationKind:
    """A call, whichever model it is made for."""

    name: str
    writes: bool = False
    locks: bool = False
    """It takes a lock that outlasts it, and so needs a transaction."""
    schema: Literal["create", "update"] | None = None
    """The schema whose fields it writes, each checked by then."""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """A call on a model, or another task of the database such as a ping."""

    name: str
    model: str | None = None
    table: Table | None = None
    writes: bool = True
    locks: bool = False
    """It takes a lock that outlasts it, and so needs a transaction."""
    columns: Mapping[str, Column[object]] = field(default_factory=dict[str, Column[object]])
    """The model's columns, by attribute."""
    schema_fields: Collection[str] = ()
    """The fields of the schemas: the text of a `RequestError` names only these."""
    is_checked: bool = False
    """Every value that it writes has passed its schema, the model's rules and the check of its column."""

    @override
    def __str__(self) -> str:
        return f"{self.name} of {self.model}" if self.model else self.name

    @property
    def details(self) -> ErrorDetails:
        """Return the details of an error for which the database has reported nothing."""
        return ErrorDetails(self.model, self.name)
