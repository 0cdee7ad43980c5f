"""Data to column values: what reaches SQL has passed schema, model and column, however the instance was made."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import cast

from pydantic import MISSING, BaseModel, RootModel, ValidationError
from sqlalchemy import Column

from backend.entity.column_types import column_check, is_json, jsonable, null_value
from backend.entity.column_values.documents import NESTED_TOO_DEEPLY, NOT_JSON
from backend.entity.entity import Entity, ModelT
from backend.entity.field_types import holds_models
from backend.entity.lazy import lazy
from backend.errors import ErrorDetails, InvalidDataError, Problem, UsageError, described, with_article
from backend.input.by_name import NameValidator
from backend.input.model_rules import ModelRules
from backend.input.problems import problems

Values = dict[str, object]
"""Column values by the column's key in the table."""


class _MeetingKeysError(Exception):
    """Two values of a model would become one in its dump."""


class _ColumnWriter:
    """How one field is written."""

    __slots__ = ("check", "is_json", "key", "null", "nullable")

    def __init__(self, column: Column[object]) -> None:
        self.key = column.key
        self.nullable = column.nullable
        self.null = null_value(column.type)
        self.is_json = is_json(column.type)
        self.check = column_check(column.type)


class SchemaReader:
    """Reads one schema's instances: validated again, by field, as column values.

    Validators of the schema run a second time here, and those of the model after them, so they must be idempotent.
    """

    def __init__(self, entity: Entity[ModelT], schema: type[BaseModel], operation: str) -> None:
        self._entity = entity
        self._schema = schema
        self._validator = NameValidator(schema)
        self._rules = ModelRules(entity, schema)
        self._details = ErrorDetails(model=entity.name, operation=operation)
        columns = {name: entity.columns[name] for name in schema.model_fields}
        self._writes = {name: _ColumnWriter(column) for name, column in columns.items()}
        self._nesting = {name for name, field in schema.model_fields.items() if holds_models(field.annotation)}

    def for_insert(self, data: BaseModel, owner: object = None) -> Values:
        """Every field that has a value, set or default. Raises `InvalidDataError`, `UsageError` for another class.

        Model-level validators of the model see the row with its `owner`.
        """
        valid = vars(self._validate(self._raw_values(data, self._writes)))
        values = {name: valid[name] for name in self._writes if valid.get(name, MISSING) is not MISSING}
        return self._to_column_values(self._apply_model_rules(values, owner, is_row=True))

    def for_update(self, data: BaseModel) -> Values:
        """Exactly the fields that were set, by the caller or by a validator. Raises as `for_insert` does."""
        valid = self._validate(self._raw_values(data, getattr(data, "model_fields_set", ())))
        values_of = vars(valid)
        values = {
            name: values_of[name]
            for name in self._writes
            if name in valid.model_fields_set and values_of[name] is not MISSING
        }
        return self._to_column_values(self._apply_model_rules(values, None, is_row=False))

    def _raw_values(self, data: BaseModel, names: Iterable[str]) -> Values:
        if not isinstance(data, self._schema):
            raise UsageError(
                f"{self._details.operation} takes {with_article(self._schema)}, got {described(data)}: "
                f"pass {self._schema.__name__}(…)",
                self._details,
            )
        values_of = vars(data)
        found = {
            name: values_of[name]
            for name in names
            if name in self._writes and name in values_of and values_of[name] is not MISSING
        }
        for name in self._nesting & found.keys():
            found[name] = self._dump_nested(name, found[name])
        return found

    def _dump_nested(self, name: str, value: object) -> object:
        try:
            return _dump_nested(value)
        except _MeetingKeysError:
            raise self._problem(name, *NOT_JSON) from None
        except RecursionError:
            raise self._problem(name, *NESTED_TOO_DEEPLY) from None

    def _validate(self, raw: Values) -> BaseModel:
        try:
            return self._validator.validate(raw)
        except ValidationError as error:
            raise self._error(problems(error, self._annotations)) from None

    def _apply_model_rules(self, values: Values, owner: object, *, is_row: bool) -> Mapping[str, object]:
        rules, entity = self._rules, self._entity
        if rules.is_noop:
            return values
        values = {name: self._to_json(name, value) for name, value in values.items()}
        try:
            if is_row and rules.has_row_rules:
                return rules.validate_row(values, {} if entity.owner is None else {entity.owner: owner})
            return rules.validate_fields(values)
        except ValidationError as error:
            found = problems(error, self._annotations)
        refused = {one.location[0] for one in found if one.location} - self._writes.keys()
        if not refused:
            raise self._error(found)
        if entity.owner in refused:
            raise UsageError(f"invalid owner for {entity.name}: the model's own rules refuse it", self._details)
        raise UsageError(
            f"{entity.name}.{min(map(str, refused))} is given by no schema, and the model's own rules refuse it: "
            "give it a default that they accept",
            self._details,
        )

    def _to_column_values(self, values: Mapping[str, object]) -> Values:
        result: Values = {}
        for name, value in values.items():
            write = self._writes[name]
            if value is None:
                if not write.nullable:
                    raise self._problem(name, "none_not_allowed", "None is not allowed here")
                result[write.key] = write.null
                continue
            stored = self._to_json(name, value)
            if (refusal := write.check(stored)) is not None:
                raise self._problem(name, *refusal)
            result[write.key] = stored
        return result

    def _to_json(self, name: str, value: object) -> object:
        if value is None or not self._writes[name].is_json:
            return value
        try:
            return jsonable(value)
        except ValueError:
            raise self._problem(name, *NOT_JSON) from None
        except RecursionError:
            raise self._problem(name, *NESTED_TOO_DEEPLY) from None

    @lazy
    def _annotations(self) -> Mapping[str, Collection[object]]:
        """What a field's values are read by."""
        of_schema, of_model = self._schema.model_fields, self._entity.model.model_fields
        return {
            name: [one[name].annotation for one in (of_schema, of_model) if name in one]
            for name in (*of_schema, *of_model)
        }

    def _problem(self, name: str, kind: str, message: str) -> InvalidDataError:
        return self._error((Problem((name,), kind, message),))

    def _error(self, found: tuple[Problem, ...]) -> InvalidDataError:
        details = ErrorDetails(
            model=self._details.model,
            operation=self._details.operation,
            fields=tuple(dict.fromkeys(str(problem.location[0]) for problem in found if problem.location)),
        )
        said = "; ".join(str(problem) for problem in found)
        return InvalidDataError(f"invalid {self._schema.__name__}: {said}", details, found)


def _dump_nested(value: object) -> object:
    """The value with every model in it as its fields, so that it is validated again: pydantic trusts instances."""
    match value:
        case RootModel():
            return _dump_nested(cast("object", value.root))  # whichever type it has
        case BaseModel():
            values_of = {name: one for name, one in vars(value).items() if name in type(value).model_fields}
            extra = value.model_extra or {}
            if not values_of.keys().isdisjoint(extra):  # a further field with the name of one whose alias was given
                raise _MeetingKeysError
            values_of |= extra
            return {name: _dump_nested(one) for name, one in values_of.items() if one is not MISSING}
        case Mapping():
            mapped = cast("Mapping[object, object]", value)  # what it maps is looked at here
            return {key: _dump_nested(one) for key, one in mapped.items()}
        case list() | tuple():
            parts = [_dump_nested(one) for one in cast("Collection[object]", value)]  # what it holds is looked at here
            return tuple(parts) if isinstance(value, tuple) else parts
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {one.name: _dump_nested(getattr(value, one.name)) for one in fields(value) if one.init}
        case _:
            return value
