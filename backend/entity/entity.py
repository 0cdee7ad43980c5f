"""One model as statements see it: table, key, owner, version, schemas. The checks are in `entity.checks`."""

from dataclasses import dataclass
from typing import Generic, cast

from pydantic import BaseModel
from sqlalchemy import Column, Table
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel
from typing_extensions import TypeVar

from backend.entity.lazy import lazy

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
    primary_key: str
    """The attribute that holds the primary key."""
    id_type: type
    owner: str | None
    """The attribute that holds the owner, if the model has one."""
    owner_type: type
    version: str | None
    """The attribute that holds the version, if the class names one."""
    shared_keys: frozenset[str] = frozenset()
    """The attributes of keys that the class permits to compare across owners."""

    @property
    def name(self) -> str:
        """The model's name, as messages show it."""
        return self.model.__name__

    @lazy
    def table(self) -> Table:
        """The one table that the model is mapped to."""
        return cast("Table", self.mapper.local_table)  # `checks` refuses every other mapping

    @property
    def fixed(self) -> tuple[str | None, ...]:
        """The attributes that no caller sets on a row: primary key, owner, version."""
        return (self.primary_key, self.owner, self.version)

    @property
    def key_column(self) -> Column[object]:
        """The primary key's column."""
        return self.columns[self.primary_key]

    @property
    def owner_column(self) -> Column[object] | None:
        """The owner's column, if the model has an owner."""
        return None if self.owner is None else self.columns[self.owner]

    @property
    def version_column(self) -> Column[object] | None:
        """The version's column, if the class names one."""
        return None if self.version is None else self.columns[self.version]
