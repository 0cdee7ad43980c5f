"""What is known of SQLAlchemy's column types. Other packages import from here, not from the modules.

declared     what a type tells: its database type, Python class, DDL
equality     which columns are compared as Python compares their values
checks       which values a column stores and returns unchanged, and which can be compared with it
refusal      the result of a check, and checks of the class alone
numbers      checks of whole numbers, numeric, floats
texts        checks of text, enums, bit strings, MAC and network addresses
times        checks of dates, times, timestamps, intervals
documents    checks of JSON, pickles, hstore
nested       checks of arrays, ranges, multiranges
"""

from backend.entity.column_types.checks import (
    assigned_check,
    column_check,
    compared_check,
    is_checked,
    is_json,
    null_value,
    unreadable,
    unsupported,
)
from backend.entity.column_types.declared import (
    DIALECT,
    LOSSLESS_PYTHON_TYPES,
    database_type,
    declared_type,
    is_array,
    is_scalar,
    python_type,
    undecorated_type,
    value_classes,
)
from backend.entity.column_types.documents import NESTED_TOO_DEEPLY, NOT_JSON, jsonable
from backend.entity.column_types.equality import compares_as_python, inexact_collation, inexact_type
from backend.entity.column_types.refusal import Check, Refusal, is_storable

__all__ = [
    "Check",
    "DIALECT",
    "LOSSLESS_PYTHON_TYPES",
    "NESTED_TOO_DEEPLY",
    "NOT_JSON",
    "Refusal",
    "assigned_check",
    "column_check",
    "compared_check",
    "compares_as_python",
    "database_type",
    "declared_type",
    "inexact_collation",
    "inexact_type",
    "is_array",
    "is_checked",
    "is_json",
    "is_scalar",
    "is_storable",
    "jsonable",
    "null_value",
    "python_type",
    "undecorated_type",
    "unreadable",
    "unsupported",
    "value_classes",
]
