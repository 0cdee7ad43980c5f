# Generated from tests/behaviour/_async/test_entities.py by `python -m tools.generate_sync`: edit that one.
"""One entity behaves as another, whichever call it came from: events, mutable values, relationships, copies."""

import copy
import pickle
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Delete, Insert, Select, Update, event, inspect
from sqlalchemy.orm import Session as PlainSession
from sqlalchemy.orm import defer, with_loader_criteria
from sqlalchemy.orm.exc import DetachedInstanceError
from sqlmodel import Session, SQLModel, col, select
from typing_extensions import override

from backend import Database
from backend.database.bridge import run_on_session
from backend.database.sessions.sessions import DatabaseSession, open_session
from backend.errors import NotFoundError, UsageError
from backend.results import entities
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from tests.support.models.mutable import (
    Jar,
    JarCreate,
    JarRepository,
    JarUpdate,
    MeasuredCreate,
    MeasuredRepository,
    Rack,
    RackCreate,
    RackRepository,
)
from tests.support.models.suite import Entry, EntryCreate, EntryRepository

Call = Callable[[JarRepository, Jar], Jar | None]


def of_list(jars: JarRepository, jar: Jar) -> Jar:
    return (jars.list(col(Jar.id) == jar.id))[0]


READS: dict[str, Call] = {
    "get": lambda jars, jar: jars.get(jar.id),
    "get_one": lambda jars, jar: jars.get_one(jar.id),
    "list": of_list,
    "first": lambda jars, jar: jars.first(col(Jar.id) == jar.id),
    "one": lambda jars, jar: jars.one(col(Jar.id) == jar.id),
    "one_or_none": lambda jars, jar: jars.one_or_none(col(Jar.id) == jar.id),
    "update of nothing": lambda jars, jar: jars.update(jar.id, JarUpdate()),
}
WRITES: dict[str, Call] = {
    "create": lambda jars, jar: jars.create(JarCreate(rack_id=jar.rack_id, labels={"a": 1})),
    "update": lambda jars, jar: jars.update(jar.id, JarUpdate(labels={"a": 1})),
}
CALLS = READS | WRITES
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


REPOSITORIES = (
    EntryRepository,
    JarRepository,
    MeasuredRepository,
    RackRepository,
    TaskRepository,
)


@pytest.fixture(params=["the key is assigned", "the public way"], autouse=True)
def takes_public_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Generator[bool]:
    """Build entities in either way, whichever the installed SQLAlchemy allows."""
    is_public = request.param == "the public way"
    if is_public:
        monkeypatch.setattr(entities, "keeps_state", keeps_no_state)
    forget_builders()
    yield is_public
    forget_builders()


def keeps_no_state(*_: object) -> bool:
    return False


def forget_builders() -> None:
    for repository in REPOSITORIES:
        vars(repository._class_metadata).pop("build", None)  # pyright: ignore[reportPrivateUsage]  # kept for good


@pytest.fixture
def jar(session: Session) -> Jar:
    rack = RackRepository(session).create(RackCreate(name="top"))
    return JarRepository(session).create(JarCreate(rack_id=rack.id, labels={"a": 1}))


def entity_of(call: Call, session: Session, jar: Jar) -> Jar:
    entity = call(JarRepository(session), jar)
    assert entity is not None
    return entity


def pickled(entity: Jar) -> Jar:
    again = pickle.loads(pickle.dumps(entity))  # noqa: S301 - our own bytes
    assert isinstance(again, Jar)
    return again


@contextmanager
def listening(target: Any, name: str, listener: Callable[..., None]) -> Generator[None]:
    event.listen(target, name, listener)
    try:
        yield
    finally:
        event.remove(target, name, listener)


@every_call
def test_the_load_event_is_fired_once_for_an_entity_of_every_call(session: Session, jar: Jar, call: Call) -> None:
    seen: list[tuple[object, object]] = []

    def loaded(target: Jar, _context: object) -> None:
        seen.append((target.id, inspect(target).identity))

    with listening(Jar, "load", loaded):
        entity = entity_of(call, session, jar)
    assert seen == [(entity.id, (entity.id,))]


def test_the_load_event_is_fired_for_a_deleted_row(session: Session, jar: Jar) -> None:
    seen: list[object] = []

    def loaded(target: Jar, _context: object) -> None:
        seen.append(target)

    with listening(Jar, "load", loaded):
        deleted = JarRepository(session).delete(jar.id)
    assert seen == [deleted]
    pickled(deleted).labels["b"] = 2
    assert inspect(deleted).transient


