"""What calls on many rows that are named by their ids share: the keys that are sent, and why nothing was written."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.database.operations import OperationKind
from backend.entity.identity import Key
from backend.entity.parameters import keys_parameter
from backend.errors import RequestError
from backend.repository.batches import run_on_each
from backend.repository.bound import Bound, RowT
from backend.repository.execution import Rows
from backend.statements.inserts import RowsStatement


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NamedRows:
    """The rows of one statement."""

    position: int
    """That of the first."""
    ids: Sequence[object]
    values: list[dict[str, object]]
    """What is sent of each: its key and, in an update, what is set."""


class NamedRowsCall:
    """One call: the ids that it was given so far, each of another row."""

    def __init__(self, bound: Bound[RowT], kind: OperationKind) -> None:
        self._metadata = bound.metadata
        self._identity = bound.metadata.entity.identity
        self._width = bound.write_statements.width
        self._kind = kind
        self._positions: dict[Key, int] = {}

    def named(self, ids: Sequence[object], position: int) -> NamedRows:
        """Return the rows with the key of each id: NULL, which no row has, for an id that the column cannot hold.

        Raises `UsageError` for an id of another type.
        """
        identity = self._identity
        names = [keys_parameter(at) for at in range(len(identity.columns))]
        none = [None] * len(names)
        keys = [identity.values(id) if identity.fits(id, at) else none for at, id in enumerate(ids, position)]
        return NamedRows(position, ids, [dict(zip(names, key, strict=True)) for key in keys])

    def require_distinct(self, rows: NamedRows) -> None:
        """Raise `InvalidDataError` for an id that the call was given before."""
        for at, id in enumerate(rows.ids, rows.position):
            self._add(self._identity.values(id), at)

    def run(
        self, bound: Bound[RowT], statement: RowsStatement, rows: NamedRows, kind: OperationKind, *, count: int
    ) -> Rows:
        """Run the statement, which writes `count` of the rows. Raises the error that says why it wrote none.

        After the columns of a row, the answer has its key, and whether its version is the expected one.
        """

        def are_there(answer: Rows) -> bool:
            return all(None not in row[self._width :] and row[-1] is not False for row in answer)

        parameters = statement.arrays.parameters(rows.values)
        answer = run_on_each(bound, statement.statement, parameters, kind, count=count, wrote=are_there)
        if not self._identity.is_matched_by_value:  # two ids may differ in Python and name one row
            self._require_distinct_rows(rows, answer)
        if not are_there(answer):
            raise self._error(rows, answer)
        return answer

    def _require_distinct_rows(self, rows: NamedRows, answer: Rows) -> None:
        end = self._width + len(self._identity.columns)
        for at, row in enumerate(answer, rows.position):
            if row[self._width] is not None:
                self._add(tuple(row[self._width : end]), at)

    def _add(self, key: Key, position: int) -> None:
        before = self._positions.setdefault(key, position)
        if before != position:
            first, second = sorted((before, position))  # the key of a row that was found may be the id of a later one
            raise self._metadata.repeated_error(first, second, self._kind)

    def _error(self, rows: NamedRows, answer: Rows) -> RequestError:
        there = list(zip(range(rows.position, rows.position + len(rows.ids)), rows.ids, answer, strict=True))
        missing = {at: id for at, id, row in there if row[self._width] is None}
        if missing:
            return self._metadata.missing_error(missing, self._kind)
        return self._metadata.stale_error(self._kind, tuple(at for at, _, row in there if row[-1] is False))
