"""Whether a condition stays where it is put: beside the owner's condition, never around it. No I/O.

SQLAlchemy sets parentheses by what an element says of itself. An element that says too little renders its OR, its comma
or its ORDER BY beside the owner's condition: `~type_coerce(or_(…), Boolean)` is one.
"""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import ClauseElement

from backend.errors import UsageError

_BARE: Final[Mapping[str, tuple[str, ...]]] = {
    "aggregateorderby": ("element",),
    "binary": ("left", "right"),
    "funcfilter": ("func",),
    "label": ("element",),
    "label_reference": ("element",),
    "over": ("element",),
    "type_coerce": ("clause",),
    "unary": ("element",),
    "withingroup": ("element",),
}
"""What each kind of element renders without parentheses of its own."""

_LISTS: Final = ("clauselist", "expression_clauselist")


def require_closed(condition: ClauseElement) -> None:
    """Raises `UsageError` if AND beside the condition would bind tighter than something within it."""
    if _is_open(condition.self_group(against=operators.and_)):
        raise UsageError(
            "a condition would be rendered without its parentheses, so that it cannot be held to one owner: "
            "write it with and_, or_ and not_ over comparisons"
        )


def _is_open(element: ClauseElement) -> bool:
    kind = element.__visit_name__
    if kind == "aggregate_order_by":  # ORDER BY within the arguments of a function, and of nothing else
        return True
    operator: object = getattr(element, "operator", None) if kind in ("binary", *_LISTS) else operators.and_
    if operator is operators.regexp_replace_op:  # the one operator that is rendered as a function
        return False
    if operator in (operators.or_, operators.comma_op):
        return True
    if kind in _LISTS:
        return any(map(_is_open, cast("Iterable[ClauseElement]", getattr(element, "clauses", ()))))  # of every list
    return any(_is_open(getattr(element, name)) for name in _BARE.get(kind, ()))
