"""Which column each field of a view shows, and the checks of a view when a repository class first reads it.

Each failed check raises a `DefinitionError`. The statements check the expressions, in the scope that they are read in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import NoneType
from typing import Any, Final, Literal, Self, cast, get_args, get_origin

from pydantic import AliasChoices, BaseModel, PydanticUndefinedAnnotation, RootModel
from pydantic.fields import FieldInfo
from sqlalchemy import BindParameter, Column, Over, SQLColumnExpression
from sqlalchemy.orm import QueryableAttribute, RelationshipProperty
from sqlalchemy.sql.elements import ClauseElement, ColumnClause
from sqlalchemy.sql.selectable import SelectBase

from backend.entity.checks.fields import converts, is_exact, listed
from backend.entity.checks.resolving import did_you_mean
from backend.entity.column_types import LOSSLESS_PYTHON_TYPES, python_type, value_classes
from backend.entity.entity import Entity
from backend.entity.field_types import UnionMember, members, value_members
from backend.entity.validators import field_validators
from backend.errors import DefinitionError, described


@dataclass(frozen=True, slots=True, eq=False)
class Shows:
    """The column or expression that a field of a view is declared to show, in the field's metadata."""

    column: object

    def __deepcopy__(self, _memo: object) -> Self:
        """Return the same mark: pydantic copies the fields that a class inherits."""
        return self


def view_columns(entity: Entity[Any], view: type[BaseModel]) -> Mapping[str, SQLColumnExpression[object]]:
    """Return what each field of a view shows. Raises `DefinitionError` for a class that cannot be one."""
    _check_view(entity, view)
    return {name: _column(entity, view, name, field) for name, field in view.model_fields.items()}


def _check_view(entity: Entity[Any], view: object) -> None:
    got = described(view)
    if isinstance(view, BaseModel):
        name = type(view).__name__
        raise DefinitionError(f"as_() takes a class, got an instance of {name}: write as_({name})")
    if not isinstance(view, type) or not issubclass(view, BaseModel):
        raise DefinitionError(f"as_() takes a pydantic model, got {got}: declare the fields to read as one")
    if view.model_config.get("table", False):
        raise DefinitionError(
            f"as_() takes a pydantic model without a table, got {view.__name__}: leave as_() out to read a whole "
            f"{entity.name}, or declare a class without table=True"
        )
    if issubclass(view, RootModel) or not view.model_fields:
        raise DefinitionError(f"{view.__name__} has no fields of its own: declare those to read, as name: type")
    try:
        view.model_rebuild()
    except PydanticUndefinedAnnotation as error:
        raise DefinitionError(
            f"{view.__name__} names {error.name}, which is not defined: define it before as_({view.__name__}) is called"
        ) from None


def _column(entity: Entity[Any], view: type[BaseModel], name: str, field: FieldInfo) -> SQLColumnExpression[object]:
    place = f"{view.__name__}.{name}"
    mark = next((part for part in field.metadata if isinstance(part, Shows)), None)
    shown = None if mark is None else mark.column
    key = _key_of_name(entity, place, name, field) if mark is None else _key_of_column(entity, place, shown)
    if key is None:
        _check_expression(place, _element(shown))
        return cast("SQLColumnExpression[object]", shown)  # the statements check it
    _check_field(entity, view, name, key)
    return entity.columns[key]


def _key_of_name(entity: Entity[Any], place: str, name: str, field: FieldInfo) -> str:
    for key in (name, *_aliases(field)):
        if key in entity.columns:
            return key
    hint = did_you_mean(name, entity.columns)
    if field.is_required():
        raise DefinitionError(f"{place} is no column of {entity.name}: {hint}")
    raise DefinitionError(
        f"{place} has a default and is no column of {entity.name} ({hint}): rename it, or make it a @computed_field"
    )


def _aliases(field: FieldInfo) -> Iterator[str]:
    validation = field.validation_alias
    choices = validation.choices if isinstance(validation, AliasChoices) else (validation,)
    yield from (alias for alias in (field.alias, *choices) if isinstance(alias, str))


def _key_of_column(entity: Entity[Any], place: str, shown: object) -> str | None:
    """Return the attribute of a column of the model; `None` for an expression, or what is none."""
    element = _element(shown)
    if isinstance(shown, QueryableAttribute):
        _check_attribute(entity, place, cast("QueryableAttribute[object]", shown))  # of any type
    if not isinstance(element, ColumnClause) or element.table is not entity.table:
        return None
    return next((key for key, column in entity.columns.items() if element.compare(column)), None)


