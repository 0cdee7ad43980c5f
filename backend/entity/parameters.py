"""Names of the bound parameters that are not named after a column.

SQLAlchemy binds the value of a column under the column's own name, so these are longer than the 63 bytes to which
PostgreSQL truncates a name: no column can have them. The server numbers parameters and never sees a name.
"""

from typing import Final

_BYTES: Final = 64

ID_PARAMETER: Final = "the_id".ljust(_BYTES, "_")
"""The primary key, of one column, of the row that a call names."""

EXPECTED_PARAMETER: Final = "the_version".ljust(_BYTES, "_")
"""The version that a call expects."""

COUNT_PARAMETER: Final = "the_count".ljust(_BYTES, "_")
"""How many rows a bulk statement writes."""

CHANGES_PARAMETER: Final = "the_changes".ljust(_BYTES, "_")
"""Whether a row of an upsert changes anything; followed by a column's key, whether it changes this column."""

LIMIT_PARAMETER: Final = "the_limit".ljust(_BYTES, "_")
"""How many rows a page has."""

OFFSET_PARAMETER: Final = "the_offset".ljust(_BYTES, "_")
"""How many rows precede a page."""

OWNER_PARAMETER: Final = "the_owner".ljust(_BYTES, "_")
"""The owner of a scope."""


def id_parameter(position: int) -> str:
    """Return the name of one part of a primary key of several columns, of the row that a call names."""
    return f"the_id_{position}".ljust(_BYTES, "_")


def keys_parameter(position: int) -> str:
    """Return the name of the array that holds one column of several rows' primary keys."""
    return f"the_keys_{position}".ljust(_BYTES, "_")


def cursor_parameter(number: int) -> str:
    """Return the name of a cursor's value for the sort key of this number."""
    return f"the_cursor_{number}".ljust(_BYTES, "_")


def condition_parameter(number: int) -> str:
    """Return the name of the value of this number in the conditions and the order of a call."""
    return f"the_condition_{number}".ljust(_BYTES, "_")


def assigned_parameter(number: int) -> str:
    """Return the name of the value of this number that is written to each row that meets conditions."""
    return f"the_assigned_{number}".ljust(_BYTES, "_")


def array_parameter(number: int) -> str:
    """Return the name of the array that holds one value of each row of a bulk statement."""
    return f"the_values_{number}".ljust(_BYTES, "_")


def mask_parameter(number: int) -> str:
    """Return the name of the array that holds whether each row sets the value of this number."""
    return f"the_mask_{number}".ljust(_BYTES, "_")


def onupdate_parameter(number: int) -> str:
    """Return the name of what Python computes for the changed column of this number."""
    return f"the_onupdate_{number}".ljust(_BYTES, "_")
