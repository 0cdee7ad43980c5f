"""Schema instances to column values. Each is validated again by schema, model and column: pydantic can skip that."""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from typing import cast

from pydantic import MISSING, BaseModel, RootModel, ValidationError
from sqlalchemy import Column

from backend.entity.column_types import NESTED_TOO_DEEPLY, NOT_JSON, column_check, is_json, jsonable, null_value
from backend.entity.entity import Entity, ModelT
from backend.entity.field_types import holds_models
from backend.entity.lazy import lazy
from backend.errors import ErrorDetails, InvalidDataError, Problem, UsageError, described, with_article
from backend.input.by_name import NameValidator
from backend.input.model_rules import ModelRules
from backend.input.problems import problems
from backend.input.values import ColumnValues, FieldValues


class _DuplicateKeyError(Exception):
    """A model has a field and an extra field of one name, and its dump would lose one of them."""


class _ColumnWriter:
    """One field's column: its key, its check, and how `None` is written."""

    __slots__ = ("check", "is_json", "key", "null", "nullable")

    def __init__(self, column: Column[object]) -> None:
        self.key = column.key
        self.nullable = column.nullable
        self.null = null_value(column.type)
        self.is_json = is_json(column.type)
        self.check = column_check(column.type)


class SchemaReader:
    """Read one schema's instances as column values, and validate them again.

    Validators of the schema run a second time here, then those of the model, so they must be idempotent.
    """

    def __init__(self, entity: Entity[ModelT], schema: type[BaseModel], operation: str) -> None:
        self._entity = entity
        self._schema = schema
        self._validator = NameValidator(schema)
        self._rules = ModelRules(entity, schema)
        self._details = ErrorDetails(model=entity.name, operation=operation)
        columns = {name: entity.columns[name] for name in schema.model_fields}
        self._writers = {name: _ColumnWriter(column) for name, column in columns.items()}
        self._nested_fields = {name for name, field in schema.model_fields.items() if holds_models(field.annotation)}

    def insert_values(self, data: BaseModel, owner: object = None) -> ColumnValues:
        """Return every field with a value, set or default. Raises `InvalidDataError`; `UsageError` for another class.

        The model's own `@model_validator` functions see the row with its `owner`.
        """
        valid = self._validate(self._raw_values(data, only_set=False))
        return self._column_values(valid, self._writers.keys(), owner, is_row=True)

    def set_columns(self, data: BaseModel) -> frozenset[str]:
        """Return the columns of the fields that were set in `data`: those with a schema's default were not."""
        names = data.model_fields_set & self._writers.keys()
        values_of = vars(data)
        return frozenset(self._writers[name].key for name in names if values_of.get(name, MISSING) is not MISSING)

    def require_values(self, names: Iterable[str], values: ColumnValues) -> None:
        """Raise `InvalidDataError` for the first of these fields that a row has no value for."""
        for name in names:
            if self._writers[name].key not in values:
                raise self._problem(name, "missing", "the key of on= needs a value")

    def update_values(self, data: BaseModel) -> ColumnValues:
        """Return only the fields that the caller or a validator set. Raises what `insert_values` raises."""
        valid = self._validate(self._raw_values(data, only_set=True))
        return self._column_values(valid, self._writers.keys() & valid.model_fields_set, None, is_row=False)

    def _raw_values(self, data: BaseModel, *, only_set: bool) -> Mapping[str, object]:
        if not isinstance(data, self._schema):
            raise UsageError(
                f"{self._details.operation} takes {with_article(self._schema)}, got {described(data)}: "
                f"pass {self._schema.__name__}(…)",
                self._details,
            )
        names = self._writers.keys() & data.model_fields_set if only_set else self._writers
        raw = {name: value for name, value in vars(data).items() if value is not MISSING and name in names}
        if self._nested_fields:
            for name in self._nested_fields & raw.keys():
                raw[name] = self._dump_nested(name, raw[name])
        return raw

    def _dump_nested(self, name: str, value: object) -> object:
        try:
            return _dump_nested(value)
        except _DuplicateKeyError:
            raise self._problem(name, *NOT_JSON) from None
        except RecursionError:
            raise self._problem(name, *NESTED_TOO_DEEPLY) from None

    def _validate(self, raw: Mapping[str, object]) -> BaseModel:
        try:
            return self._validator.validate(raw)
        except ValidationError as error:
            raise self._error(problems(error, self._annotations)) from None

    def _apply_model_rules(self, values: FieldValues, owner: object, *, is_row: bool) -> FieldValues:
        rules, entity = self._rules, self._entity
        values = FieldValues({name: self._to_json(name, value) for name, value in values.items()})
        try:
            if is_row and rules.has_row_rules:
                known = FieldValues({} if entity.owner is None else {entity.owner.attribute: owner})
                return rules.validate_row(values, known)
            return rules.validate_fields(values)
        except ValidationError as error:
            all_problems = problems(error, self._annotations)
        unwritten = {problem.location[0] for problem in all_problems if problem.location} - self._writers.keys()
        if not unwritten:
            raise self._error(all_problems)
        if entity.owner is not None and entity.owner.attribute in unwritten:
            raise UsageError(f"invalid owner for {entity.name}: the model's own rules refuse it", self._details)
        raise UsageError(
            f"{entity.name}.{min(map(str, unwritten))} is given by no schema, and the model's own rules refuse it: "
            "give it a default that they accept",
            self._details,
        )

    def _column_values(self, valid: BaseModel, names: AbstractSet[str], owner: object, *, is_row: bool) -> ColumnValues:
        """Return the values of these fields by column, once the rules of the model and the columns accept them."""
        values_of: Mapping[str, object] = vars(valid)
        if not self._rules.is_noop:
            given = {name: value for name, value in values_of.items() if value is not MISSING and name in names}
            values_of = self._apply_model_rules(FieldValues(given), owner, is_row=is_row)
        result: dict[str, object] = {}
        for name, value in values_of.items():
            if value is MISSING or name not in names:
                continue
            writer = self._writers[name]
            if value is None:
                if not writer.nullable:
                    raise self._problem(name, "none_not_allowed", "None is not allowed here")
                result[writer.key] = writer.null
                continue
            stored = self._to_json(name, value) if writer.is_json else value
            if (refusal := writer.check(stored)) is not None:
                raise self._problem(name, *refusal)
            result[writer.key] = stored
        return ColumnValues(result)

    def _to_json(self, name: str, value: object) -> object:
        if value is None or not self._writers[name].is_json:
            return value
        try:
            return jsonable(value)
        except ValueError:
            raise self._problem(name, *NOT_JSON) from None
        except RecursionError:
            raise self._problem(name, *NESTED_TOO_DEEPLY) from None

    @lazy
    def _annotations(self) -> Mapping[str, Collection[object]]:
        """The annotations that validate each field: the schema's and the model's."""
        of_schema, of_model = self._schema.model_fields, self._entity.model.model_fields
        return {
            name: [fields_of[name].annotation for fields_of in (of_schema, of_model) if name in fields_of]
            for name in (*of_schema, *of_model)
        }

    def _problem(self, name: str, kind: str, message: str) -> InvalidDataError:
        return self._error((Problem((name,), kind, message),))

    def _error(self, all_problems: tuple[Problem, ...]) -> InvalidDataError:
        details = ErrorDetails(
            model=self._details.model,
            operation=self._details.operation,
            fields=tuple(dict.fromkeys(str(problem.location[0]) for problem in all_problems if problem.location)),
        )
        listed = "; ".join(str(problem) for problem in all_problems)
        return InvalidDataError(f"invalid {self._schema.__name__}: {listed}", details, all_problems)


def _dump_nested(value: object) -> object:
    """Return the value with each model in it as a mapping of its fields: pydantic does not validate instances."""
    match value:
        case RootModel():
            return _dump_nested(cast("object", value.root))  # of any type
        case BaseModel():
            values_of = {name: part for name, part in vars(value).items() if name in type(value).model_fields}
            extra = value.model_extra or {}
            if not values_of.keys().isdisjoint(extra):  # an extra field named like one that has an alias
                raise _DuplicateKeyError
            values_of |= extra
            return {name: _dump_nested(part) for name, part in values_of.items() if part is not MISSING}
        case Mapping():
            mapped = cast("Mapping[object, object]", value)  # of any types
            return {key: _dump_nested(part) for key, part in mapped.items()}
        case list() | tuple():
            parts = [_dump_nested(part) for part in cast("Collection[object]", value)]  # of any types
            return tuple(parts) if isinstance(value, tuple) else parts
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: _dump_nested(getattr(value, field.name)) for field in fields(value) if field.init}
        case _:
            return value
