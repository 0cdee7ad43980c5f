"""The reads that a repository surely makes, each with the columns that find its rows, and those that sort them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ForeignKeyConstraint, Table
from sqlalchemy.orm import Mapper, RelationshipDirection
from sqlmodel import SQLModel

from backend.commands.check.declared import unique_keys
from backend.commands.check.indexes import Index, serves
from backend.entity.entity import Entity


@dataclass(frozen=True, slots=True)
class Read:
    """Reads of one table that the same index serves."""

    table: Table
    purpose: str
    equal: tuple[str, ...]
    """The columns that have given values."""
    order: tuple[str, ...] = ()
    """The columns that sort the rows."""
    narrower: tuple[frozenset[str], ...] = ()
    """Columns of these that are enough to find the rows: a foreign key's to a unique key within what it refers to."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of the index to add."""
        return (*self.equal, *(name for name in self.order if name not in self.equal))

    def is_served_by(self, indexes: Iterable[Index]) -> bool:
        """Return whether one of these indexes serves it."""
        equals = (frozenset(self.equal), *self.narrower)
        return any(serves(index, equal, self.order) for index in indexes for equal in equals)


def reads_of_entity(entity: Entity[SQLModel]) -> Iterator[Read]:
    """Yield the reads by id and in the order of the key, of one owner if there are owners."""
    key = tuple(column.name for column in entity.identity.columns)
    owner = () if entity.owner_column is None else (entity.owner_column.name,)
    by_id = (*owner, *(name for name in key if name not in owner))
    found_by = f"{'owner and ' * bool(owner)}id{', with version' * (entity.version is not None)}"
    yield Read(entity.table, f"get, update and delete by {found_by}", by_id)
    calls = "list, page, cursor_page and stream"
    yield Read(entity.table, f"{calls} {'of one owner ' * bool(owner)}in the order of the key", owner, key)


def reads_of_references(table: Table) -> Iterator[Read]:
    """Yield the reads of the rows that refer to another: by a delete of it, and by `loading`."""
    for constraint in sorted(table.foreign_key_constraints, key=lambda one: tuple(one.column_keys)):
        columns = tuple(element.parent.name for element in constraint.elements)
        purpose = f"a delete of {constraint.referred_table.fullname}, and loading what refers to it"
        yield Read(table, purpose, columns, narrower=tuple(_narrower(constraint)))


def reads_of_relationships(mapper: Mapper[SQLModel], table: Table) -> Iterator[Read]:
    """Yield what `loading` of the relationships of a model reads of this table."""
    for relationship in mapper.relationships:
        target: object = relationship.mapper.local_table if relationship.secondary is None else relationship.secondary
        pairs = relationship.synchronize_pairs or relationship.local_remote_pairs or ()
        columns = tuple(dict.fromkeys(column.name for pair in pairs for column in pair if column.table is table))
        if relationship.direction is not RelationshipDirection.MANYTOONE and target is table and columns:
            yield Read(table, f"loading {relationship}", columns)


def _narrower(constraint: ForeignKeyConstraint) -> Iterator[frozenset[str]]:
    own = {element.column.name: element.parent.name for element in constraint.elements}
    for key in unique_keys(constraint.referred_table):
        if key.predicate is None and {*key.columns} < own.keys():
            yield frozenset(own[name] for name in key.columns)


def suggested_index(read: Read) -> str:
    """Return the index to add, as `__table_args__` has it."""
    columns: Sequence[str] = read.columns
    name = f"ix_{read.table.name}_{'_'.join(columns)}"[:63]
    return f"Index({', '.join(map(_quoted, (name, *columns)))})"


def _quoted(name: str) -> str:
    return f'"{name}"'
