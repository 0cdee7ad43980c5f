"""How a row is locked while it is read, as a value; the statement is in `by_id`."""

from dataclasses import dataclass
from typing import Literal, get_args

from backend.errors import UsageError, shown

Strength = Literal["update", "no key update", "share"]
IfLocked = Literal["wait", "nowait", "skip"]


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock on the row that is read, held until the transaction ends.

    `strength`: `"update"` keeps every other lock and change away; `"no key update"` lets other rows refer to this one
    meanwhile, as an UPDATE that changes no key does; `"share"` lets others read and share, and change nothing.

    `if_locked`, where another transaction has locked the row: `"wait"` until it ends, `"nowait"` raises
    `LockNotAvailableError`, `"skip"` treats the row as absent.
    """

    strength: Strength = "update"
    if_locked: IfLocked = "wait"

    def __post_init__(self) -> None:
        for value, kind in ((self.strength, Strength), (self.if_locked, IfLocked)):
            if value not in get_args(kind):
                raise UsageError(f"a lock is {shown(value)}, expected one of {', '.join(map(repr, get_args(kind)))}")
