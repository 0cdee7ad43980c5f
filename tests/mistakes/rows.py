"""Rows: reading and writing them."""

from sqlmodel import Session, col

from backend import Change, Lock, typed
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate, get_tasks
from tests.support.models.suite import Project, ProjectRepository


def no_owner(session: Session) -> None:
    """`owned_by` forgotten."""
    TaskRepository(session).list()


def owner_none(session: Session) -> None:
    """`None` as owner, as of a user who is not logged in."""
    TaskRepository(session).owned_by(None)


def owner_none_in_a_function(session: Session) -> None:
    """`None` as owner of a function of `backend.tasks`."""
    get_tasks(session, None)


def owner_of_another_type(session: Session) -> None:
    """An owner of another type than the column."""
    TaskRepository(session).owned_by(7).list()


def id_of_another_type(tasks: TaskRepository) -> None:
    """An id of another type, as from a URL."""
    tasks.get("7")


def entity_for_an_id(tasks: TaskRepository, task: Task) -> None:
    """An entity instead of its id."""
    tasks.delete(task)


def none_not_checked(tasks: TaskRepository) -> None:
    """`get` without a look at `None`.

    `get_one` raises `NotFoundError` instead.
    """
    print(tasks.get(7).title)


def several_for_one(tasks: TaskRepository, task: Task) -> None:
    """`one` where there are several.

    `first` returns the first of them.
    """
    tasks.create(TaskCreate(title="Pack"))
    tasks.one()


def same_id_twice(tasks: TaskRepository, task: Task) -> None:
    """The same id twice in a call on many rows."""
    tasks.delete_many([task.id, task.id])


def relationship_not_loaded(projects: ProjectRepository, project: Project) -> None:
    """A relationship that was not asked for."""
    print(project.tickets)


def misspelt_relationship(projects: ProjectRepository) -> None:
    """A column as a relationship."""
    projects.loading(Project.name).list()


def table_for_the_schema(tasks: TaskRepository) -> None:
    """The table's class instead of the create schema."""
    tasks.create(Task(title="Pack", user_id="ada"))


def mapping_for_the_schema(tasks: TaskRepository) -> None:
    """A dict instead of the schema."""
    tasks.create({"title": "Pack"})


def many_for_one(tasks: TaskRepository) -> None:
    """A list for one row.

    Write `create_many`.
    """
    tasks.create([TaskCreate(title="Pack")])


def misspelt_field(tasks: TaskRepository) -> None:
    """A misspelt field of a schema."""
    tasks.create(TaskCreate(title="Pack", complete=True))


def required_field_left_out(tasks: TaskRepository) -> None:
    """A field that is required."""
    tasks.create(TaskCreate(description="soon"))


def owner_in_the_data(tasks: TaskRepository) -> None:
    """The owner in the data: `owned_by` says it."""
    tasks.create(TaskCreate(title="Pack", user_id="grace"))


def too_long(tasks: TaskRepository) -> None:
    """A text that is longer than its column."""
    tasks.create(TaskCreate(title="x" * 201))


def validation_passed_by(tasks: TaskRepository) -> None:
    """`model_construct`, which validates nothing: the repository does."""
    tasks.create(TaskCreate.model_construct(title="x" * 201))


def zero_byte(tasks: TaskRepository) -> None:
    """A zero byte, which PostgreSQL stores in no text."""
    tasks.create(TaskCreate(title="Pack\x00"))


def assigned(tasks: TaskRepository, task: Task) -> None:
    """An assignment that saves nothing: an entity is a value.

    Call `tasks.update(task.id, TaskUpdate(title="Pack"))`. Nobody can see it: an application may also change a copy of a
    row that it only shows, or add it to a session of its own.
    """
    task.title = "Pack"
    assert tasks.get_one(task.id).title == "Buy milk"


def entity_for_the_patch(tasks: TaskRepository, task: Task) -> None:
    """An update with the whole entity."""
    tasks.update(task.id, task)


def create_schema_for_the_patch(tasks: TaskRepository, task: Task) -> None:
    """An update with the create schema."""
    tasks.update(task.id, TaskCreate(title="Pack"))


def none_for_a_required_field(tasks: TaskRepository, task: Task) -> None:
    """`None` for a column that has no NULL.

    To ty and pyrefly the field's `MISSING`, a sentinel of PEP 661, is Any (astral-sh/ty#3752, facebook/pyrefly#3207).
    """
    tasks.update(task.id, TaskUpdate(title=None))


def nothing_set(tasks: TaskRepository, task: Task) -> None:
    """A patch that sets nothing: nothing is written, and the row is returned."""
    assert tasks.update(task.id, TaskUpdate()) == task


def keywords_for_the_patch(tasks: TaskRepository, task: Task) -> None:
    """Keywords instead of a patch, as in Django."""
    tasks.update(task.id, title="Pack")


def arguments_swapped(tasks: TaskRepository, task: Task) -> None:
    """Patch and id in the wrong order."""
    tasks.update(TaskUpdate(title="Pack"), task.id)


def version_of_another_type(tasks: TaskRepository, task: Task) -> None:
    """A version of another type."""
    tasks.update(task.id, TaskUpdate(title="Pack"), expected=1)


def naive_version(tasks: TaskRepository, task: Task) -> None:
    """A version that lost its zone, as by a form."""
    tasks.update(task.id, TaskUpdate(title="Pack"), expected=task.updated_at.replace(tzinfo=None))


def expected_by_position(tasks: TaskRepository, task: Task) -> None:
    """The version without its name."""
    tasks.update(task.id, TaskUpdate(title="Pack"), task.updated_at)


def save(tasks: TaskRepository, task: Task) -> None:
    """`save`, as in Django and Spring Data."""
    tasks.save(task)


def change_of_every_row(tasks: TaskRepository) -> None:
    """`update_where` without a condition."""
    tasks.update_where(TaskUpdate(completed=True))


def deletion_of_every_row(tasks: TaskRepository) -> None:
    """`delete_where` without a condition."""
    tasks.delete_where()


def upsert_without_a_unique_key(tasks: TaskRepository) -> None:
    """An upsert by a column that is not unique."""
    tasks.upsert(TaskCreate(title="Pack"), on=col(Task.title))


def upsert_by_name(tasks: TaskRepository) -> None:
    """An upsert by the name of a column."""
    tasks.upsert(TaskCreate(title="Pack"), on="title")


def change_to_another_type(tasks: TaskRepository) -> None:
    """A change to a value of another type."""
    Change(typed(Task.title).to(7))


def change_by_not(tasks: TaskRepository) -> None:
    """`not` in a change.

    Write `~typed(Task.completed)`.
    """
    Change(typed(Task.completed).to(not typed(Task.completed)))


def change_of_the_owner(tasks: TaskRepository) -> None:
    """A change of the owner."""
    tasks.update_where(Change(typed(Task.user_id).to("grace")), all_rows=True)


def lock_without_a_transaction(tasks: TaskRepository, task: Task) -> None:
    """A lock outside a transaction, which would end at once."""
    tasks.get(task.id, lock=Lock())


def lock_by_flag(tasks: TaskRepository, task: Task) -> None:
    """`True` for a lock, as `with_for_update=True`."""
    tasks.get(task.id, lock=True)
