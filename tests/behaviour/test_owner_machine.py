"""Several owners, every public call, thousands of steps: each gets its own rows, and leaves the others' as they are.

Between them `every_owner()` sees and changes all rows, and a repository without a scope is refused and sends nothing.

The calls are found by reflection and their arguments made from their signatures; one that cannot be made is a
failure, so that a new call cannot be forgotten. `OWNER_MACHINE_EXAMPLES` sets how many runs of 50 steps are made.
"""

import asyncio
import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, cast, get_type_hints

import pytest
import sqlalchemy
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from pydantic import BaseModel, Field, create_model
from sqlalchemy import Engine, Text, delete, literal_column
from sqlmodel import SQLModel, col
from typing_extensions import override

from backend import (
    LAST_PAGE,
    AsyncCRUDRepository,
    AsyncDatabase,
    Change,
    CRUDRepository,
    CursorPage,
    Database,
    Lock,
    Patch,
    Reads,
    Upserted,
    WithBefore,
    shows,
    typed,
)
from backend.entity.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.errors import OwnerRequiredError, RepositoryError
from backend.repository.batches import Progress
from backend.results.cursors import Cursor
from backend.statements.conditions import Where
from backend.statements.conflict_targets import UniqueKey, Updates
from backend.statements.load_paths import Related
from backend.statements.ordering import Order
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskRepository, TaskUpdate
from tests.support import owner_model
from tests.support.models.suite import (
    AsyncEntryRepository,
    AsyncProjectRepository,
    AsyncShelfRepository,
    AsyncTicketRepository,
    Entry,
    EntryCreate,
    EntryId,
    EntryRepository,
    EntryUpdate,
    Project,
    ProjectCreate,
    ProjectRepository,
    ProjectUpdate,
    Shelf,
    ShelfCreate,
    ShelfRepository,
    ShelfUpdate,
    Ticket,
    TicketCreate,
    TicketRepository,
    TicketUpdate,
)
from tests.support.owner_model import EVERY_OWNER, NO_SCOPE, Fresh, Owned, Pages, World
from tests.support.statement_log import StatementLog, log_statements

run: Any = run_state_machine_as_test  # takes a function that makes a machine too
select: Any = sqlalchemy.select
OWNERS = ("a", "b", "", "a b")
EXAMPLES = int(os.environ.get("OWNER_MACHINE_EXAMPLES", "60"))
TEXTS = st.sampled_from(["x", "y", "z"])
UPSERTS = ("upsert", "upsert_many", "get_or_create")
LAST = owner_model.Cursor(LAST_PAGE, side="until")


