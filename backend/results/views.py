"""Views: pydantic models of some columns of a model, read without its entity.

`entity.checks.views` decides which column a field shows, and checks it.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias, cast, overload

from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import SQLColumnExpression
from typing_extensions import TypeVar

from backend.entity.checks.views import Shows
from backend.entity.entity import Entity, ModelT
from backend.errors import ErrorDetails, UnreadableRowError
from backend.input.by_name import NameValidator
from backend.input.problems import problems

T = TypeVar("T")
ViewT = TypeVar("ViewT", bound=BaseModel)

ViewBuilder: TypeAlias = Callable[[Sequence[Sequence[object]]], list[ViewT]]
"""A function that builds a view from each row."""


@overload
def shows(column: SQLColumnExpression[T], /) -> T: ...
@overload
def shows(column: T, /) -> T: ...
def shows(column: object, /) -> object:
    """Declare what a field of a view shows: another column than its name says, or an SQL expression.

        class TicketLine(BaseModel):
            name: str = shows(Ticket.title)
            length: int = shows(func.length(col(Ticket.title)))

    A subquery over an owned model sees the rows of the scope. The field has no default.
    """
    field = Field()
    field.metadata.append(Shows(column))
    return field


def view_builder(entity: Entity[ModelT], view: type[ViewT], names: Sequence[str]) -> ViewBuilder[ViewT]:
    """Return a builder of views from rows that begin with the values of these fields.

    It validates by the names of the fields, and raises `UnreadableRowError`, which never shows a value.
    """
    validate = NameValidator(view).validate
    annotations = {name: (field.annotation,) for name, field in view.model_fields.items()}

    def build(rows: Sequence[Sequence[object]]) -> list[ViewT]:
        try:
            built = [validate(dict(zip(names, row, strict=False))) for row in rows]
            return cast("list[ViewT]", built)  # instances of the view
        except ValidationError as error:
            found = problems(error, annotations)
        fields = tuple(dict.fromkeys(str(problem.location[0]) for problem in found if problem.location))
        listed = "; ".join(map(str, found))
        raise UnreadableRowError(
            f"{view.__name__} refuses a stored {entity.name}: {listed}", ErrorDetails(entity.name, fields=fields)
        )

    return build
