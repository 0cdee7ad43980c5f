"""Data to column values: what reaches SQL has passed schema, model and column, however the instance was made."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import cast

from pydantic import MISSING, BaseModel, RootModel, ValidationError
from sqlalchemy import Column

from backend.entity.column_types import check_of, is_json, jsonable, null_of
from backend.entity.column_values.documents import NESTED_TOO_DEEPLY, NOT_JSON
from backend.entity.entity import Entity, ModelT
from backend.entity.field_types import holds_models
from backend.entity.lazy import lazy
from backend.errors import Facts, InvalidDataError, Problem, UsageError, described, with_article
from backend.input.by_name import NameValidator
from backend.input.model_rules import ModelRules
from backend.input.problems import problems

Values = dict[str, object]
"""Column values by the column's key in the table."""


class _MeetingKeysError(Exception):
    """Two values of a model would become one in its dump."""


class _Write:
    """How one field is written."""

    __slots__ = ("check", "is_json", "key", "null", "nullable")

    def __init__(self, column: Column[object]) -> None:
        self.key = column.key
        self.nullable = column.nullable
        self.null = null_of(column.type)
        self.is_json = is_json(column.type)
        self.check = check_of(column.type)


class Intake:
    """Reads one schema's instances: validated again, by field, as column values.

    Validators of the schema run a second time here, and those of the model after them, so they must be idempotent.
    """

    def __init__(self, entity: Entity[ModelT], schema: type[BaseModel], operation: str) -> None:
        self._entity = entity
        self._schema = schema
        self._validator = NameValidator(schema)
        self._rules = ModelRules(entity, schema)
        self._facts = Facts(model=entity.name, operation=operation)
        columns = {name: entity.columns[name] for name in schema.model_fields}
        self._writes = {name: _Write(column) for name, column in columns.items()}
        self._nesting = {name for name, field in schema.model_fields.items() if holds_models(field.annotation)}

    def everything(self, data: BaseModel, owner: object = None) -> Values:
        """Every field that has a value, set or default. Raises `InvalidDataError`, `UsageError` for another class.

        Model-level validators of the model see the row with its `owner`.
        """
        valid = vars(self._valid(self._given(data, self._writes)))
        values = {name: valid[name] for name in self._writes if valid.get(name, MISSING) is not MISSING}
        return self._as_columns(self._ruled(values, owner, is_row=True))

    def set_fields(self, data: BaseModel) -> Values:
        """Exactly the fields that were set, by the caller or by a validator. Raises as `everything` does."""
        valid = self._valid(self._given(data, getattr(data, "model_fields_set", ())))
        held = vars(valid)
        values = {
            name: held[name] for name in self._writes if name in valid.model_fields_set and held[name] is not MISSING
        }
        return self._as_columns(self._ruled(values, None, is_row=False))

    def _given(self, data: BaseModel, names: Iterable[str]) -> Values:
        if not isinstance(data, self._schema):
            raise UsageError(
                f"{self._facts.operation} takes {with_article(self._schema)}, got {described(data)}: "
                f"pass {self._schema.__name__}(…)",
                self._facts,
            )
        held = vars(data)
        found = {
            name: held[name] for name in names if name in self._writes and name in held and held[name] is not MISSING
        }
        for name in self._nesting & found.keys():
            found[name] = self._plain(name, found[name])
        return found

    def _plain(self, name: str, value: object) -> object:
        try:
            return _plain(value)
        except _MeetingKeysError:
            raise self._refused(name, *NOT_JSON) from None
        except RecursionError:
            raise self._refused(name, *NESTED_TOO_DEEPLY) from None

    def _valid(self, given: Values) -> BaseModel:
        try:
            return self._validator.validate(given)
        except ValidationError as error:
            raise self._invalid(problems(error, self._annotations)) from None

    def _ruled(self, values: Values, owner: object, *, is_row: bool) -> Mapping[str, object]:
        rules, entity = self._rules, self._entity
        if rules.asks_nothing:
            return values
        values = {name: self._stored(name, value) for name, value in values.items()}
        try:
            if is_row and rules.has_row_rules:
                return rules.row(values, {} if entity.owner is None else {entity.owner: owner})
            return rules.fields(values)
        except ValidationError as error:
            found = problems(error, self._annotations)
        refused = {one.location[0] for one in found if one.location} - self._writes.keys()
        if not refused:
            raise self._invalid(found)
        if entity.owner in refused:
            raise UsageError(f"invalid owner for {entity.name}: the model's own rules refuse it", self._facts)
        raise UsageError(
            f"{entity.name}.{min(map(str, refused))} is given by no schema, and the model's own rules refuse it: "
            "give it a default that they accept",
            self._facts,
        )

    def _as_columns(self, values: Mapping[str, object]) -> Values:
        result: Values = {}
        for name, value in values.items():
            write = self._writes[name]
            if value is None:
                if not write.nullable:
                    raise self._refused(name, "none_not_allowed", "None is not allowed here")
                result[write.key] = write.null
                continue
            stored = self._stored(name, value)
            if (refusal := write.check(stored)) is not None:
                raise self._refused(name, *refusal)
            result[write.key] = stored
        return result

    def _stored(self, name: str, value: object) -> object:
        if value is None or not self._writes[name].is_json:
            return value
        try:
            return jsonable(value)
        except ValueError:
            raise self._refused(name, *NOT_JSON) from None
        except RecursionError:
            raise self._refused(name, *NESTED_TOO_DEEPLY) from None

    @lazy
    def _annotations(self) -> Mapping[str, Collection[object]]:
        """What a field's values are read by."""
        of_schema, of_model = self._schema.model_fields, self._entity.model.model_fields
        return {
            name: [one[name].annotation for one in (of_schema, of_model) if name in one]
            for name in (*of_schema, *of_model)
        }

    def _refused(self, name: str, kind: str, message: str) -> InvalidDataError:
        return self._invalid((Problem((name,), kind, message),))

    def _invalid(self, found: tuple[Problem, ...]) -> InvalidDataError:
        facts = Facts(
            model=self._facts.model,
            operation=self._facts.operation,
            fields=tuple(dict.fromkeys(str(problem.location[0]) for problem in found if problem.location)),
        )
        said = "; ".join(str(problem) for problem in found)
        return InvalidDataError(f"invalid {self._schema.__name__}: {said}", facts, found)


def _plain(value: object) -> object:
    """The value with every model in it as its fields, so that it is validated again: pydantic trusts instances."""
    match value:
        case RootModel():
            return _plain(cast("object", value.root))  # whichever type it has
        case BaseModel():
            held = {name: one for name, one in vars(value).items() if name in type(value).model_fields}
            extra = value.model_extra or {}
            if not held.keys().isdisjoint(extra):  # a further field with the name of one whose alias was given
                raise _MeetingKeysError
            held |= extra
            return {name: _plain(one) for name, one in held.items() if one is not MISSING}
        case Mapping():
            mapped = cast("Mapping[object, object]", value)  # what it maps is looked at here
            return {key: _plain(one) for key, one in mapped.items()}
        case list() | tuple():
            parts = [_plain(one) for one in cast("Collection[object]", value)]  # what it holds is looked at here
            return tuple(parts) if isinstance(value, tuple) else parts
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {one.name: _plain(getattr(value, one.name)) for one in fields(value) if one.init}
        case _:
            return value
