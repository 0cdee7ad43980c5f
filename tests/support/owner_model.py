"""What repositories of several owners should answer, in plain Python: dictionaries of rows, and every public call.

The calls have the names of the repository's, so that one which is missing here is found by its name.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from backend import Patch
from backend.errors import (
    ForeignKeyViolationError,
    InvalidCursorError,
    InvalidDataError,
    MultipleFoundError,
    NotFoundError,
    OwnerRequiredError,
    RepositoryError,
    StaleError,
    UniqueViolationError,
    UsageError,
)

Row = dict[str, Any]

UNIQUE: Mapping[str, Sequence[tuple[str, ...]]] = {
    "project": [("owner_id", "name")],
    "shelf": [("owner_id", "code"), ("label",)],
}
"""The unique keys of each table that a client chooses."""

EVERY_OWNER = "(every owner)"
"""Used as the owner where a repository is for administration, `every_owner()`."""

NO_SCOPE = "(no scope)"
"""Used as the owner where a repository was given no scope."""


@dataclass
class World:
    """All rows of all owners: for each table, by id."""

    tables: dict[str, dict[Any, Row]] = field(
        default_factory=lambda: {"task": {}, "project": {}, "ticket": {}, "entry": {}, "shelf": {}},
    )


def owns(owner: str, of: str) -> bool:
    """Whether the rows of one owner are in the scope of another."""
    return owner in (EVERY_OWNER, of)


@dataclass(frozen=True)
class Condition:
    """A condition as SQL, and as what it says of a row in the scope of an owner."""

    sql: Any
    holds: Callable[[World, str, Row], bool]


@dataclass(frozen=True)
class Order:
    """An order as SQL, and as a key of a row."""

    sql: Any
    key: Callable[[Row], Any]
    descending: bool = False
    continues: bool = True
    """Whether a cursor can continue it."""


@dataclass(frozen=True)
class Cursor:
    """A cursor as the repository takes it, with the list that it is of and the place that it names."""

    sql: Any
    of: object = None
    """Table, owner and order."""
    place: Row | None = None
    side: str = "from"


@dataclass(frozen=True)
class Piece:
    """A page by cursor: its rows, and whether a row follows in the direction travelled."""

    rows: list[Row]
    backward: bool
    goes_on: bool


@dataclass(frozen=True)
class Path:
    """A path of relationships, and the names of its steps."""

    sql: Any
    names: tuple[str, ...]


@dataclass(frozen=True)
class Loaded:
    """Rows, each with what the paths lead to, of which `read` makes the same of entities."""

    rows: Sequence[Any]
    paths: Sequence[Path]

    def read(self, entities: Sequence[Any]) -> Sequence[Any]:
        return [(one.model_dump(), [_reached([one], path.names) for path in self.paths]) for one in entities]


def _reached(entities: Sequence[Any], names: Sequence[str]) -> Sequence[Any]:
    """The rows at the end of a path, as dictionaries."""
    for name in names:
        values: list[Any] = [getattr(one, name) for one in entities]
        entities = [related for value in values for related in (value if name.endswith("s") else [value])]
    return [one.model_dump() for one in entities]


@dataclass(frozen=True)
class Fresh:
    """A row that the model expects, but for what the database adds: `known` must be met, `later` be greater."""

    known: Row
    later: Row = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Counted:
    """Written rows of which the call returns the number alone."""

    rows: Sequence[Fresh]


@dataclass(frozen=True)
class Key:
    """Columns as `on=` or `update=` takes them, and their names; the texts that `update=` takes have none."""

    sql: Any
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Became:
    """A row of an upsert, and what became of it."""

    row: Fresh
    outcome: str


@dataclass(frozen=True)
class Assigned:
    """A `Change` that sets columns to values."""

    sql: Any
    values: Row


@dataclass(frozen=True)
class Deleted:
    """Deleted rows of which the call returns the number alone."""

    rows: list[Row]


@dataclass(frozen=True)
class Unless:
    """The answer, unless the database checks a unique key before the last row is written: in no order of its own."""

    answer: Any
    error: type[RepositoryError]

    def of(self, answer: object) -> object:
        return self.error if answer is self.error else self.answer


@dataclass(frozen=True)
class Pages:
    """A page, and what it says of the others."""

    items: Sequence[Row]
    total: int
    pages: int
    has_next: bool
    has_previous: bool


def _values_of(rows: Iterable[Row], key: Sequence[str]) -> list[tuple[Any, ...]]:
    """The values of a unique key, of the rows that have no NULL in it."""
    values = [tuple(row[name] for name in key) for row in rows]
    return [value for value in values if None not in value]


@dataclass
class Owned:
    """The rows of one owner in one table, or of all owners for `EVERY_OWNER`."""

    world: World
    table: str
    owner_column: str
    owner: str
    version: str | None = None
    key: tuple[str, ...] = ("id",)
    id_type: Any = None
    fields: tuple[str, ...] = ()
    """Those of the create schema."""

    @property
    def rows(self) -> list[Row]:
        """The owner's own rows, by key."""
        own = [row for row in self.world.tables[self.table].values() if owns(self.owner, row[self.owner_column])]
        return sorted(own, key=self.key_of)

    def key_of(self, row: Row) -> tuple[Any, ...]:
        return tuple(row[name] for name in self.key)

    def id_in(self, row: Row) -> Any:
        """The id of a row."""
        return row["id"] if self.id_type is None else self.id_type(**{name: row[name] for name in self.key})

    def met(self, where: Sequence[Condition]) -> list[Row]:
        return [row for row in self.rows if all(one.holds(self.world, self.owner, row) for one in where)]

    def found(self, id: Any) -> Row:
        row = self.get(id)
        if row is None:
            raise NotFoundError("")
        return row

    # The calls

    def create(self, data: Any) -> Fresh:
        if self.owner == EVERY_OWNER:
            raise OwnerRequiredError("")
        row = data.model_dump() | {self.owner_column: self.owner}
        self._check(row)
        return Fresh(row)

    def create_many(
        self, data: Sequence[Any], *, returning: bool = True, progress: Any = None
    ) -> Sequence[Fresh] | Counted | Unless:
        if self.owner == EVERY_OWNER:
            raise OwnerRequiredError("")
        rows: list[Row] = []
        given = [item.model_dump() | {self.owner_column: self.owner} for item in data]
        for row in given:
            try:
                self._check(row, rows)
            except UniqueViolationError:
                return self._refused(row, rows, given)
            rows.append(row)
        new = [Fresh(row) for row in rows]
        return new if returning else Counted(new)

    def upsert(self, data: Any, *, on: Key, update: Key = Key("set")) -> Became:
        return self.upsert_many([data], on=on, update=update)[0]

    def get_or_create(self, data: Any, *, on: Key) -> Became:
        return self.upsert(data, on=on, update=Key("nothing"))

    def upsert_many(
        self, data: Sequence[Any], *, on: Key, update: Key = Key("set"), progress: Any = None
    ) -> Sequence[Became]:
        """Rows that are there and do not change are read; then the others are written in the order of their keys."""
        if self.owner == EVERY_OWNER:
            raise OwnerRequiredError("")
        key, changeable = self._conflict(on, update)
        given = [one.model_dump() | {self.owner_column: self.owner} for one in data]
        sets = [
            {name: row[name] for name in one.model_fields_set & changeable}
            for one, row in zip(data, given, strict=True)
        ]
        keys = [tuple(row[name] for name in key) for row in given]
        if any(None not in one and keys.count(one) > 1 for one in keys):
            raise InvalidDataError("")
        written = [dict(row) for row in self.world.tables[self.table].values()]
        results: dict[int, Became] = {}
        for at in sorted(range(len(given)), key=lambda at: ([(value is None, value or "") for value in keys[at]], at)):
            row, there = given[at], [one for one in written if tuple(one[name] for name in key) == keys[at]]
            if not there or None in keys[at]:
                self._require_unique(row, written)
                written.append(row)
                results[at] = Became(Fresh(row), "inserted")
            elif there[0][self.owner_column] != self.owner:
                raise UniqueViolationError("")
            elif not sets[at]:
                results[at] = Became(Fresh(dict(there[0])), "unchanged")
            else:
                self._require_unique(there[0] | sets[at], [one for one in written if one is not there[0]])
                results[at] = Became(self._changed(there[0], sets[at]), "updated")
                there[0].update(sets[at])
        return [results[at] for at in range(len(given))]

    def _conflict(self, on: Key, update: Key) -> tuple[tuple[str, ...], set[str]]:
        """The key that `on` names, and the columns that may change."""
        named = [{*on.names}, {*on.names, self.owner_column}]
        key = next((key for key in UNIQUE.get(self.table, ()) if {*key} in named), None)
        fixed = {"id", self.owner_column, self.version, *(key or ())}
        if key is None or fixed & {*update.names}:
            raise UsageError("")
        return key, {"set": {*self.fields} - fixed, "nothing": set[str]()}.get(update.sql, {*update.names})

    def id_of(self, entity: Any) -> Any:
        return self.id_in(entity.model_dump())

    def get(self, id: Any, *, lock: Any = None) -> Row | None:
        return next((row for row in self.rows if self.id_in(row) == id), None)

    def get_one(self, id: Any, *, lock: Any = None) -> Row:
        return self.found(id)

    def update(self, id: Any, data: Any, *, expected: Any = None) -> Fresh:
        self._expect(id, expected)
        row = self.found(id)
        values = data.model_dump(exclude_unset=True)
        if not values:
            return Fresh(row)
        self._check(row | values)
        return self._changed(row, values)

    def delete(self, id: Any, *, expected: Any = None) -> Row:
        self._expect(id, expected)
        row = self.found(id)
        if self.table == "project" and any(one["project_id"] == id for one in self.world.tables["ticket"].values()):
            raise ForeignKeyViolationError("")
        return row

    def update_many(self, patches: Any, *, progress: Any = None) -> Sequence[Fresh] | Unless:
        items: list[Any] = [*patches.items()] if isinstance(patches, dict) else [*patches]
        given: list[Patch[Any, Any]] = [one if isinstance(one, Patch) else Patch(*one) for one in items]
        self._require_distinct([one.id for one in given])
        rows = [self.found(one.id) for one in given]
        for one in given:
            self._expect(one.id, one.expected)
        values = [one.data.model_dump(exclude_unset=True) for one in given]
        changes = [*zip(rows, values, strict=True)]
        answer = [self._changed(row, new) if new else Fresh(row) for row, new in changes]
        return self._unless_keys_collide(changes, answer)

    def delete_many(self, ids: Sequence[Any], *, progress: Any = None) -> list[Row]:
        self._require_distinct(ids)
        rows = [self.found(id) for id in ids]
        return [self.delete(id) for id, _ in zip(ids, rows, strict=True)]

    def update_where(self, data: Any, *where: Condition, all_rows: bool = False) -> Counted | Unless:
        answer = self.update_where_returning(data, *where, all_rows=all_rows)
        return Unless(Counted(answer.answer), answer.error) if isinstance(answer, Unless) else Counted(answer)

    def update_where_returning(self, data: Any, *where: Condition, all_rows: bool = False) -> Sequence[Fresh] | Unless:
        rows = self._chosen(where, all_rows=all_rows)
        values: Row = {**data.values} if isinstance(data, Assigned) else data.model_dump(exclude_unset=True)
        answer = [self._changed(row, values) if values else Fresh(row) for row in rows]
        return self._unless_keys_collide([(row, values) for row in rows], answer)

    def delete_where(self, *where: Condition, all_rows: bool = False) -> Deleted:
        return Deleted(self.delete_where_returning(*where, all_rows=all_rows))

    def delete_where_returning(self, *where: Condition, all_rows: bool = False) -> list[Row]:
        return self.delete_many([self.id_in(row) for row in self._chosen(where, all_rows=all_rows)])

    def _chosen(self, where: Sequence[Condition], *, all_rows: bool) -> list[Row]:
        if bool(where) == all_rows:
            raise UsageError("")
        return self.met(where)

    def get_many(self, ids: Sequence[Any]) -> dict[Any, Row]:
        return {id: row for id in ids if (row := self.get(id)) is not None}

    def require_many(self, ids: Sequence[Any]) -> list[Row]:
        return [self.found(id) for id in ids]

    def page(self, *where: Condition, order_by: Sequence[Order] = (), page: int = 1, size: int = 20) -> Pages:
        if page < 1 or size < 1:
            raise UsageError("")
        rows = self.list(*where, order_by=order_by)
        pages, rest = divmod(len(rows), size)
        pages += rest > 0
        return Pages([*rows[(page - 1) * size :][:size]], len(rows), pages, page < pages, page > 1)

    def list(
        self,
        *where: Condition,
        order_by: Sequence[Order] = (),
        limit: int | None = None,
        offset: int = 0,
        lock: Any = None,
    ) -> Sequence[Row]:
        rows = self.met(where)
        for order in reversed(order_by):
            rows.sort(key=order.key, reverse=order.descending)
        return rows[offset:] if limit is None else rows[offset : offset + limit]

    def first(self, *where: Condition, order_by: Sequence[Order] = (), lock: Any = None) -> Row | None:
        return next(iter(self.list(*where, order_by=order_by)), None)

    def cursor_page(
        self,
        *where: Condition,
        order_by: Sequence[Order] = (),
        cursor: Cursor = Cursor(None),
        size: int = 20,
    ) -> Piece:
        self._require_pieces(order_by, size)
        if cursor.of not in (None, self.list_of(order_by)):
            raise InvalidCursorError("")
        listed = self.list(*where, order_by=order_by)
        rows = [row for row in listed if self._is_on_side(row, cursor.place, cursor.side, order_by)]
        backward = cursor.side in ("before", "until")
        cut = rows[-size:] if backward else rows[:size]
        return Piece(list(cut), backward, len(rows) > size)

    def stream(self, *where: Condition, order_by: Sequence[Order] = (), batch: int = 1000) -> Sequence[Row]:
        self._require_pieces(order_by, batch)
        return self.list(*where, order_by=order_by)

    def list_of(self, order_by: Sequence[Order]) -> object:
        """What a cursor names."""
        by_text = next((order.descending for order in order_by), None)  # every order is by the same text
        return self.table, self.owner, by_text

    def _require_pieces(self, order_by: Sequence[Order], size: int) -> None:
        if not all(order.continues for order in order_by) or size < 1:
            raise UsageError("")

    def _is_on_side(self, row: Row, place: Row | None, side: str, order_by: Sequence[Order]) -> bool:
        if place is None:
            return True
        for order in order_by:
            here, there = order.key(row), order.key(place)
            if here != there:
                return (bool(here > there) != order.descending) == (side == "after")
        here, there = self.key_of(row), self.key_of(place)
        return here > there if side == "after" else here < there

    def one(self, *where: Condition) -> Row:
        row = self.one_or_none(*where)
        if row is None:
            raise NotFoundError("")
        return row

    def one_or_none(self, *where: Condition) -> Row | None:
        rows = self.met(where)
        if len(rows) > 1:
            raise MultipleFoundError("")
        return rows[0] if rows else None

    def count(self, *where: Condition) -> int:
        return len(self.met(where))

    def exists(self, *where: Condition) -> bool:
        return bool(self.met(where))

    def owned_by(self, _owner: Any) -> None:
        raise UsageError("")

    def every_owner(self) -> None:
        raise UsageError("")

    def loading(self, *paths: Path) -> Loaded:
        return Loaded(
            [(row, [self._reached(self.table, [row], path.names) for path in paths]) for row in self.rows], paths
        )

    def _reached(self, table: str, rows: Sequence[Row], names: Sequence[str]) -> Sequence[Row]:
        for name in names:
            related = self.world.tables[name.removesuffix("s")]
            if name == "project":
                rows = [related[row["project_id"]] for row in rows]
            else:
                rows = [related[id] for row in rows for id in sorted(related) if related[id]["project_id"] == row["id"]]
        return rows

    # Those of the subclasses

    def double(self, id: Any) -> Fresh:
        row = self.found(id)
        return self._changed(row, {"text": row["text"] * 2})

    def toggle_complete(self, id: Any) -> Fresh:
        row = self.found(id)
        return self._changed(row, {"completed": not row["completed"]})

    def open_count(self) -> int:
        return sum(row["assignee"] is None for row in self.rows)

    def open_count_by_day(self) -> Sequence[tuple[date, int]]:
        return sorted(Counter(row["opened_on"] for row in self.rows if row["assignee"] is None).items())

    def with_project(self, id: Any) -> tuple[str, str] | None:
        row = self.get(id)
        return None if row is None else (row["title"], self.world.tables["project"][row["project_id"]]["name"])

    def claim(self, id: Any, claimant: str) -> Fresh:
        row = self.found(id)
        if row["assignee"] is not None:
            raise NotFoundError("")
        return self._changed(row, {"assignee": claimant})

    def _changed(self, row: Row, values: Mapping[str, Any]) -> Fresh:
        known = row | dict(values)
        return Fresh(known, {self.version: known.pop(self.version)} if self.version else {})

    def _expect(self, id: Any, expected: Any) -> None:
        if expected is not None and self.version and self.found(id)[self.version] != expected:
            raise StaleError("")

    def _require_distinct(self, ids: Sequence[Any]) -> None:
        if len(set(ids)) < len(ids):
            raise InvalidDataError("")

    def _unless_keys_collide(
        self, changes: Sequence[tuple[Row, Row]], answer: Sequence[Fresh]
    ) -> Sequence[Fresh] | Unless:
        before = self.world.tables[self.table].values()
        later = {self.id_in(row): row for row in before} | {self.id_in(old): old | new for old, new in changes}
        is_free = True
        for key in UNIQUE.get(self.table, ()):
            values = _values_of(later.values(), key)
            if len({*values}) < len(values):
                raise UniqueViolationError("")
            moved = [old | new for old, new in changes if any((old | new)[name] != old[name] for name in key)]
            is_free &= {*_values_of(moved, key)}.isdisjoint(_values_of(before, key))
        return answer if is_free else Unless(answer, UniqueViolationError)

    def _check(self, row: Row, new: Sequence[Row] = ()) -> None:
        owner = row[self.owner_column]
        others = (one for one in self.world.tables[self.table].values() if one.get("id") != row.get("id"))
        self._require_unique(row, [*others, *new])
        if self.table == "ticket":
            project = self.world.tables["project"].get(row["project_id"])
            if project is None or project["owner_id"] != owner:
                raise ForeignKeyViolationError("")

    def _refused(self, row: Row, before: Sequence[Row], given: Sequence[Row]) -> Unless:
        """A key that two of the given rows have is said so; of two keys the database checks one first."""
        keys = self._violated(row, [*self.world.tables[self.table].values(), *before])
        repeated = {len({*_values_of(given, key)}) < len(_values_of(given, key)) for key in keys}
        if repeated == {False}:
            raise UniqueViolationError("")
        if repeated == {True}:
            raise InvalidDataError("")
        return Unless(InvalidDataError, UniqueViolationError)

    def _require_unique(self, row: Row, others: Sequence[Row]) -> None:
        if self._violated(row, others):
            raise UniqueViolationError("")

    def _violated(self, row: Row, others: Sequence[Row]) -> Sequence[tuple[str, ...]]:
        found = [(key, [row[name] for name in key]) for key in UNIQUE.get(self.table, ())]
        return [
            key
            for key, values in found
            if None not in values and any([one[name] for name in key] == values for one in others)
        ]
