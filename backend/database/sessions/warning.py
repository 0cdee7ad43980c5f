"""The warning of a session that is closed over uncommitted writes, at the line that closed it."""

import inspect
import warnings
from types import FrameType
from typing import Final, cast

_LIBRARIES: Final = ("sqlalchemy.", "sqlmodel.", "backend.")


class UncommittedWritesWarning(UserWarning):
    """A session was closed while its transaction had uncommitted writes of a repository: they are lost.

    Not issued when an exception leaves the session's block, except on a plain `AsyncSession`, which hides that
    exception from us.
    """


def warn_of_lost_writes() -> None:
    """Warn at the caller's line, without a registry: each loss is shown, not only the first at each place."""
    place = _caller_frame()
    warnings.warn_explicit(
        "a session was closed over uncommitted repository writes, which are lost: call session.commit() first",
        UncommittedWritesWarning,
        place.f_code.co_filename,
        place.f_lineno,
    )


def _caller_frame() -> FrameType:
    """Return the frame that called SQLAlchemy or this package.

    On a greenlet, whose stack does not reach it, return the outermost frame.
    """
    frame = cast("FrameType", inspect.currentframe())  # CPython has frames
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(_LIBRARIES):
        frame = frame.f_back
    return frame
