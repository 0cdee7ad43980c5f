"""Values by field name and by column key, as two types: the names differ where an attribute names its column."""

from collections.abc import Mapping
from typing import NewType

FieldValues = NewType("FieldValues", Mapping[str, object])
"""Values by field name, which is the model's attribute."""

ColumnValues = NewType("ColumnValues", Mapping[str, object])
"""Values by the column's key in the table."""
