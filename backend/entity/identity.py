"""The primary key: which values are ids, which row has one, and how a statement is given many of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from typing import Any, Final, TypeGuard

from sqlalchemy import ARRAY, BigInteger, Column, ColumnElement, and_, any_, bindparam, column, func
from typing_extensions import override

from backend.entity.column_types import Check, column_check, compares_as_python
from backend.entity.lazy import lazy
from backend.entity.parameters import ID_PARAMETER, id_parameter, keys_parameter
from backend.errors import UsageError, described, with_article

Key = tuple[object, ...]
"""The values of the key columns, in the order of the table's primary key."""


@dataclass(frozen=True, slots=True, eq=False)
class KeyColumn:
    """One column of a primary key."""

    attribute: str
    column: Column[object]
    python_type: type
    """The class of this part of an id."""
    position: int
    """Where the column is in `Entity.columns`."""


@dataclass(frozen=True, slots=True, eq=False)
class GivenKeys:
    """Keys that a statement has as parameters, one array for each column, as a table with a row for each key."""

    columns: tuple[ColumnElement[object], ...]
    position: ColumnElement[int]
    """Which of the given keys it is, from 1."""

    def equal(self, columns: Sequence[ColumnElement[object]]) -> list[ColumnElement[bool]]:
        """Return the conditions that these columns of a row have one of the keys."""
        return [one == given for one, given in zip(columns, self.columns, strict=True)]


def given_keys(columns: Sequence[ColumnElement[object]]) -> GivenKeys:
    """Return the keys of `key_parameters`, whose parts have the types of these columns."""
    arrays = [_array_parameter(at, one) for at, one in enumerate(columns)]
    names = [column(f"key_{at}", one.type) for at, one in enumerate(columns)]
    position = column("position", BigInteger())
    table = func.unnest(*arrays).table_valued(*names, with_ordinality=position.name).render_derived()
    return GivenKeys(tuple(table.c[name.name] for name in names), table.c[position.name])


def is_given(columns: Sequence[ColumnElement[object]]) -> Sequence[ColumnElement[bool]]:
    """Return the conditions that these columns of a row have one of the keys of `key_parameters`."""
    if len(columns) == 1:
        return [columns[0] == any_(_array_parameter(0, columns[0]))]
    return given_keys(columns).equal(columns)


def key_parameters(keys: Collection[Key], width: int) -> dict[str, object]:
    """Return the parameters of `given_keys` and `is_given` for keys of this many columns."""
    return {keys_parameter(at): [key[at] for key in keys] for at in range(width)}


class Identity(ABC):
    """The primary key of a model. Its columns are in the order of the table's key."""

    def __init__(self, model: str, key: Sequence[KeyColumn]) -> None:
        self.columns: tuple[Column[object], ...] = tuple(part.column for part in key)
        self.attributes: tuple[str, ...] = tuple(part.attribute for part in key)
        self.fields: tuple[str, ...] = self.attributes
        """The attributes in the order of an id's parts."""
        self.key: tuple[KeyColumn, ...] = tuple(key)
        self.parameter_names: tuple[str, ...] = (
            (ID_PARAMETER,) if len(key) == 1 else tuple(map(id_parameter, range(len(key))))
        )
        """The names of `parameters`."""
        self._model = model

    @abstractmethod
    def values(self, id: object) -> Key:
        """Return the parts of an id for which `fits` was called."""

    @abstractmethod
    def id_from(self, parts: Sequence[object]) -> object:
        """Return the id that has these parts."""

    @abstractmethod
    def fits(self, id: object, position: int | None = None) -> bool:
        """Return whether the columns can store this id. Raises `UsageError` for a value of another type.

        Its message names the position that the id has among several, if one is given.
        """

    @abstractmethod
    def parameters(self, id: object) -> dict[str, object]:
        """Return the parameters of `condition`."""

    @property
    def condition(self) -> ColumnElement[bool]:
        """Return the condition that the row with the id of `parameters` meets."""
        return and_(*(one == bindparam(name) for one, name in zip(self.columns, self.parameter_names, strict=True)))

    def array_parameters(self, ids: Sequence[object]) -> dict[str, object]:
        """Return the parameters of `is_given` and `given_keys` for these ids."""
        return key_parameters([*map(self.values, ids)], len(self.columns))

    @lazy
    def is_matched_by_value(self) -> bool:
        """Return whether a row of `is_given` can be matched to its id by `columns[0]`, without `given_keys`.

        It is cheaper, but possible only for one column whose values equal the id also in Python, which those of a
        column that ignores case do not.
        """
        return len(self.columns) == 1 and compares_as_python(self.columns[0])

    def of(self, row: Sequence[object]) -> Key:
        """Return the key of a row whose values are in the order of `Entity.columns`."""
        return tuple(row[part.position] for part in self.key)

    @lazy
    def _checks(self) -> tuple[Check, ...]:
        return tuple(column_check(one.type) for one in self.columns)


