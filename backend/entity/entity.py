"""One model as statements see it: table, columns, identity, owner, version, schemas. `entity.checks` checks it."""

from dataclasses import dataclass
from typing import Generic, cast

from pydantic import BaseModel
from sqlalchemy import Column, Table
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel
from typing_extensions import TypeVar

from backend.entity.identity import Identity
from backend.entity.lazy import lazy
from backend.entity.ownership import Ownership
from backend.entity.version import Version
from backend.errors import UsageError, described, with_article

ModelT = TypeVar("ModelT", bound=SQLModel)
CreateT = TypeVar("CreateT", bound=BaseModel)
UpdateT = TypeVar("UpdateT", bound=BaseModel)
IdT = TypeVar("IdT", default=int)
OwnerT = TypeVar("OwnerT", default=str)


@dataclass(frozen=True, eq=False)
class Entity(Generic[ModelT]):
    """One model with the type arguments and keywords of its repository class."""

    model: type[ModelT]
    mapper: Mapper[ModelT]
    create: type[BaseModel]
    update: type[BaseModel]
    columns: dict[str, Column[object]]
    """The mapped columns by attribute name, in the table's order."""
    identity: Identity
    owner: Ownership | None
    """`None` for a model without an owner."""
    version: Version | None
    """`None` if the class names no version."""
    shared_keys: frozenset[str] = frozenset()
    """The attributes of keys that the class lets all owners share."""

    @property
    def name(self) -> str:
        """The model's name, as messages show it."""
        return self.model.__name__

    @lazy
    def table(self) -> Table:
        """The one table that the model is mapped to."""
        return cast("Table", self.mapper.local_table)  # `checks` refuses every other mapping

    @lazy
    def not_settable(self) -> frozenset[str]:
        """The attributes that no caller sets on a row: primary key, owner, version."""
        others = (role.attribute for role in (self.owner, self.version) if role is not None)
        return frozenset((*self.identity.attributes, *others))

    @property
    def owner_column(self) -> Column[object] | None:
        """The owner's column, if the model has an owner."""
        return None if self.owner is None else self.owner.column

    @property
    def version_column(self) -> Column[object] | None:
        """The version's column, if the class names one."""
        return None if self.version is None else self.version.column

    def is_owner(self, attribute: str) -> bool:
        """Return whether the attribute holds the owner."""
        return self.owner is not None and attribute == self.owner.attribute

    def id_of(self, row: object) -> object:
        """Return the id of an entity. Raises `UsageError` for another object, and for an entity without an id."""
        if not isinstance(row, self.model):
            raise UsageError(f"id_of() takes {with_article(self.model)}, got {described(row)}: pass a row of it")
        key: list[object] = [getattr(row, attribute) for attribute in self.identity.attributes]
        if None in key:
            raise UsageError(f"this {self.name} has no id yet: pass one that create() or a read has returned")
        return self.identity.id_from(key)

    def required_owner(self) -> Ownership:
        """Return the owner. Raises `UsageError` if the model has none."""
        if self.owner is None:
            raise UsageError(
                f"{self.name} has no owner: use the repository as it is, or name one, owner=col({self.name}.…)"
            )
        return self.owner

    def required_version(self) -> Version:
        """Return the version. Raises `UsageError` if the class names none."""
        if self.version is None:
            raise UsageError(f"{self.name} has no version: name it, version=col({self.name}.updated_at)")
        return self.version
