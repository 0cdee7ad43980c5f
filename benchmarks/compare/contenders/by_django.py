"""Django's models as its documentation shows, on the connection that Django keeps for each thread."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import django
from django.conf import settings
from django.core.paginator import Paginator
from django.db import connection, connections, models, transaction
from psycopg.conninfo import conninfo_to_dict

from benchmarks.compare.calls import BATCH, OWNER, PAGE, PAGE_NUMBER, Contender, Ids, Target

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": None}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()


class Task(models.Model):
    """A task of one owner."""

    title = models.CharField(max_length=200)
    description = models.TextField(null=True)
    completed = models.BooleanField(default=False)
    user_id = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """The table is there."""

        app_label = "benchmarks"
        db_table = "task"
        managed = False


class Label(models.Model):
    """A label of one owner."""

    user_id = models.TextField()
    name = models.TextField()
    colour = models.TextField()

    class Meta:
        """The table is there."""

        app_label = "benchmarks"
        db_table = "label"
        managed = False


@contextmanager
def opened(target: Target) -> Generator[Contender]:
    """Make the calls. With `server_side_binding` where statements are prepared: without it each has another text."""
    given: dict[str, Any] = conninfo_to_dict(target.conninfo)
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    known = {name: str(given.pop(key, "")) for key, name in names.items()}
    options = {**given, "prepare_threshold": target.prepare_threshold}
    options["server_side_binding"] = target.prepare_threshold is not None
    connection.close()
    connections.databases["default"].update(**known, OPTIONS=options)
    deep = _mine().filter(id__gt=target.deep_id)
    yield Contender(
        {
            "create": lambda _: Task.objects.create(title="Buy groceries", user_id=OWNER),
            "get": lambda ids: Task.objects.get(id=ids[0], user_id=OWNER),
            "first": lambda _: _mine().first(),
            "update": _update,
            "toggle": _toggle,
            "delete": _delete,
            "upsert": lambda ids: Label.objects.update_or_create(
                user_id=OWNER, name=f"label {ids[0]}", defaults={"colour": "green"}
            ),
            "exists": lambda ids: Task.objects.filter(id=ids[0], user_id=OWNER).exists(),
            "list of 20": lambda _: list(_mine()[:20]),
            "list of 100": lambda _: list(_mine()[:100]),
            "view of 20": lambda _: list(_mine().values("id", "title", "completed")[:20]),
            "view of 100": lambda _: list(_mine().values("id", "title", "completed")[:100]),
            "page": lambda _: list(Paginator(_mine(), PAGE).page(PAGE_NUMBER)),
            "cursor page, first": lambda _: list(_mine()[: PAGE + 1])[:PAGE],
            "cursor page, deep": lambda _: list(deep.all()[: PAGE + 1])[:PAGE],
            "get_many of 100": lambda ids: Task.objects.filter(user_id=OWNER).in_bulk(ids),
            "transaction of ten writes": _transaction,
            "create_many": lambda ids: Task.objects.bulk_create(
                [Task(title=f"Buy food for {id}", user_id=OWNER) for id in ids]
            ),
            "update_many": lambda ids: Task.objects.bulk_update(
                [Task(id=id, title=f"Buy food for {id}") for id in ids], ["title"]
            ),
            "upsert_many": lambda ids: Label.objects.bulk_create(
                [Label(user_id=OWNER, name=f"label {id}", colour="green") for id in ids],
                update_conflicts=True,
                unique_fields=["user_id", "name"],
                update_fields=["colour"],
            ),
            "delete_many": lambda ids: Task.objects.filter(id__in=ids, user_id=OWNER).delete(),
            "stream": lambda _: sum(1 for _task in Task.objects.order_by("id").iterator(chunk_size=BATCH)),
        },
        end_thread=connections.close_all,  # of the thread that calls it
    )
    connection.close()


def _mine() -> Any:
    return Task.objects.filter(user_id=OWNER).order_by("id")


def _update(ids: Ids) -> Task:
    task: Task = Task.objects.get(id=ids[0], user_id=OWNER)
    task.title = "Buy food"
    task.save(update_fields=["title", "updated_at"])
    return task


def _toggle(ids: Ids) -> Task:
    task: Task = Task.objects.get(id=ids[0], user_id=OWNER)
    task.completed = not task.completed
    task.save(update_fields=["completed", "updated_at"])
    return task


def _delete(ids: Ids) -> Task:
    task: Task = Task.objects.get(id=ids[0], user_id=OWNER)
    task.delete()
    return task


def _transaction(ids: Ids) -> None:
    with transaction.atomic():
        for id in ids[:5]:
            _update([id])
        for _ in ids[5:]:
            Task.objects.create(title="Buy groceries", user_id=OWNER)