@dataclass(frozen=True)
class Kind:
    """One entity with its repositories, and how data of it is made."""

    model: type[SQLModel]
    sync: type[CRUDRepository[Any, Any, Any, Any, Any]]
    asynchronous: type[Any]
    owner: str
    text: str
    new: Callable[[World], st.SearchStrategy[Any]]
    patch: st.SearchStrategy[Any]
    version: str | None = None
    key: tuple[str, ...] = ("id",)
    id_type: Any = None
    unused: tuple[Any, ...] = (0, -1, 2**62)
    """Ids that no row has."""
    number: str = "id"
    """A column of whole numbers, to compare with ids of projects."""
    paths: tuple[owner_model.Path, ...] = ()
    """What `loading` takes."""

    @property
    def table(self) -> str:
        return self.model.__name__.lower()

    @cached_property
    def view(self) -> type[BaseModel]:
        """A view of every column, and of a subquery over a table of which every owner has rows."""
        fields: dict[str, Any] = dict.fromkeys(self.model.model_fields, (Any, ...))
        tasks: Any = select(sqlalchemy.func.count(col(Task.id))).scalar_subquery()
        fields["tasks"] = (Annotated[int, Field(exclude=True)], shows(tasks))
        return create_model(f"{self.model.__name__}View", **fields)

    def of(self, world: World, owner: str) -> Owned:
        return Owned(world, self.table, self.owner, owner, self.version, self.key, self.id_type, self.fields)

    @property
    def fields(self) -> tuple[str, ...]:
        """Those of the create schema."""
        generic: Any = next(base for one in self.sync.__mro__ for base in vars(one).get("__orig_bases__", ()))
        create: type[BaseModel] = generic.__args__[1]
        return tuple(create.model_fields)

    def columns(self) -> st.SearchStrategy[owner_model.Key]:
        """Columns of the model, those of a key among them, as `on=` and `update=` take them."""
        keys = [*owner_model.UNIQUE.get(self.table, ())] * 3
        of_data = [tuple(name for name in key if name != "owner_id") for key in keys]
        known = [*of_data, *keys, *((one,) for one in self.fields), (self.owner,)]
        columns = [tuple(col(getattr(self.model, name)) for name in names) for names in known]
        named = [one[0] if len(one) == 1 else one for one in columns]
        return st.sampled_from([owner_model.Key(on, names) for on, names in zip(named, known, strict=True)])

    def id_in(self, row: Mapping[Any, Any]) -> Any:
        """The id of a row."""
        return self.of(World(), NO_SCOPE).id_in(dict(row))

    def ids(self, world: World) -> st.SearchStrategy[Any]:
        """Ids of every owner's rows, and some that no row has."""
        return st.sampled_from([*sorted(world.tables[self.table]), *self.unused])

    def entities(self, world: World) -> st.SearchStrategy[Any]:
        """Entities of every owner."""
        known = world.tables[self.table].values()
        return st.sampled_from([self.model(**row) for row in known]) if known else st.builds(self._nobodys)

    def _nobodys(self) -> SQLModel:
        keys = self.unused[0]._asdict() if self.id_type else {"id": self.unused[0]}
        return self.model(**keys)


def _patch(schema: type[BaseModel], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional=fields).map(lambda given: schema(**given))


def _some(schema: type[BaseModel], code: st.SearchStrategy[str], **fields: st.SearchStrategy[Any]) -> Any:
    return st.fixed_dictionaries({"code": code}, optional=fields).map(lambda given: schema(**given))


MAYBE = st.none() | TEXTS
KINDS = (
    Kind(
        Task,
        TaskRepository,
        AsyncTaskRepository,
        "user_id",
        "title",
        lambda _: st.builds(TaskCreate, title=TEXTS, description=MAYBE, completed=st.booleans()),
        _patch(TaskUpdate, title=TEXTS, description=MAYBE, completed=st.booleans()),
        "updated_at",
    ),
    Kind(
        Project,
        ProjectRepository,
        AsyncProjectRepository,
        "owner_id",
        "name",
        lambda _: st.builds(ProjectCreate, name=TEXTS),
        _patch(ProjectUpdate, name=TEXTS),
        paths=(
            owner_model.Path(Project.tickets, ("tickets",)),
            owner_model.Path((Project.tickets, Ticket.project), ("tickets", "project")),
        ),
    ),
    Kind(
        Ticket,
        TicketRepository,
        AsyncTicketRepository,
        "owner_id",
        "title",
        lambda world: st.builds(
            TicketCreate,
            project_id=st.sampled_from([*sorted(world.tables["project"]), 0, -1, 2**62]),
            title=TEXTS,
            assignee=MAYBE,
        ),
        _patch(TicketUpdate, title=TEXTS, assignee=MAYBE),
        number="project_id",
        paths=(
            owner_model.Path(Ticket.project, ("project",)),
            owner_model.Path((Ticket.project, Project.tickets), ("project", "tickets")),
        ),
    ),
    Kind(
        Entry,
        EntryRepository,
        AsyncEntryRepository,
        "owner_id",
        "text",
        lambda _: st.builds(EntryCreate, journal=st.sampled_from("xy"), text=TEXTS),
        _patch(EntryUpdate, text=TEXTS),
        "revision",
        key=("owner_id", "journal", "number"),
        id_type=EntryId,
        unused=(EntryId(0, "x", "a"), EntryId(2**62, "y", "b"), EntryId(2**70, "y", "b"), EntryId(1, "\0", "a")),
        number="number",
    ),
    Kind(
        Shelf,
        ShelfRepository,
        AsyncShelfRepository,
        "owner_id",
        "code",
        lambda _: _some(ShelfCreate, TEXTS, label=MAYBE, note=MAYBE),
        _patch(ShelfUpdate, label=MAYBE, note=MAYBE),
        "revision",
    ),
)