def _check_attribute(entity: Entity[Any], place: str, shown: QueryableAttribute[object]) -> None:
    model = shown.class_.__name__
    if isinstance(shown.property, RelationshipProperty):
        raise DefinitionError(
            f"{place} shows the relationship {model}.{shown.key}, expected a column: show a column of the other model "
            "by a subquery, or read its rows with their own repository"
        )
    if shown.class_ is not entity.model and getattr(_element(shown), "table", None) is not entity.table:
        raise DefinitionError(
            f"{place} shows {model}.{shown.key}, which is no column of {entity.name}: write a subquery, "
            f"shows(select(col({model}.{shown.key})).where(…).scalar_subquery())"
        )


def _element(shown: object) -> object:
    """Return the SQL element of a column, an attribute of a model or another wrapper of one."""
    if isinstance(shown, QueryableAttribute):
        return cast("object", shown.expression)  # of any type
    make = getattr(shown, "__clause_element__", None)
    return shown if make is None else make()


def _check_expression(place: str, element: object) -> None:
    for part in _computed_per_row(element) if isinstance(element, ClauseElement) else ():
        function = str(getattr(part, "name", ""))
        if isinstance(part, BindParameter) and part.required:
            raise DefinitionError(f"{place} has the parameter {part.key!r}, which no call gives: write its value")
        if part.__visit_name__ == "function" and function.lower() in _NOT_PER_ROW:
            raise DefinitionError(
                f"{place} shows {function}(), which gives no value for each row: write it in a subquery, "
                "select(…).scalar_subquery()"
            )


def _computed_per_row(element: ClauseElement) -> Iterator[ClauseElement]:
    """Yield an element and its parts, without subqueries and functions over a window."""
    yield element
    if not isinstance(element, SelectBase | Over):
        for child in element.get_children():
            yield from _computed_per_row(child)


def _check_field(entity: Entity[Any], view: type[BaseModel], name: str, key: str) -> None:
    """Raise `DefinitionError` for a field that refuses NULL or every other value of its column."""
    field, column = view.model_fields[name], entity.columns[key]
    if field_validators(view, name) or any(map(converts, members(field))):
        return
    place, source = f"{view.__name__}.{name}", f"{entity.name}.{key}"
    if column.nullable and not any(map(_takes_none, members(field))):
        raise DefinitionError(f"{place} forbids None, and {source} may be NULL: add | None to its type")
    accepted = value_members(field)
    if accepted and not any(_may_take(member, column) for member in accepted):
        kind = getattr(accepted[0].kind, "__name__", str(accepted[0].kind))
        raise DefinitionError(
            f"{place} is {kind}, and {source} holds {listed(column)}: declare it so, or convert it, "
            f"Annotated[{kind}, BeforeValidator(…)]"
        )


def _takes_none(member: UnionMember) -> bool:
    kind = member.kind
    return kind is NoneType or kind is Any or kind is object or (get_origin(kind) is Literal and None in get_args(kind))


def _may_take(member: UnionMember, column: Column[object]) -> bool:
    """Return whether pydantic may make an instance of the member's class from a value of the column."""
    kind = get_origin(member.kind) or member.kind
    stored = python_type(column.type)
    if not isinstance(kind, type) or not is_exact(kind):
        return True
    if stored is not None and stored in LOSSLESS_PYTHON_TYPES:
        return issubclass(stored, _WIDER.get(kind, kind)) and not (kind is date and stored is datetime)
    classes = value_classes(column.type)
    takes = _WIDER.get(kind, kind)
    return not classes or issubclass(kind, classes) or any(issubclass(taken, takes) for taken in classes)


_WIDER: Final[Mapping[type, tuple[type, ...]]] = {
    float: (int, float, Decimal),
    Decimal: (int, float, Decimal),
    **dict.fromkeys((list, tuple, set, frozenset), (list, tuple)),
}
"""The classes of column values that pydantic converts to another class without refusing any."""

_NOT_PER_ROW: Final = frozenset({
    "aggregate_strings", "any_value", "array_agg", "avg", "bit_and", "bit_or", "bit_xor", "bool_and", "bool_or",
    "corr", "count", "covar_pop", "covar_samp", "every", "generate_series", "generate_subscripts", "json_agg",
    "json_array_elements", "json_array_elements_text", "json_each", "json_each_text", "json_object_agg",
    "json_object_keys", "jsonb_agg", "jsonb_array_elements", "jsonb_array_elements_text", "jsonb_each",
    "jsonb_each_text", "jsonb_object_agg", "jsonb_object_keys", "jsonb_path_query", "max", "min", "mode",
    "percentile_cont", "percentile_disc", "range_agg", "range_intersect_agg", "regexp_matches",
    "regexp_split_to_table", "stddev", "stddev_pop", "stddev_samp", "string_agg", "string_to_table", "sum", "unnest",
    "var_pop", "var_samp", "variance", "xmlagg",
})  # fmt: skip
"""Aggregates, which make one row of all, and functions that make several rows of one."""
