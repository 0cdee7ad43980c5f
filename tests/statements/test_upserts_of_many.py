"""The upsert of many rows as its SQL: whose rows it may change, in which order it locks and returns them."""

from collections.abc import Sequence

import pytest
from sqlmodel import col

from backend.statements.conflict_targets import UniqueKey, Updates
from backend.statements.upsert_shape import UpsertShape
from tests.support.compiling import SHELVES, compiled
from tests.support.models.suite import Shelf

NAMES = ("id", "owner_id", "code", "label", "note", "revision")
COLUMNS = ", ".join(f"shelf.{name}" for name in NAMES)
MINE = "shelf.owner_id = %(the_owner)s"
IS_NEW = '"old".id IS NULL AS is_new'
CHANGED = "DO UPDATE SET note = excluded.note, revision = (shelf.revision + %(revision_1)s)"
FOUND = (
    "unchanged AS (SELECT new_rows.position AS position, "
    + ", ".join(f"shelf.{name} AS {name}" for name in NAMES)
    + f" FROM new_rows JOIN shelf ON shelf.code = new_rows.value_0 WHERE {MINE}"
)
OF_FOUND = "new_rows.position NOT IN (SELECT unchanged.position FROM unchanged)"


def given(*columns: str, arrays: int, flags: int = 0, masks: Sequence[int] = ()) -> str:
    """The CTE of the data: of its columns, and of the arrays that are sent."""
    sent = [f"value_{at}" for at in range(arrays)]
    shown = [f"{column} AS value_{at}" for at, column in enumerate((*columns, "%(the_owner)s"))]
    shown += [f"given.value_{arrays - flags + at} AS flag_{at}" for at in range(flags)]
    parameters = [f"%(the_values_{at})s" for at in range(arrays)] + [f"%(the_mask_{at})s" for at in masks]
    names = ", ".join([*sent, *(f"is_set_{at}" for at in masks), "position"])
    return (
        f"new_rows AS (SELECT given.position AS position, {', '.join(shown)} FROM unnest({', '.join(parameters)}) WITH "
        f"ORDINALITY AS given({names}))"
    )


def inserted(name: str, columns: str, how: str, then: str) -> str:
    values = ", ".join(f"new_rows.value_{at} AS value_{at}" for at in range(columns.count(",") + 1))
    return f"{name} AS (INSERT INTO shelf ({columns}) SELECT {values} FROM new_rows {how}{then} RETURNING {COLUMNS}"


def part(table: str, same: str, is_new: str) -> str:
    """The rows of a CTE with their positions."""
    columns = ", ".join(f"{table}.{name} AS column_{at}" for at, name in enumerate(NAMES))
    return f"SELECT new_rows.position AS position, {columns}, {is_new} AS is_new FROM new_rows JOIN {table} ON {same}"


def result(first: int, *parts: str) -> str:
    """The rows in their order, if there is one for each."""
    zero, lower, one, other, count, bucket = (f"%(param_{first + at})s" for at in range(6))
    return (
        f"result AS ({' UNION ALL '.join(parts)}) SELECT {', '.join(f'result.column_{at}' for at in range(6))}, "
        f"result.is_new FROM result WHERE width_bucket({zero}, {lower}, CASE WHEN ((SELECT count(*) AS count_1 FROM "
        f"result) = %(the_count)s) THEN {one} ELSE {other} END, {count}) = {bucket} ORDER BY result.position"
    )


