"""What is particular to Neon: its host names, and what the refusals of its proxy mean. Names and values, no I/O.

Neon's proxy gives every refusal the SQLSTATE XX000, a wrong password and a waking compute alike, and a PgBouncer gives
08P01: only the message says which it is. The messages are those of Neon's documentation (Connection errors, 2026-02-06)
and of its proxy's source.
"""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a refused connect means: the SQLSTATE that PostgreSQL has for it, or why it is final and what to do."""

    sqlstate: str | None
    advice: str | None = None


def is_neon_host(host: str) -> bool:
    """Return whether this is a host of Neon: of a compute, of its pooler, or of a private network."""
    return host.lower().rstrip(".").endswith(_DOMAIN)


def direct_host(host: str) -> str:
    """Return the host of the compute itself for the host of its pooler; any other host unchanged."""
    return _POOLED.sub(r"\1", host, count=1) if is_neon_host(host) else host


def refusal(sqlstate: str | None, message: str) -> Refusal:
    """Return what the message of a refusal means, where its SQLSTATE does not say it."""
    if sqlstate in _UNSPECIFIC:
        said = message.lower()
        for part, meaning in _MEANINGS.items():
            if part in said:
                return meaning
    return Refusal(sqlstate)


_DOMAIN: Final = ".neon.tech"

_POOLED: Final = re.compile(r"^(ep-[^.]+)-pooler(?=\.)", re.IGNORECASE)

_UNSPECIFIC: Final = frozenset({"XX000", "08P01"})
"""Neon's proxy (for which it is an internal error) and PgBouncer (a violation of the protocol) say it of everything."""

_MEANINGS: Final = {
    "password authentication failed": Refusal("28P01"),
    "not permitted to log in": Refusal("28000"),
    "does not exist": Refusal("3D000"),
    "unsupported startup parameter": Refusal("22023"),
    "quota": Refusal(None, "a quota of the Neon project is used up: look at the plan in Neon's console"),
    "disabled": Refusal(None, "the compute is disabled: enable it in Neon's console"),
    "cannot be found": Refusal(None, "Neon has no such compute: copy the URL from Neon's console"),
    "could not be found": Refusal(None, "Neon has no such compute: copy the URL from Neon's console"),
    "endpoint id is not specified": Refusal(None, "Neon needs the compute's host name, not an address"),
    "active endpoints": Refusal(None, "too many computes of the Neon project are active: suspend one"),
    "not allowed to connect": Refusal(
        None, "the Neon project does not admit this address: add it to its IP allow list"
    ),
    "blocked network": Refusal(None, "the Neon project does not admit this network: see its private networking"),
    "vpc endpoint id": Refusal(None, "the Neon project does not admit this network: see its private networking"),
    "too many": Refusal("53300"),
    "connection slots": Refusal("53300"),
    "no more connections": Refusal("53300"),
    "starting up": Refusal("57P03"),
    "shutting down": Refusal("57P03"),
}
"""By a part of the message in lower case; the first that is found counts. What is not here is a compute that wakes."""
