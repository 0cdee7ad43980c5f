"""The tree of errors: as its docstring draws it, read by `except`, and carried whole to wherever an error goes."""

import copy
import pickle
import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from uuid import UUID

import pytest

from backend import errors
from backend.errors import ErrorDetails, InvalidDataError, Problem, RepositoryError, with_article

FACTS = ErrorDetails("Task", "create", "uq_task", ("title", "user_id"), "23505")


def below(kind: type[RepositoryError]) -> list[type[RepositoryError]]:
    return [kind, *(one for child in kind.__subclasses__() for one in below(child))]


TREE = below(RepositoryError)
every = pytest.mark.parametrize("kind", TREE)


def made(kind: type[RepositoryError]) -> RepositoryError:
    """An error as the package makes it, with everything that it can carry."""
    problems = (Problem(("title",), "string_too_long", "too long"),)
    error = kind("it failed", FACTS, problems) if issubclass(kind, InvalidDataError) else kind("it failed", FACTS)
    error.outcome = "applied"
    error.retryable = True
    error.driver_error = ValueError("a secret")
    error.add_note("for whoever reads it")
    return error


def carried(error: BaseException) -> tuple[object, ...]:
    """What must be the same wherever an error is carried to."""
    assert isinstance(error, RepositoryError)
    said = (type(error), str(error), error.args, error.details, error.model, error.operation, error.constraint)
    rest = (error.fields, error.sqlstate, error.outcome, error.retryable, getattr(error, "problems", None))
    return said + rest + (error.__notes__,)


def raise_made(name: str) -> None:
    raise made(getattr(errors, name))


COPIES: list[Callable[[RepositoryError], RepositoryError]] = [
    *((lambda error, p=p: pickle.loads(pickle.dumps(error, p))) for p in range(pickle.HIGHEST_PROTOCOL + 1)),  # noqa: S301 - of this test
    copy.copy,
    copy.deepcopy,
]


@every
def test_a_copy_or_pickle_says_the_same_without_the_drivers_error(kind: type[RepositoryError]) -> None:
    error = made(kind)
    for copied in COPIES:
        other = copied(error)
        assert carried(other) == carried(error)
        assert other.driver_error is None
    assert error.driver_error is not None


@every
def test_an_error_in_a_group_is_found_by_its_class_and_survives_a_pickle(kind: type[RepositoryError]) -> None:
    error = made(kind)
    group = pickle.loads(pickle.dumps(ExceptionGroup("several", [error, ValueError()])))  # noqa: S301 - of this test
    found, rest = group.split(RepositoryError)
    assert [carried(one) for one in found.exceptions] == [carried(error)]
    assert [type(one) for one in rest.exceptions] == [ValueError]


def test_an_error_reaches_another_process_whole() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as processes:
        raised = {kind: processes.submit(raise_made, kind.__name__).exception() for kind in TREE}
    for kind, error in raised.items():
        assert error is not None
        assert carried(error) == carried(made(kind))


def test_the_docstring_draws_the_tree() -> None:
    drawn: list[tuple[str, str]] = []
    above: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        indent = re.match(r"[ │├└─]*", line)
        names = re.findall(r"\b[A-Z]\w+Error\b", re.split(r" {2,}(?=[a-z])", line.strip(), maxsplit=1)[0])
        if indent is None or not names or not re.match(r"    ( *[│├└]|RepositoryError)", line):
            continue
        depth = indent.end()
        above[depth] = names[0]
        parent = max((one for one in above if one < depth), default=None)
        drawn += [(name, above[parent] if parent is not None else "Exception") for name in names]
    assert sorted(drawn) == sorted((kind.__name__, kind.__mro__[1].__name__) for kind in TREE)


@pytest.mark.parametrize(
    ("branch", "retryable", "outcome"),
    [
        (errors.RequestError, False, "not_applied"),
        (errors.TransientError, True, "not_applied"),
        (errors.OutcomeUnknownError, False, "unknown"),
        (errors.ProgramError, False, "not_applied"),
    ],
)
def test_a_branch_says_what_a_caller_can_do(branch: type[RepositoryError], retryable: bool, outcome: str) -> None:
    assert {(kind.retryable, kind.outcome) for kind in below(branch)} == {(retryable, outcome)}


def test_of_infrastructure_errors_connect_error_alone_is_retryable() -> None:
    assert [kind for kind in below(errors.InfrastructureError) if kind.retryable] == [errors.ConnectError]


@every
def test_every_error_is_in_one_branch(kind: type[RepositoryError]) -> None:
    branches = (errors.RequestError, errors.TransientError, errors.OutcomeUnknownError, errors.InfrastructureError)
    assert sum(issubclass(kind, branch) for branch in (*branches, errors.ProgramError)) == (kind is not RepositoryError)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (int, "an int"),
        (str, "a str"),
        (OSError, "an OSError"),
        (UUID, "a UUID"),
        (type("UserCreate", (), {}), "a UserCreate"),
        (type("UnitCreate", (), {}), "a UnitCreate"),
        (type("UpdateRow", (), {}), "an UpdateRow"),
        (type(None), "None"),
    ],
)
def test_a_class_is_named_with_its_article(kind: type, expected: str) -> None:
    assert with_article(kind) == expected
