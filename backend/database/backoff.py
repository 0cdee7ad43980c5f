"""How often and how long to try: growing delays with full jitter, so that clients do not come back in step."""

import random
import time
from dataclasses import dataclass

from backend.errors import UsageError, shown

_FIRST_S = 0.05
"""Longest delay after the first attempt, doubled with each: a waking Neon compute needs a few hundred ms."""

_LONGEST_S = 1.0

_MOST_S = 1_000_000_000
"""Longest time in which to try: what a clock adds to its own."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how long `run` tries."""

    attempts: int = 20
    """Runs of the work, at most. Default 20: beyond what 16 threads needed that increment one row at SERIALIZABLE."""

    within_s: float = 30.0
    """Seconds from the first run on in which another may begin, and in which a lost commit is asked after. Default 30:
    what a caller of a service waits for; a run that is under way is not interrupted."""

    def __post_init__(self) -> None:
        if self.attempts < 1 or not 0 <= self.within_s <= _MOST_S:
            made = f"Retry(attempts={shown(self.attempts)}, within_s={shown(self.within_s)})"
            raise UsageError(f"{made} allows no run: attempts from 1, within_s from 0 to {_MOST_S}")


DEFAULT_RETRY = Retry()


class Backoff:
    """The delays of one piece of work, until its time is up."""

    def __init__(self, within_s: float) -> None:
        self._deadline = time.monotonic() + within_s
        self._longest_s = _FIRST_S

    def next_delay_s(self) -> float | None:
        """Seconds to wait before the next attempt, or `None` if the time is up."""
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            return None
        delay_s = random.uniform(0, self._longest_s)  # noqa: S311 - no secret depends on it
        self._longest_s = min(_LONGEST_S, 2 * self._longest_s)
        return min(delay_s, left_s)
