"""How long to wait between two attempts: growing, with full jitter, so that clients do not come back in step."""

import random
import time

_FIRST_S = 0.05
"""Longest delay after the first attempt, doubled with each: a waking Neon compute needs a few hundred ms."""

_LONGEST_S = 1.0


class Delays:
    """The delays of one piece of work, until its time is up."""

    def __init__(self, within_s: float) -> None:
        self._deadline = time.monotonic() + within_s
        self._longest_s = _FIRST_S

    def next_s(self) -> float | None:
        """Seconds to wait before the next attempt, or `None` if the time is up."""
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            return None
        delay_s = random.uniform(0, self._longest_s)  # noqa: S311 - no secret depends on it
        self._longest_s = min(_LONGEST_S, 2 * self._longest_s)
        return min(delay_s, left_s)
