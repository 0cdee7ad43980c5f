"""Each asynchronous class and its synchronous twin have the same names, parameters, documentation and results."""

import ast
import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import get_overloads

import pytest

from backend import AsyncCRUDRepository, AsyncDatabase, CRUDRepository, Database
from backend.database.connections._async import AsyncConnector
from backend.database.connections._sync import Connector
from backend.database.sessions._async import AsyncTransactionBlock
from backend.database.sessions._sync import TransactionBlock
from backend.repository._async.bulk import AsyncBulkCalls
from backend.repository._async.calls import AsyncCalls
from backend.repository._async.conditional import AsyncWhereCalls
from backend.repository._async.protected import AsyncProtectedCalls
from backend.repository._async.reading import AsyncReads
from backend.repository._async.upserting import AsyncUpsertCalls
from backend.repository._async.with_before import AsyncWithBefore
from backend.repository._sync.bulk import BulkCalls
from backend.repository._sync.calls import Calls
from backend.repository._sync.conditional import WhereCalls
from backend.repository._sync.protected import ProtectedCalls
from backend.repository._sync.reading import Reads
from backend.repository._sync.upserting import UpsertCalls
from backend.repository._sync.with_before import WithBefore
from backend.tasks import AsyncTaskRepository, TaskRepository
from backend.testing import AsyncRepositoryContract, RepositoryContract
from tools.generate_sync import ROOT, to_sync, twins

PAIRS: list[tuple[type, type]] = [
    (AsyncCRUDRepository, CRUDRepository),
    (AsyncReads, Reads),
    (AsyncWithBefore, WithBefore),
    (AsyncCalls, Calls),
    (AsyncProtectedCalls, ProtectedCalls),
    (AsyncBulkCalls, BulkCalls),
    (AsyncWhereCalls, WhereCalls),
    (AsyncUpsertCalls, UpsertCalls),
    (AsyncDatabase, Database),
    (AsyncConnector, Connector),
    (AsyncTransactionBlock, TransactionBlock),
    (AsyncTaskRepository, TaskRepository),
]


def members(cls: type) -> dict[str, FunctionType]:
    """What the class itself defines, overloads too, by the name that it has in the synchronous class."""
    found: dict[str, FunctionType] = {}
    for name, value in vars(cls).items():
        function = value.fget if isinstance(value, property) else inspect.unwrap(getattr(value, "__func__", value))
        if isinstance(function, FunctionType):
            found[to_sync(name, set())] = function
            overloads = get_overloads(function)
            found |= {f"{name} {at}": one for at, one in enumerate(overloads) if isinstance(one, FunctionType)}
    return found


def signature(function: Callable[..., object]) -> list[tuple[str, str, object]]:
    """The parameters with their kinds and defaults; the types are compared apart."""
    parameters = inspect.signature(function).parameters.values()
    return [(one.name, one.kind.name, one.default) for one in parameters]


def types(function: Callable[..., object]) -> dict[str, str]:
    """The types of parameters and result, from the source: at run time `Select[T]` is but `Select`."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    arguments = [*node.args.posonlyargs, *node.args.args, node.args.vararg, *node.args.kwonlyargs, node.args.kwarg]
    written = {one.arg: one.annotation for one in arguments if one is not None} | {"return": node.returns}
    return {name: ast.unparse(one) for name, one in written.items() if one is not None}


def each_member() -> Iterator[tuple[str, FunctionType, FunctionType]]:
    for asynchronous, synchronous in PAIRS:
        theirs, ours = members(asynchronous), members(synchronous)
        for name in theirs.keys() & ours.keys():
            yield f"{synchronous.__name__}.{name}", theirs[name], ours[name]


EACH = sorted(each_member(), key=lambda one: one[0])
each = pytest.mark.parametrize(("asynchronous", "synchronous"), [one[1:] for one in EACH], ids=[one[0] for one in EACH])


@pytest.mark.parametrize(("asynchronous", "synchronous"), PAIRS)
def test_twins_have_the_same_names(asynchronous: type, synchronous: type) -> None:
    assert members(asynchronous).keys() == members(synchronous).keys()
    assert members(synchronous)


@each
def test_twins_take_the_same_parameters(asynchronous: FunctionType, synchronous: FunctionType) -> None:
    assert signature(asynchronous) == signature(synchronous)


@each
def test_twins_have_the_same_types_but_for_the_awaiting(asynchronous: FunctionType, synchronous: FunctionType) -> None:
    awaited = {name: to_sync(written, set()) for name, written in types(asynchronous).items()}
    assert awaited == types(synchronous)
    assert "return" in awaited


@each
def test_twins_have_the_same_documentation(asynchronous: FunctionType, synchronous: FunctionType) -> None:
    assert to_sync(asynchronous.__doc__ or "", set()) == (synchronous.__doc__ or "")


@pytest.mark.parametrize(("asynchronous", "synchronous"), PAIRS[:8])
def test_generated_twins_have_the_same_class_documentation(asynchronous: type, synchronous: type) -> None:
    assert to_sync(asynchronous.__doc__ or "", set()) == synchronous.__doc__


@each
def test_a_synchronous_twin_has_no_coroutines(asynchronous: FunctionType, synchronous: FunctionType) -> None:
    assert not inspect.iscoroutinefunction(synchronous)
    assert not inspect.isasyncgenfunction(synchronous)
    assert inspect.isgeneratorfunction(synchronous) == inspect.isasyncgenfunction(asynchronous)


def test_every_class_of_a_generated_module_is_compared() -> None:
    compared = {cls for pair in PAIRS for cls in pair}
    for source, twin in twins(ROOT).items():
        if source.is_relative_to(ROOT / "backend") and not source.is_relative_to(ROOT / "backend/testing"):
            for path in (source, twin):
                assert set(public_classes(imported(path.relative_to(ROOT).with_suffix("").as_posix()))) <= compared


def test_the_contracts_have_the_same_checks() -> None:
    """Their parameters differ: the fixtures `async_db` and `db`."""
    asynchronous, synchronous = ({*dir(one)} for one in (AsyncRepositoryContract, RepositoryContract))
    assert {name for name in asynchronous if name != "pytestmark"} == synchronous


def imported(path: str) -> ModuleType:
    return importlib.import_module(path.replace("/", "."))


def public_classes(module: ModuleType) -> list[type]:
    own = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]
    return [one for one in own if not one.__name__.startswith("_")]
