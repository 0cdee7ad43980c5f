"""Refuses conditions that could change the precedence of the owner's condition. No I/O.

SQLAlchemy writes parentheses where an element asks for them. Some elements do not, and render their OR, comma or
ORDER BY without parentheses, next to the owner's condition: `~type_coerce(or_(…), Boolean)` is one.
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
"""The attributes that each kind of element renders without adding parentheses."""

_LISTS: Final = ("clauselist", "expression_clauselist")


def require_closed(condition: ClauseElement | None) -> None:
    """Raise `UsageError` if an AND next to the condition would bind tighter than an operator within it."""
    if condition is not None and _is_open(condition.self_group(against=operators.and_)):
        raise UsageError(
            "a condition would be rendered without its parentheses, so that it cannot be restricted to one owner: "
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