class ScalarIdentity(Identity):
    """A primary key of one column, whose value is the id."""

    @override
    def __init__(self, model: str, part: KeyColumn) -> None:
        super().__init__(model, (part,))
        self._type = part.python_type
        self._other_types = _NOT_INSTANCES.get(part.python_type, ())

    @override
    def values(self, id: object) -> Key:
        return (id,)

    @override
    def id_from(self, parts: Sequence[object]) -> object:
        return parts[0]

    @override
    def fits(self, id: object, position: int | None = None) -> bool:
        if not isinstance(id, self._type) or isinstance(id, self._other_types):
            expected = with_article(self._type)
            raise UsageError(
                f"an id of {self._model} is {expected}, got {described(id)}{_at(position)}: pass {expected}"
            )
        return self._check(id) is None

    @override
    def parameters(self, id: object) -> dict[str, object]:
        return {ID_PARAMETER: id}

    @lazy
    def _check(self) -> Check:
        return self._checks[0]


class CompositeIdentity(Identity):
    """A primary key of several columns. The id is a `NamedTuple` of their attributes, or a tuple in their order."""

    @override
    def __init__(self, model: str, key: Sequence[KeyColumn], id_type: type[Key]) -> None:
        super().__init__(model, key)
        self._type = id_type
        self._kinds = [
            (part.python_type, _NOT_INSTANCES.get(part.python_type, ()), part.attribute) for part in self.key
        ]
        self._is_named = id_type is not tuple
        if self._is_named:
            self.fields: tuple[str, ...] = getattr(id_type, "_fields", ())
        self._parts: Callable[[Any], Key] = itemgetter(*map(self.fields.index, self.attributes))
        self._in_field_order: Callable[[Any], Key] = itemgetter(*map(self.attributes.index, self.fields))

    @override
    def values(self, id: object) -> Key:
        return self._parts(id)

    @override
    def id_from(self, parts: Sequence[object]) -> object:
        values = self._in_field_order(parts)
        make: Callable[[Key], object] = getattr(self._type, "_make", tuple)
        return make(values)

    @override
    def fits(self, id: object, position: int | None = None) -> bool:
        if not _is_tuple(id, self._type):
            raise self._refusal(f"is {self._expected}, got {described(id)}", position)
        if len(id) != len(self.columns):
            raise self._refusal(f"has {len(self.columns)} parts, got {len(id)}", position)
        key = self._parts(id)
        for value, (kind, other_kinds, attribute) in zip(key, self._kinds, strict=True):
            if not isinstance(value, kind) or isinstance(value, other_kinds):
                expected = f"{with_article(kind)} as {attribute}"
                raise self._refusal(f"has {expected}, got {described(value)}", position)
        return all(check(value) is None for value, check in zip(key, self._checks, strict=True))

    @override
    def parameters(self, id: object) -> dict[str, object]:
        return dict(zip(self.parameter_names, self._parts(id), strict=True))

    def _refusal(self, fact: str, position: int | None) -> UsageError:
        values = ", ".join(f"{field}=…" if self._is_named else field for field in self.fields)
        name = self._type.__name__ if self._is_named else ""
        return UsageError(f"an id of {self._model} {fact}{_at(position)}: pass {name}({values})")

    @property
    def _expected(self) -> str:
        if self._is_named:
            return with_article(self._type)
        return f"a tuple[{', '.join(part.python_type.__name__ for part in self.key)}]"


_NOT_INSTANCES: Final[dict[type, tuple[type, ...]]] = {int: (bool,), date: (datetime,)}
"""Subclasses whose values are of another type for a column."""


def _is_tuple(id: object, kind: type[Key]) -> TypeGuard[Key]:
    return isinstance(id, kind)


def _at(position: int | None) -> str:
    return "" if position is None else f" at position {position}"


def _array_parameter(at: int, one: ColumnElement[object]) -> ColumnElement[Any]:  # of an array of its type
    return bindparam(keys_parameter(at), type_=ARRAY(one.type, dimensions=1))
