"""Data to column values: what reaches SQL has passed the schema, however the instance was made or changed since."""

from collections.abc import Collection, Iterable, Mapping
from typing import cast

from pydantic import MISSING, BaseModel, TypeAdapter, ValidationError

from backend.errors import Facts, InvalidDataError, Problem, UsageError
from backend.statements.entity import Entity, ModelT

Values = dict[str, object]
"""Column values by the column's key in the table."""


class Intake:
    """Reads one schema's instances: validated again, by field, as column values.

    Validators of the schema run a second time here, so they must be idempotent.
    """

    def __init__(self, entity: Entity[ModelT], schema: type[BaseModel], operation: str) -> None:
        self._schema = schema
        self._adapter = TypeAdapter[BaseModel](schema)
        self._facts = Facts(model=entity.name, operation=operation)
        self._columns = {name: entity.columns[name].key for name in schema.model_fields}
        self._not_null = frozenset(name for name in schema.model_fields if not entity.columns[name].nullable)

    def everything(self, data: BaseModel) -> Values:
        """Every field that has a value, set or default. Raises `InvalidDataError`, `UsageError` for another class."""
        given = self._given(data, self._columns)
        valid = vars(self._valid(given))
        return self._as_columns({name: valid[name] for name in self._columns if name in valid})

    def set_fields(self, data: BaseModel) -> Values:
        """Exactly the fields that were set, `None` included. Raises as `everything` does."""
        given = self._given(data, getattr(data, "model_fields_set", ()))
        valid = vars(self._valid(given))
        return self._as_columns({name: valid[name] for name in given if name in valid})

    def _given(self, data: BaseModel, names: Iterable[str]) -> Values:
        if not isinstance(data, self._schema):
            raise UsageError(
                f"{self._facts.operation} takes a {self._schema.__name__}, got a {type(data).__name__}: "
                f"pass {self._schema.__name__}(…)",
                self._facts,
            )
        held = vars(data)
        return {
            name: held[name] for name in names if name in self._columns and name in held and held[name] is not MISSING
        }

    def _valid(self, given: Values) -> BaseModel:
        try:
            return self._adapter.validate_python(given, by_name=True, by_alias=False)
        except ValidationError as error:
            raise self._invalid(_problems(error)) from None

    def _as_columns(self, values: Mapping[str, object]) -> Values:
        columns = self._columns
        result: Values = {}
        for name, value in values.items():
            if value is MISSING:
                continue
            if value is None and name in self._not_null:
                raise self._invalid((Problem((name,), "none_not_allowed", "None is not allowed here"),))
            if not is_storable(value):
                message = "text holds a NUL or a lone surrogate, which PostgreSQL cannot store"
                raise self._invalid((Problem((name,), "unstorable_text", message),))
            result[columns[name]] = value
        return result

    def _invalid(self, problems: tuple[Problem, ...]) -> InvalidDataError:
        facts = Facts(
            model=self._facts.model,
            operation=self._facts.operation,
            fields=tuple(dict.fromkeys(str(problem.location[0]) for problem in problems if problem.location)),
        )
        said = "; ".join(str(problem) for problem in problems)
        return InvalidDataError(f"invalid {self._schema.__name__}: {said}", facts, problems)


def _problems(error: ValidationError) -> tuple[Problem, ...]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple(Problem(tuple(one["loc"]), one["type"], one["msg"]) for one in found)


def is_storable(value: object) -> bool:
    """Whether PostgreSQL can hold the text in the value: neither a NUL nor a lone surrogate, at any depth."""
    if isinstance(value, str):
        return "\0" not in value and (value.isascii() or _encodes(value))
    if isinstance(value, Mapping):
        held = cast("Mapping[object, object]", value)  # what it maps is looked at here
        return all(is_storable(part) for pair in held.items() for part in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return all(is_storable(part) for part in cast("Collection[object]", value))  # what it holds is looked at here
    return True


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