SHAPES: dict[str, tuple[UniqueKey, Updates, UpsertShape, str]] = {
    "rows that change nothing": (
        col(Shelf.code),
        "nothing",
        UpsertShape(("code",), frozenset(), (), frozenset(), True, False),
        "WITH "
        + ", ".join(
            (
                given("given.value_0", arrays=1),
                f"{FOUND})",
                inserted(
                    "written",
                    "code, owner_id",
                    f"WHERE ({OF_FOUND}) ORDER BY new_rows.value_0, new_rows.position ",
                    f"ON CONFLICT (owner_id, code) DO UPDATE SET code = shelf.code WHERE {MINE}",
                )
                + f", {IS_NEW})",
                result(
                    1,
                    part("written", "written.code = new_rows.value_0", "written.is_new"),
                    part("unchanged", "new_rows.position = unchanged.position", "false"),
                ),
            )
        ),
    ),
    "rows that set different fields": (
        col(Shelf.code),
        "set",
        UpsertShape(("code", "note"), frozenset({"note"}), ("note",), frozenset({"note"}), True, False),
        "WITH "
        + ", ".join(
            (
                given(
                    "given.value_0",
                    "CASE WHEN given.is_set_1 THEN given.value_1 ELSE NULL END",
                    arrays=4,
                    flags=2,
                    masks=(1,),
                ),
                f"{FOUND} AND NOT new_rows.flag_0)",
                inserted(
                    "written",
                    "code, note, owner_id",
                    f"WHERE new_rows.flag_0 OR ({OF_FOUND}) ORDER BY new_rows.value_0, new_rows.position ",
                    "ON CONFLICT (owner_id, code) DO UPDATE SET note = CASE WHEN (excluded.code IN (SELECT "
                    "new_rows.value_0 FROM new_rows WHERE new_rows.flag_1)) THEN excluded.note ELSE shelf.note END, "
                    "revision = CASE WHEN (excluded.code IN (SELECT new_rows.value_0 FROM new_rows WHERE "
                    "new_rows.flag_0)) THEN shelf.revision + %(revision_1)s ELSE shelf.revision END "
                    f"WHERE {MINE}",
                )
                + f", {IS_NEW})",
                result(
                    1,
                    part("written", "written.code = new_rows.value_0", "written.is_new"),
                    part("unchanged", "new_rows.position = unchanged.position", "false"),
                ),
            )
        ),
    ),
    "a key that compares across owners": (
        col(Shelf.label),
        col(Shelf.note),
        UpsertShape(("code", "label", "note"), frozenset(), ("note",), frozenset(), False, False),
        "WITH "
        + ", ".join(
            (
                given("given.value_0", "given.value_1", "given.value_2", arrays=3),
                inserted(
                    "written",
                    "code, label, note, owner_id",
                    "ORDER BY new_rows.value_1, new_rows.position ",
                    f"ON CONFLICT (label) {CHANGED} WHERE {MINE}",
                )
                + f", {IS_NEW})",
                inserted(
                    "refused",
                    "code, label, note, owner_id",
                    "WHERE NOT (EXISTS (SELECT %(param_1)s AS anon_1 FROM written WHERE written.label = "
                    "new_rows.value_1))",
                    "",
                )
                + ")",
                result(
                    2,
                    part("written", "written.label = new_rows.value_1", "written.is_new"),
                    part("refused", "refused.label = new_rows.value_1", "true"),
                ),
            )
        ),
    ),
}


@pytest.mark.parametrize(("on", "update", "shape", "sql"), SHAPES.values(), ids=SHAPES)
def test_an_upsert_of_many_compiles_to_its_sql(on: UniqueKey, update: Updates, shape: UpsertShape, sql: str) -> None:
    made = SHELVES.upsert_many(SHELVES.upsert(on, update), shape)
    assert compiled(made.statement).sql.replace("s::TEXT[]", "s") == sql
    assert SHELVES.upsert_many(SHELVES.upsert(on, update), shape) is made


def test_an_older_server_tells_a_new_row_by_its_lock() -> None:
    on, update, shape, sql = SHAPES["a key that compares across owners"]
    older = SHELVES.upsert_many(SHELVES.upsert(on, update), shape).statement.before_18
    assert older is not None
    assert (
        compiled(older)
        .sql.replace("s::TEXT[]", "s")
        .partition(" RETURNING ")[2]
        .startswith(f"{COLUMNS}, CAST(xmax AS TEXT) = %(param_1)s AS is_new)")
    )
    assert IS_NEW in sql