def test_the_public_way_is_taken_where_the_key_alone_leaves_another_state(
    session: Session, jar: Jar, takes_public_way: bool
) -> None:
    expired: list[object] = []

    def note(target: Jar, _names: object) -> None:
        expired.append(target)

    with listening(Jar, "expire", note):  # fired by the public way alone
        found = [JarRepository(session).get_one(jar.id) for _ in range(3)]
    assert expired == (found if takes_public_way else [])


@every_call
def test_a_state_is_what_sqlalchemys_loader_leaves(database: Database, session: Session, jar: Jar, call: Call) -> None:
    entity = entity_of(call, session, jar)
    with database.transaction() as transaction:
        loaded = transaction.get(Jar, entity.id)
        assert loaded is not None
        transaction.expunge(loaded)
    assert state_of(entity) == state_of(loaded)
    assert vars(entity).keys() == vars(loaded).keys()


def state_of(entity: SQLModel) -> dict[str, object]:
    names = (
        "key", "identity", "identity_key", "identity_token", "has_identity", "transient", "pending", "persistent",
        "detached", "deleted", "was_deleted", "modified", "expired", "expired_attributes", "committed_state",
        "unloaded", "mapper",
    )  # fmt: skip
    return {name: getattr(inspect(entity), name) for name in names}


def test_an_entity_with_a_composite_key_is_the_one_of_its_session(database: Database, session: Session) -> None:
    entries = EntryRepository(session).owned_by("a")
    created = entries.create(EntryCreate(journal="j", text="x"))
    for entity in (created, (entries.list())[0]):
        assert inspect(entity).key == (Entry, ("a", "j", created.number), None)
        with database.transaction() as transaction:
            transaction.add(entity)
            assert transaction.get(Entry, ("a", "j", created.number)) is entity
            assert (transaction.exec(select(Entry))).all() == [entity]


def test_an_expired_or_deferred_value_of_an_attached_entity_is_read_when_used(database: Database, jar: Jar) -> None:
    with database.transaction() as session:
        session.add(jar)
        jar.labels = {"new": 1}
        session.expire(jar, ["labels"])
        without_labels = select(Jar).options(defer(Jar.labels))  # type: ignore[arg-type]  # SQLModel types it as a value
        assert (session.exec(without_labels)).all() == [jar]
        assert "labels" in inspect(jar).unloaded
        assert run_on_session(session, lambda _: jar.labels) == {"a": 1}
    assert not inspect(jar).modified


@every_call
def test_a_mutable_value_of_an_attached_entity_is_written(
    database: Database, session: Session, jar: Jar, call: Call
) -> None:
    entity = entity_of(call, session, jar)
    with database.transaction() as transaction:
        transaction.add(entity)
        entity.labels["b"] = 2
    assert (JarRepository(session).get_one(entity.id)).labels == {"a": 1, "b": 2}


@every_call
@pytest.mark.parametrize("copied", [pickled, copy.deepcopy])
def test_a_copy_is_detached_and_as_mutable_as_its_entity(
    database: Database, session: Session, jar: Jar, call: Call, copied: Callable[[Jar], Jar]
) -> None:
    entity = entity_of(call, session, jar)
    again = copied(entity)
    assert again == entity
    assert inspect(again).detached
    with pytest.raises(UsageError, match=r"^Jar\.rack was not loaded"):
        _ = again.rack
    with database.transaction() as transaction:
        transaction.add(again)
        again.labels["b"] = 2
    assert entity.labels == {"a": 1}
    assert (JarRepository(session).get_one(entity.id)).labels == {"a": 1, "b": 2}


def test_loader_criteria_of_session_events_apply_to_no_call(session: Session, jar: Jar) -> None:
    def hide(state: Any) -> None:
        state.statement = state.statement.options(with_loader_criteria(Jar, col(Jar.id) < 0))

    jars = JarRepository(session)
    with listening(PlainSession, "do_orm_execute", hide):
        found = [entity_of(call, session, jar) for call in READS.values()]
        assert (jars.count(), jars.exists()) == (1, True)
    assert found == [jar] * len(READS)


