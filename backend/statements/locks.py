"""How rows are locked while they are read, as a value, and the SELECT that locks them."""

from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Select
from typing_extensions import TypeVarTuple

from backend.errors import UsageError, shown

Ts = TypeVarTuple("Ts")

Strength = Literal["update", "no key update", "share"]
IfLocked = Literal["wait", "nowait", "skip"]


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock on each row that is read, held until the transaction ends.

    `strength`: `"update"` keeps every other lock and change away; `"no key update"` lets other rows refer to this one
    meanwhile, as an UPDATE that changes no key does; `"share"` lets others read and share, and change nothing.

    `if_locked`, where another transaction has locked the row: `"wait"` until it ends, `"nowait"` raises
    `LockNotAvailableError`, `"skip"` treats the row as absent.
    """

    strength: Strength = "update"
    if_locked: IfLocked = "wait"

    def __post_init__(self) -> None:
        for name, value, kind in (("strength", self.strength, Strength), ("if_locked", self.if_locked, IfLocked)):
            if value not in get_args(kind):
                expected = ", ".join(map(repr, get_args(kind)))
                raise UsageError(f"{name}= of a lock is {shown(value)}, expected one of {expected}")


def locking(statement: Select[*Ts], lock: Lock) -> Select[*Ts]:
    """Return the SELECT with a lock on each row that it returns."""
    return statement.with_for_update(
        read=lock.strength == "share",
        key_share=lock.strength == "no key update",
        nowait=lock.if_locked == "nowait",
        skip_locked=lock.if_locked == "skip",
    )