def public_calls(repository: type[Any]) -> Mapping[str, inspect.Signature]:
    """Every public method of a repository class, with its annotations as objects."""
    found: dict[str, inspect.Signature] = {}
    for name, method in inspect.getmembers(repository, inspect.isfunction):
        if name.startswith("_") or name in ("as_", "with_before"):
            continue
        hints = get_type_hints(method)
        signature = inspect.signature(method)
        parameters = [one.replace(annotation=hints[one.name]) for one in list(signature.parameters.values())[1:]]
        found[name] = signature.replace(parameters=parameters)
    return found


def conditions(kind: Kind) -> st.SearchStrategy[owner_model.Condition]:
    """Conditions on rows, their owner's included, and with subqueries over tables of which every owner has rows."""
    model: Any = kind.model
    text, owner = col(getattr(model, kind.text)), col(getattr(model, kind.owner))
    attribute: Any = getattr(model, kind.number)
    projects = col(attribute)

    def own(world: World, of: str, table: str, column: str) -> list[Any]:
        return [id for id, row in world.tables[table].items() if owner_model.owns(of, row[column])]

    key = kind.number
    counted: Any = select(Task.id).exists()
    fixed = [
        owner_model.Condition(owner != "a", lambda _w, _o, row: row[kind.owner] != "a"),
        owner_model.Condition((text == "x") | (text != "x"), lambda _w, _o, _r: True),
        owner_model.Condition(
            projects.in_(select(Project.id)), lambda world, of, row: row[key] in own(world, of, "project", "owner_id")
        ),
        owner_model.Condition(
            projects.not_in(select(Project.id)),
            lambda world, of, row: row[key] not in own(world, of, "project", "owner_id"),
        ),
        owner_model.Condition(
            typed(attribute).in_(select(Project.id).where(typed(Project.name) != "y"))
            & (typed(getattr(model, kind.text)) != "y"),
            lambda world, of, row: (
                row[key] in own(world, of, "project", "owner_id")
                and world.tables["project"][row[key]]["name"] != "y"
                and row[kind.text] != "y"
            ),
        ),
        owner_model.Condition(
            (owner != "a") | ~typed(attribute).in_(select(Project.id)),
            lambda world, of, row: row[kind.owner] != "a" or row[key] not in own(world, of, "project", "owner_id"),
        ),
        owner_model.Condition(counted, lambda world, of, _r: bool(own(world, of, "task", "user_id"))),
        owner_model.Condition(~counted, lambda world, of, _r: not own(world, of, "task", "user_id")),
    ]
    of_owner = st.sampled_from(OWNERS).map(
        lambda one: owner_model.Condition(owner == one, lambda _w, _o, row: row[kind.owner] == one)
    )
    of_text = TEXTS.map(lambda one: owner_model.Condition(text == one, lambda _w, _o, row: row[kind.text] == one))
    return st.sampled_from(fixed) | of_owner | of_text


def orders(kind: Kind) -> st.SearchStrategy[list[owner_model.Order]]:
    text = col(getattr(kind.model, kind.text))
    by_text = owner_model.Order(text, lambda row: row[kind.text])
    by_text_down = owner_model.Order(text.desc(), lambda row: row[kind.text], descending=True)
    other: Any = select(Project.name).order_by(col(Project.id)).limit(1).scalar_subquery()
    by_nothing = owner_model.Order(other, lambda _row: 0, continues=False)
    return st.lists(st.sampled_from([by_text, by_text_down, by_nothing]), max_size=2)