@every_call
def test_a_relationship_of_a_detached_entity_raises_with_the_fix(session: Session, jar: Jar, call: Call) -> None:
    entity = entity_of(call, session, jar)
    rack = RackRepository(session).get_one(entity.rack_id or 0)
    message = (
        r"^Jar\.rack was not loaded with this Jar: read it with loading\(Jar\.rack\), or with a path that ends so, "
        r"or attach the Jar with session\.add\(…\) in a transaction and read it there$"
    )
    with pytest.raises(UsageError, match=message):
        _ = entity.rack
    with pytest.raises(UsageError, match=r"^Rack\.jars was not loaded"):
        _ = rack.jars
    assert inspect(entity).attrs.rack.history.empty()


@every_call
def test_a_relationship_of_an_attached_entity_is_loaded_by_the_session(
    database: Database, session: Session, jar: Jar, call: Call
) -> None:
    entity = entity_of(call, session, jar)
    with database.transaction() as transaction:
        transaction.add(entity)
        rack = run_on_session(transaction, lambda _: entity.rack)
        assert rack is not None
        assert {one.id for one in run_on_session(transaction, lambda _: rack.jars)} == {
            jar.id,
            entity.id,
        }
    assert entity.rack is rack


def test_an_attached_entity_is_refreshed_merged_and_deleted(database: Database, jar: Jar) -> None:
    with database.transaction() as session:
        rack = RackRepository(session).get_one(jar.rack_id or 0)
        assert session.merge(rack) is session.get(Rack, rack.id)
        assert session.merge(rack, load=False) is session.get(Rack, rack.id)
    with database.transaction() as session:
        session.add(jar)
        JarRepository(session).update(jar.id, JarUpdate(labels={"new": 1}))
        session.refresh(jar)
        assert jar.labels == {"new": 1}
        assert session.get(Jar, jar.id) is jar
        session.delete(jar)
    with database.session() as session:
        assert not JarRepository(session).exists()


def test_changes_of_an_attached_graph_cascade(database: Database, jar: Jar) -> None:
    with database.transaction() as session:
        session.add(jar)
        jar.rack = Rack(name="bottom")
    with database.session() as session:
        kept = JarRepository(session).get_one(jar.id)
        assert (RackRepository(session).get_one(kept.rack_id or 0)).name == "bottom"


def test_a_column_that_the_model_computes_is_loaded_once_attached(database: Database) -> None:
    with database.session() as session:
        measured = MeasuredRepository(session)
        created = measured.create(MeasuredCreate(text="four"))
        for entity in (created, measured.get_one(created.id), (measured.list())[0]):
            with pytest.raises(DetachedInstanceError):
                _ = entity.length  # type: ignore[attr-defined]  # added to the mapper
    with database.transaction() as session:
        session.add(created)
        assert run_on_session(session, lambda _: created.length) == 4  # type: ignore[attr-defined]


class Routing(DatabaseSession):
    """A session that notes what it is asked for a bind with."""

    asked: list[tuple[object, type]]

    @override
    def get_bind(self, mapper: Any = None, *, clause: Any = None, **arguments: Any) -> Any:
        self.asked.append((mapper, clause.__class__))
        return super().get_bind(mapper, clause=clause, **arguments)


def test_a_routing_session_gets_model_and_statement(database: Database, jar: Jar) -> None:
    asked: list[tuple[object, type]] = []
    Routing.asked = asked
    with open_session(database.engine, Routing) as session:
        tasks = TaskRepository(session).owned_by("a")
        task = tasks.create(TaskCreate(title="x"))
        tasks.get(task.id)
        tasks.update(task.id, TaskUpdate(title="y"))
        tasks.list()
        with session.begin():
            tasks.count()
            tasks.delete(task.id)
    assert asked == [(inspect(Task), kind) for kind in (Insert, Select, Update, Select, Select, Delete)]


def test_a_write_of_no_row_is_explained_over_the_engine_of_the_write(database: Database, jar: Jar) -> None:
    asked: list[tuple[object, type]] = []
    Routing.asked = asked
    with open_session(database.engine, Routing) as session:
        tasks = TaskRepository(session).owned_by("a")
        with pytest.raises(NotFoundError):
            tasks.update(1, TaskUpdate(title="y"))
        with pytest.raises(NotFoundError):
            tasks.toggle_complete(1)
    assert asked == [(inspect(Task), Update)] * 4
