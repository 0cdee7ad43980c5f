# Generated from backend/repository/_async/calls.py by `python -m tools.generate_sync`: edit that one.
"""What every group of calls has: the session, what is bound, and how a call is run and logged."""

import logging
from collections.abc import Callable
from typing import Concatenate, Generic

from sqlmodel import Session
from typing_extensions import ParamSpec, TypeVar, override

from backend.database.bridge import run_call
from backend.repository.bound import Bound, RowT_co
from backend.repository.call_log import CALLS, logged

T = TypeVar("T")
P = ParamSpec("P")


class Calls(Generic[RowT_co]):
    """A group of calls on one session, in one scope."""

    def __init__(self, session: Session, bound: Bound[RowT_co]) -> None:
        self._session = session
        self._bound = bound

    @override
    def __repr__(self) -> str:
        bound, scope = self._bound, ""
        if bound.metadata.entity.owner is not None:
            chosen = bound.scoped_statements is not None
            scope = ", one owner" if bound.scope else ", every owner" if chosen else ", no scope yet"
        rows = "" if bound.returned is None else f" {bound.returned.label}"
        return f"<{type(self).__name__} of {bound.metadata.entity.name}{rows}{scope}>"

    def _call(self, call: Callable[Concatenate[Bound[RowT_co], P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        if CALLS.isEnabledFor(logging.DEBUG):
            call = logged(call)
        return run_call(self._session, call, self._bound, *args, **kwargs)