def _assigned(kind: Kind) -> st.SearchStrategy[owner_model.Assigned]:
    """Changes whose condition is a subquery over a table of which every owner has rows, and always true."""
    text = typed(getattr(kind.model, kind.text))
    true = select(sqlalchemy.func.count(col(Task.id))).scalar_subquery() >= 0
    return TEXTS.map(lambda one: owner_model.Assigned(Change(text.to(one), where=true), {kind.text: one}))


def patches(world: World, kind: Kind, versions: Sequence[Any]) -> st.SearchStrategy[Any]:
    """What `update_many` takes, pairs and patches mixed."""
    ids = kind.ids(world)
    expecting = st.builds(Patch, ids, kind.patch, st.none() | st.sampled_from(versions))
    return st.dictionaries(ids, kind.patch, max_size=3) | st.lists(st.tuples(ids, kind.patch) | expecting, max_size=3)


_PATCHES: Any = (
    cast("Any", Mapping)[IdT, UpdateT]
    | cast("Any", Iterable)[cast("Any", tuple)[IdT, UpdateT] | cast("Any", Patch)[UpdateT, IdT]]
)
"""What the annotation of `update_many` is."""


def arguments(machine: "OwnerMachine", kind: Kind) -> Mapping[object, st.SearchStrategy[Any]]:
    """How an argument of each annotation is made."""
    rows = machine.world.tables[kind.table].values()
    stale = 0 if kind.version == "revision" else datetime(2026, 1, 1, tzinfo=UTC)
    versions = [row[kind.version] for row in rows] + [stale] if kind.version else [None]
    return {
        CreateT: kind.new(machine.world),
        UpdateT: kind.patch,
        IdT: kind.ids(machine.world),
        ModelT: kind.entities(machine.world),
        int: st.integers(0, 3),
        cast("Any", Iterable)[CreateT]: st.lists(kind.new(machine.world), max_size=3),
        bool: st.booleans(),
        cast("Any", Progress) | None: st.sampled_from([None, print]),
        UpdateT | Change: kind.patch | _assigned(kind),
        _PATCHES: patches(machine.world, kind, versions),
        cast("Any", Iterable)[IdT]: st.lists(kind.ids(machine.world), max_size=4),
        int | None: st.none() | st.integers(0, 3),
        datetime | int | None: st.none() | st.sampled_from(versions),
        OwnerT: st.sampled_from(OWNERS),
        Where: conditions(kind),
        Order: orders(kind),
        str: TEXTS,
        Related | tuple[Related, ...]: st.sampled_from(kind.paths) if kind.paths else st.nothing(),
        UniqueKey: kind.columns(),
        Updates: st.sampled_from([owner_model.Key("set"), owner_model.Key("nothing")]) | kind.columns(),
        Cursor: st.sampled_from([owner_model.Cursor(None), LAST, *machine.cursors]),
        Lock | None: st.none() | st.sampled_from([Lock(), Lock("no key update", "nowait"), Lock("share", "skip")]),
    }


