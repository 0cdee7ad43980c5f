"""The primary key as a value: which ids fit, and what is said of those that do not."""

import pytest
from sqlalchemy import Boolean, Column, Integer

from backend.entity.identity import KeyColumn, ScalarIdentity
from backend.errors import UsageError

NUMBERED = ScalarIdentity("Task", KeyColumn("id", Column("id", Integer), int, 0))


@pytest.mark.parametrize(("id", "got"), [("1", "a str"), (True, "a bool"), (1.0, "a float")])
def test_an_id_of_another_type_is_refused(id: object, got: str) -> None:
    with pytest.raises(UsageError, match=f"^an id of Task is an int, got {got}: pass an int$"):
        NUMBERED.fits(id)


def test_a_bool_is_an_id_where_the_key_is_one() -> None:
    assert ScalarIdentity("Flag", KeyColumn("is_set", Column("is_set", Boolean), bool, 0)).fits(True)
