"""What an index is, and which reads it serves. Pure: PostgreSQL's planner says the same in the tests."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from backend.commands.check.sql_words import is_same, words_of


@dataclass(frozen=True, slots=True)
class IndexKey:
    """One column or expression of an index."""

    name: str
    """The column, or the words of the expression; with the collation, if that is not the column's own."""
    descending: bool = False
    nulls_first: bool = False
    operator_class: str | None = None
    """`None` for the default of its type."""

    @property
    def reversed(self) -> "IndexKey":
        """Return the key as a scan backwards reads it."""
        return replace(self, descending=not self.descending, nulls_first=not self.nulls_first)


@dataclass(frozen=True, slots=True)
class Index:
    """An index, of the database or of a model."""

    name: str
    keys: tuple[IndexKey, ...]
    method: str = "btree"
    predicate: str | None = None
    """The condition of the rows that a partial one holds."""
    included: frozenset[str] = frozenset()
    is_unique: bool = False
    is_valid: bool = True
    is_deferrable: bool = False
    nulls_not_distinct: bool = False
    is_exclusion: bool = False
    """Whether it keeps an exclusion constraint."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of its keys."""
        return tuple(key.name for key in self.keys)


def expression_name(sql: str) -> str:
    """Return the name of a key that is an expression."""
    return f"an expression of {', '.join(sorted(words_of(sql)))}"


def unless_default(operator_class: str | None) -> str | None:
    """Return the name of an operator class, or `None` for the usual one of a type, which need not be named."""
    kind = None if operator_class is None else operator_class.removesuffix("_ops")
    return None if kind in _TYPES else operator_class


_TYPES: Final = frozenset({
    "array", "bit", "bool", "bpchar", "bytea", "char", "date", "enum", "float4", "float8", "inet", "int2", "int4",
    "int8", "interval", "jsonb", "macaddr", "money", "name", "numeric", "oid", "range", "text", "time", "timestamp",
    "timestamptz", "timetz", "tsvector", "uuid", "varbit", "varchar",
})  # fmt: skip


def serves(index: Index, equal: Collection[str], order: Sequence[str] = ()) -> bool:
    """Return whether an index finds the rows with given values of some columns without reading others.

    With an order, of columns that ascend, it also returns them in that order, forwards or backwards.
    """
    if not index.is_valid or not _holds_all(index, equal):
        return False
    if index.method == "hash":
        return not order and {*index.columns} == {*equal}
    if index.method != "btree":
        return False
    keys, left = list(index.keys), {*equal}
    while keys and keys[0].name in left and _compares_equal(keys[0]):
        left.discard(keys.pop(0).name)
    wanted = [IndexKey(name) for name in order if name not in equal]
    if left:  # the columns of a unique key find one row
        return index.is_unique and not keys and not wanted
    return _begins_with(keys, wanted)


def replaces(index: Index, declared: Index, owner: str | None) -> bool:
    """Return whether an index of the database does all that a declared one, not unique, does."""
    if not index.is_valid or not declared.included <= {*index.columns, *index.included}:
        return False
    if index.predicate is not None and not _same_predicate(index, declared):
        return False
    own, other = list(index.keys), list(declared.keys)
    if declared.method != "btree" and index.method == declared.method:
        return {(key.name, key.operator_class) for key in own} == {(key.name, key.operator_class) for key in other}
    if index.method != "btree" or declared.method not in ("btree", "hash"):
        return False
    while own and other and own[0].name == other[0].name == owner and own[0].operator_class == other[0].operator_class:
        own, other = own[1:], other[1:]  # one owner's rows: in any direction
    return _begins_with(own, other)


def is_same_key(index: Index, declared: Index) -> bool:
    """Return whether an index of the database refuses the same duplicates as a declared unique key."""
    return (
        index.is_unique
        and index.is_valid
        and {*index.columns} == {*declared.columns}
        and _same_predicate(index, declared)
        and index.nulls_not_distinct == declared.nulls_not_distinct
        and (declared.is_deferrable or not index.is_deferrable)
    )


def keeps(index: Index, declared: Index) -> bool:
    """Return whether an index of the database keeps an exclusion constraint of these columns."""
    columns = {name.lower() for name in declared.columns}
    return index.is_exclusion and index.is_valid and columns <= words_of(" ".join(index.columns))


def is_stricter(index: Index, declared: Sequence[Index]) -> bool:
    """Return whether a unique index of the database refuses rows that every declared unique key takes."""
    columns = {*index.columns}
    known = [key for key in declared if {*key.columns} <= columns and (key.predicate is None or index.predicate)]
    return index.is_unique and not known


def closest(indexes: Sequence[Index], declared: Index) -> Index | None:
    """Return the index that was probably meant: of the same name, else of the same columns."""
    of_name = [index for index in indexes if index.name == declared.name]
    of_columns = [index for index in indexes if {*index.columns} == {*declared.columns}]
    return next(iter((*of_name, *of_columns)), None)


def differences(index: Index, declared: Index) -> Iterator[str]:
    """Yield in what an index of the database differs from a declared one."""
    if not index.is_valid:
        yield "is invalid"
    if index.method != declared.method:
        yield f"is of the method {index.method}"
    if declared.is_unique and not index.is_unique:
        yield "is not unique"
    if declared.is_unique and index.is_deferrable and not declared.is_deferrable:
        yield "is deferrable"
    if index.nulls_not_distinct != declared.nulls_not_distinct:
        yield f"takes NULLs as {'equal' if index.nulls_not_distinct else 'different'}"
    if not _same_predicate(index, declared):
        yield "holds only some of the rows" if declared.predicate is None else "holds other rows"
    if index.keys != declared.keys:
        yield f"is on ({listed(index)})"
    if not declared.included <= {*index.columns, *index.included}:
        yield f"does not include {', '.join(sorted(declared.included - index.included))}"


def listed(index: Index) -> str:
    """Return the keys of an index as a message shows them."""
    return ", ".join(map(_shown, index.keys))


def _shown(key: IndexKey) -> str:
    nulls = "" if key.nulls_first == key.descending else f" NULLS {'FIRST' if key.nulls_first else 'LAST'}"
    return f"{key.name}{f' {key.operator_class}' if key.operator_class else ''}{' DESC' * key.descending}{nulls}"


def _begins_with(keys: Sequence[IndexKey], wanted: Sequence[IndexKey]) -> bool:
    first = list(keys[: len(wanted)])
    return wanted in (first, [key.reversed for key in first])


def _compares_equal(key: IndexKey) -> bool:
    return key.operator_class is None or key.operator_class.endswith("_pattern_ops")


def _holds_all(index: Index, equal: Collection[str]) -> bool:
    """Return whether it holds every row with given values of these columns: none of them is NULL."""
    if index.predicate is None:
        return True
    parts = index.predicate.replace("(", "").replace(")", "").split(" AND ")
    return all(part.endswith(" IS NOT NULL") and part.removesuffix(" IS NOT NULL") in equal for part in parts)


def _same_predicate(index: Index, declared: Index) -> bool:
    if index.predicate is None or declared.predicate is None:
        return index.predicate is declared.predicate
    return is_same(declared.predicate, index.predicate)