def made(
    machine: "OwnerMachine", kind: Kind, name: str, draw: Callable[[Any], Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Arguments for a call. Raises `AssertionError` for one that nobody has said how to make."""
    makers = arguments(machine, kind)
    given: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in public_calls(kind.sync)[name].parameters.values():
        annotation = IdT if parameter.name == "id" else parameter.annotation
        assert annotation in makers, (
            f"{name}() takes {parameter}: say in arguments() how one is made, with subqueries over another owned table "
            "if it is an SQL expression"
        )
        if parameter.kind is parameter.VAR_POSITIONAL:
            maker = makers[annotation]
            given += draw(st.just([]) if maker.is_empty else st.lists(maker, max_size=2))
        elif parameter.kind is parameter.KEYWORD_ONLY:
            if parameter.default is parameter.empty or draw(st.booleans()):
                named[parameter.name] = draw(makers[annotation])
        else:
            given.append(draw(makers[annotation]))
    return given, named


def as_sql(argument: Any) -> Any:
    """An argument as the repository takes it."""
    if isinstance(
        argument,
        owner_model.Condition
        | owner_model.Order
        | owner_model.Path
        | owner_model.Cursor
        | owner_model.Key
        | owner_model.Assigned,
    ):
        return argument.sql
    return [as_sql(one) for one in cast("list[object]", argument)] if isinstance(argument, list) else argument


def in_scope(repository: Any, owner: str) -> Any:
    """The repository for an owner, for every owner, or as it is."""
    if owner == NO_SCOPE:
        return repository
    return repository.every_owner() if owner == EVERY_OWNER else repository.owned_by(owner)


def listed(answer: Any) -> Any:
    """The answer of a call; of `loading`, which answers a repository, its rows."""
    is_repository = isinstance(answer, CRUDRepository | AsyncCRUDRepository)
    return cast("Any", answer).list() if is_repository else answer


def rows_of(answer: Any) -> list[Any]:
    """The rows in an answer; none in a number, a bool or an error."""
    if isinstance(answer, BaseModel):
        return [answer]
    if isinstance(answer, Mapping):
        return [*cast("Mapping[object, object]", answer).values()]
    is_one = isinstance(answer, int | type | None)
    return [] if is_one else [*answer]


def method(kind: Kind, repository: Any, name: str) -> Any:
    """A call of a repository by its name, after `as_.` of its view, after `with_before.` of what this returns."""
    group, _, call = name.rpartition(".")
    if group == "with_before":
        return getattr(repository.with_before(), call)
    return getattr(repository.as_(kind.view) if group else repository, call)


def without_before(kind: Kind, answer: Any, stored: Mapping[Any, Mapping[str, Any]]) -> Any:
    """The answer of the call that returns no row before. What this one returned is compared with what was stored."""
    if isinstance(answer, list):
        return [without_before(kind, one, stored) for one in cast("list[object]", answer)]
    was = stored.get(kind.id_in(answer.row.model_dump()))
    before = None if answer.before is None else answer.before.model_dump()
    assert before == (None if was is None else {name: was[name] for name in kind.model.model_fields})
    row: Any = answer.row
    return Upserted(row, answer.outcome) if hasattr(answer, "outcome") else row


def leaks(log: StatementLog, owner: str) -> list[str]:
    """The statements that do not bind the owner: all of them without a scope, none for every owner."""
    if owner == NO_SCOPE:
        return [sql for sql, _ in log.sent]
    return [] if owner == EVERY_OWNER else log.leaks(owner)


class OwnerMachine(RuleBasedStateMachine):
    """Calls of every owner on every entity, in any order."""

    def __init__(self, engine: Engine, kinds: tuple[Kind, ...]) -> None:
        super().__init__()
        self.world = World()
        self.cursors: list[owner_model.Cursor] = []
        self.kinds = kinds
        self._direct = engine
        with engine.begin() as connection:
            self.is_18 = (connection.dialect.server_version_info or ()) >= (18,)
            for table in reversed(Task.metadata.sorted_tables):
                connection.execute(delete(table))

    def run(self, kind: Kind, owner: str, name: str, given: list[Any], named: dict[str, Any]) -> tuple[Any, list[str]]:
        """The answer of the repository's call, and its statements that do not bind the owner."""
        raise NotImplementedError

    @rule(data=st.data(), kind=st.sampled_from(range(len(KINDS))))
    def call_without_a_scope(self, data: st.DataObject, kind: int) -> None:
        chosen = self.kinds[kind]
        name = data.draw(st.sampled_from(sorted(public_calls(chosen.sync).keys() - {"owned_by", "every_owner"})))
        given, named = made(self, chosen, name, data.draw)
        before = self.stored()
        sent = [as_sql(one) for one in given], {key: as_sql(one) for key, one in named.items()}
        answer, statements = self.run(chosen, NO_SCOPE, name, *sent)
        assert (answer, statements) == (OwnerRequiredError, [])
        assert self.stored() == before

    @precondition(lambda self: any(self.world.tables.values()))
    @rule(data=st.data(), kind=st.sampled_from(range(len(KINDS))))
    def administer(self, data: st.DataObject, kind: int) -> None:
        chosen = self.kinds[kind]
        self._call(chosen, EVERY_OWNER, data.draw(st.sampled_from(sorted(public_calls(chosen.sync)))), data)

    @rule(data=st.data(), kind=st.sampled_from(range(len(KINDS))), owner=st.sampled_from(OWNERS))
    def create_something(self, data: st.DataObject, kind: int, owner: str) -> None:
        self._call(self.kinds[kind], owner, "create", data)

    @rule(data=st.data(), owner=st.sampled_from(OWNERS), name=st.sampled_from(UPSERTS))
    def upsert_something(self, data: st.DataObject, owner: str, name: str) -> None:
        self._call(self.kinds[-1], owner, name, data)

    @precondition(lambda self: any(self.world.tables.values()))
    @rule(data=st.data(), kind=st.sampled_from(range(len(KINDS))), owner=st.sampled_from(OWNERS))
    def call_anything(self, data: st.DataObject, kind: int, owner: str) -> None:
        chosen = self.kinds[kind]
        self._call(chosen, owner, data.draw(st.sampled_from(sorted(public_calls(chosen.sync)))), data)

    @precondition(lambda self: any(self.world.tables.values()))
    @rule(data=st.data(), kind=st.sampled_from(range(len(KINDS))), owner=st.sampled_from([*OWNERS, EVERY_OWNER]))
    def read_a_view(self, data: st.DataObject, kind: int, owner: str) -> None:
        chosen, calls = self.kinds[kind], sorted(public_calls(Reads))
        self._call(chosen, owner, data.draw(st.sampled_from(calls)), data, "as_.")

    @precondition(lambda self: self.is_18 and any(self.world.tables.values()))
    @rule(data=st.data(), kind=st.sampled_from(range(len(KINDS))), owner=st.sampled_from([*OWNERS, EVERY_OWNER]))
    def change_with_before(self, data: st.DataObject, kind: int, owner: str) -> None:
        chosen, calls = self.kinds[kind], sorted(public_calls(WithBefore))
        self._call(chosen, owner, data.draw(st.sampled_from(calls)), data, "with_before.")

    def _call(self, kind: Kind, owner: str, name: str, data: st.DataObject, prefix: str = "") -> None:
        given, named = made(self, kind, name, data.draw)
        before = self.stored()
        try:
            expected = getattr(kind.of(self.world, owner), name)(*given, **named)
        except RepositoryError as error:
            expected = type(error)
        sent = [as_sql(one) for one in given], {key: as_sql(one) for key, one in named.items()}
        answer, leaks = self.run(kind, owner, f"{prefix}{name}", *sent)
        assert leaks == []
        if isinstance(expected, owner_model.Unless):
            expected = expected.of(answer)
        if prefix == "with_before." and not isinstance(answer, type):
            answer = without_before(kind, answer, before[kind.table])
        elif prefix == "as_.":
            tasks = [row for row in self.world.tables["task"].values() if owner_model.owns(owner, row["user_id"])]
            read = [row for row in rows_of(answer) if row is not None]
            assert {type(row) for row in read} <= {kind.view}
            assert [row.tasks for row in read] == [len(tasks)] * len(read)
        if isinstance(expected, owner_model.Piece) and not isinstance(answer, type):
            self._compare_piece(answer, expected)
            self._remember(answer, kind.of(self.world, owner).list_of(named.get("order_by", ())))
        else:
            self._compare(kind, name, answer, expected)
        after = self.stored()
        owns = {one.table: one.owner for one in self.kinds}
        for table, rows in before.items():
            theirs = {key: row for key, row in rows.items() if not owner_model.owns(owner, row[owns[table]])}
            kept = {key: row for key, row in after[table].items() if not owner_model.owns(owner, row[owns[table]])}
            assert kept == theirs
            known = self.world.tables[table]
            assert {key: {name: row[name] for name in known[key]} for key, row in after[table].items()} == known

    def _compare(self, kind: Kind, name: str, answer: Any, expected: Any) -> None:
        rows = self.world.tables[kind.table]
        if isinstance(expected, type) or expected is None or isinstance(answer, type):
            assert answer is expected
        elif isinstance(expected, Fresh):
            row = answer.model_dump()
            assert expected.known.items() <= row.items()
            assert all(row[key] > value for key, value in expected.later.items())
            assert name != "create" or kind.id_in(row) not in rows
            rows[kind.id_in(row)] = row
        elif name in UPSERTS:
            self._compare_upserts(kind, answer, expected)
        elif name in ("create_many", "update_many", "update_where", "update_where_returning"):
            self._compare_many(kind, name, answer, expected)
        elif isinstance(expected, Pages):
            self._compare_pages(answer, expected)
        elif name == "get_many":
            assert [(id, row.model_dump()) for id, row in answer.items()] == [*expected.items()]
        elif isinstance(expected, dict):
            assert answer.model_dump() == expected
            if name == "delete":
                del rows[kind.id_in(answer.model_dump())]
        elif isinstance(expected, owner_model.Loaded):
            assert expected.read(answer) == expected.rows
        else:
            self._compare_rows(kind, name, answer, expected)

    def _compare_rows(self, kind: Kind, name: str, answer: Any, expected: Any) -> None:
        if isinstance(expected, owner_model.Deleted):
            assert answer == len(expected.rows)
            for row in expected.rows:
                del self.world.tables[kind.table][kind.id_in(row)]
        elif name in ("list", "stream", "require_many", "delete_many", "delete_where_returning"):
            assert [row.model_dump() for row in answer] == expected
            for id in map(kind.id_in, cast("list[Any]", expected) if name.startswith("delete_") else []):
                del self.world.tables[kind.table][id]
        elif isinstance(expected, list):
            assert [tuple(row) for row in answer] == expected
        else:
            assert answer == expected

    def _compare_pages(self, answer: Any, expected: Pages) -> None:
        rows = [row.model_dump() for row in answer.items]
        assert Pages(rows, answer.total, answer.pages, answer.has_next, answer.has_previous) == expected

    def _compare_upserts(self, kind: Kind, answer: Any, expected: Any) -> None:
        is_one = isinstance(expected, owner_model.Became)
        answers: list[Any] = [answer] if is_one else [*answer]
        became: list[owner_model.Became] = [expected] if is_one else [*expected]
        assert [one.outcome for one in answers] == [one.outcome for one in became]
        for one, row in zip(answers, became, strict=True):
            self._compare(kind, "create" if one.inserted else "upsert", one.row, row.row)

    def _compare_many(self, kind: Kind, name: str, answer: Any, expected: Any) -> None:
        """Compare the written rows; where their number alone was returned, the new ones that are stored, by key."""
        if isinstance(expected, owner_model.Counted):
            known, stored = self.world.tables[kind.table], self.stored()[kind.table]
            new = [row for key, row in sorted(stored.items()) if key not in known]
            if name == "update_where":
                new = [stored[kind.id_in(row.known)] for row in expected.rows]
            assert answer == len(expected.rows) == len(new)
            answer = [
                kind.model.model_construct(**{name: row[name] for name in kind.model.model_fields}) for row in new
            ]
            expected = expected.rows
        for row, fresh in zip(answer, expected, strict=True):
            self._compare(kind, name.partition("_")[0], row, fresh)

    def _compare_piece(self, answer: CursorPage[Any], expected: owner_model.Piece) -> None:
        assert [row.model_dump() for row in answer] == expected.rows
        assert ((answer.previous if expected.backward else answer.next) is not None) == expected.goes_on

    def _remember(self, answer: CursorPage[Any], of: object) -> None:
        """Keep the cursors of a page for later calls of every owner."""
        rows = [row.model_dump() for row in answer]
        if rows and answer.next:
            self.cursors.append(owner_model.Cursor(answer.next, of, rows[-1], "after"))
        if rows and answer.previous:
            self.cursors.append(owner_model.Cursor(answer.previous, of, rows[0], "before"))

    def stored(self) -> dict[str, dict[Any, Mapping[str, Any]]]:
        """Every table whole, with where and by which transaction each row was written."""
        with self._direct.connect() as connection:
            return {
                kind.table: {
                    kind.id_in(row): {str(name): value for name, value in row.items()}
                    for row in connection.execute(
                        select(
                            kind.model.__table__,  # type: ignore[attr-defined]  # of a table model
                            literal_column("ctid::text", Text).label("ctid"),
                            literal_column("xmin::text", Text).label("xmin"),
                        )
                    ).mappings()
                }
                for kind in self.kinds
            }


class SyncOwnerMachine(OwnerMachine):
    """The calls of the synchronous repositories."""

    database: Database

    @override
    def run(self, kind: Kind, owner: str, name: str, given: list[Any], named: dict[str, Any]) -> tuple[Any, list[str]]:
        with log_statements(self.database.engine) as log:
            try:
                with self.database.session() as session, session.begin() if named.get("lock") else nullcontext():
                    answer = listed(method(kind, in_scope(kind.sync(session), owner), name)(*given, **named))
                    if isinstance(answer, AbstractContextManager):
                        with cast("AbstractContextManager[Iterator[Any]]", answer) as rows:
                            answer = list(rows)
            except RepositoryError as error:
                answer = type(error)
        return answer, leaks(log, owner)


class AsyncOwnerMachine(OwnerMachine):
    """The calls of the asynchronous repositories."""

    runner: asyncio.Runner
    database: AsyncDatabase

    @override
    def run(self, kind: Kind, owner: str, name: str, given: list[Any], named: dict[str, Any]) -> tuple[Any, list[str]]:
        async def call() -> Any:
            async with self.database.session() as session, session.begin() if named.get("lock") else nullcontext():
                called = listed(method(kind, in_scope(kind.asynchronous(session), owner), name)(*given, **named))
                if isinstance(called, AbstractAsyncContextManager):
                    async with cast("AbstractAsyncContextManager[AsyncIterator[Any]]", called) as rows:
                        return [row async for row in rows]
                return await called if inspect.isawaitable(called) else called

        with log_statements(self.database.engine.sync_engine) as log:
            try:
                answer = self.runner.run(call())
            except RepositoryError as error:
                answer = type(error)
        return answer, leaks(log, owner)


def _settings(examples: int) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    phases = [Phase.explicit, Phase.reuse, Phase.generate]  # a failing run of 50 steps takes minutes to shrink
    return settings(
        max_examples=examples, stateful_step_count=50, deadline=None, suppress_health_check=checks, phases=phases
    )


def test_no_call_reaches_another_owners_row(clean: Engine, route: str) -> None:
    with Database(route) as database:
        SyncOwnerMachine.database = database
        run(lambda: SyncOwnerMachine(clean, KINDS), settings=_settings(EXAMPLES))


def test_no_asynchronous_call_reaches_another_owners_row(clean: Engine, route: str) -> None:
    with asyncio.Runner() as runner:
        AsyncOwnerMachine.runner = runner
        AsyncOwnerMachine.database = AsyncDatabase(route)
        try:
            run(lambda: AsyncOwnerMachine(clean, KINDS), settings=_settings(max(1, EXAMPLES // 6)))
        finally:
            runner.run(AsyncOwnerMachine.database.engine.dispose())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.table)
def test_both_repositories_have_the_same_calls_and_the_model_has_each(kind: Kind) -> None:
    calls = public_calls(kind.sync)
    assert list(calls) == list(public_calls(kind.asynchronous))
    assert [name for name in calls if not hasattr(Owned, name)] == []


def test_a_call_that_takes_what_cannot_be_made_is_a_failure(clean: Engine) -> None:
    class Newer(TaskRepository):
        def find(self, words: frozenset[str]) -> None: ...

    kind = Kind(Task, Newer, AsyncTaskRepository, "user_id", "title", KINDS[0].new, KINDS[0].patch)
    with pytest.raises(AssertionError, match=r"find\(\) takes words: .*say in arguments\(\) how one is made"):
        made(OwnerMachine(clean, KINDS), kind, "find", lambda strategy: strategy.example())
