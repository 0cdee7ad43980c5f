"""How often and how long to retry: growing delays with full jitter, so that clients do not retry at the same time."""

import random
import time
from dataclasses import dataclass

from backend.errors import UsageError, shown

_FIRST_S = 0.05
"""Longest delay after the first attempt, doubled with each: a waking Neon compute needs a few hundred ms."""

_LONGEST_S = 1.0

_MOST_S = 1_000_000_000
"""Longest time in which to retry: more seconds could exceed what a clock can add to its own value."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how long `run` tries."""

    attempts: int = 20
    """Runs of the work, at most. Default 20: beyond what 16 threads needed that increment one row at SERIALIZABLE."""

    within_s: float = 30.0
    """Seconds, from the first run, in which another may begin and in which the result of a lost COMMIT is asked for.
    Default 30: what a caller of a service waits for. A run that is under way is not interrupted."""

    def __post_init__(self) -> None:
        if self.attempts < 1 or not 0 <= self.within_s <= _MOST_S:
            retry = f"Retry(attempts={shown(self.attempts)}, within_s={shown(self.within_s)})"
            raise UsageError(f"{retry} allows no run: attempts from 1, within_s from 0 to {_MOST_S}")


DEFAULT_RETRY = Retry()


class Backoff:
    """The delays between the attempts of one operation, until its time is up."""

    def __init__(self, timeout_s: float) -> None:
        self._deadline = time.monotonic() + timeout_s
        self._longest_s = _FIRST_S

    def next_delay_s(self) -> float | None:
        """Return the seconds to wait before the next attempt, or `None` if the time is up."""
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            return None
        delay_s = random.uniform(0, self._longest_s)  # noqa: S311 - no secret depends on it
        self._longest_s = min(_LONGEST_S, 2 * self._longest_s)
        return min(delay_s, left_s)
