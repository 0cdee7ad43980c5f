"""Trials without an import: pytest's loop over the collected tests, once for each mutant, in a fork of the process."""

import gc
import os
import resource
import signal
import sys
from collections.abc import Iterator
from functools import cached_property
from multiprocessing import Value
from multiprocessing.connection import Connection
from types import CodeType, FunctionType, ModuleType
from typing import Literal

import pytest

from tools.mutation.mutants import Mutant, unchanged

Fate = Literal["killed", "timed out", "lives"]

CPU_TIME_S = 20
"""The tests take up to 5: this is a loop without an end, on however busy a machine."""
WAIT_S = 600
"""For tests that wait for one another or for the server."""


def limit() -> None:
    """Ends this process by a signal when it has taken too long."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_TIME_S, resource.RLIM_INFINITY))
    signal.alarm(WAIT_S)


def commit_status(exit_code: int | None) -> Fate:
    """What the end of a process of tests says of its mutant."""
    if exit_code in (-signal.SIGXCPU, -signal.SIGALRM):
        return "timed out"
    return "lives" if exit_code == 0 else "killed"


class Loop:
    """A plugin of pytest: for each mutant that is sent, the fate; a test that killed one is the first for the next."""

    def __init__(self, mutants: Connection) -> None:
        self._mutants = mutants
        self._failed = Value("i")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In the place of the one run through the tests."""
        for one in unchanged():  # so that the trial of what is no mutant sees each module with other code
            put_in_place(one)
        gc.freeze()
        items = list(session.items)
        while (mutant := self._mutants.recv()) is not None:
            child = os.fork()
            if child == 0:
                self._try(mutant, items)
            _, status = os.waitpid(child, 0)
            fate = commit_status(os.waitstatus_to_exitcode(status))
            if fate == "killed":
                items.insert(0, items.pop(self._failed.value))
            self._mutants.send(fate)
        return True

    def _try(self, mutant: Mutant, items: list[pytest.Item]) -> None:
        limit()
        self._failed.value = 0
        try:
            put_in_place(mutant)
        except (KeyError, ValueError):  # it has no such function, or one with other variables around it
            os._exit(0)
        for index, (item, following) in enumerate(zip(items, [*items[1:], None], strict=True)):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if item.session.testsfailed:
                self._failed.value = index
                os._exit(1)
        os._exit(0)


def put_in_place(mutant: Mutant) -> None:
    """Gives the functions of the mutant's module, as it is imported, the mutant's code."""
    module = sys.modules[mutant.path.removesuffix(".py").replace("/", ".")]
    file = str(module.__file__)
    codes = {code.co_qualname: code for code in _codes(compile(mutant.text, file, "exec"))}
    for function in _functions(module, file):
        function.__code__ = codes[function.__qualname__]


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _functions(holder: ModuleType | type, file: str) -> Iterator[FunctionType]:
    """The functions that the text of the file makes: not those that are imported, or that a dataclass has."""
    for value in vars(holder).values():
        function = value.fget if isinstance(value, property) else value
        function = function.func if isinstance(function, cached_property) else function
        if isinstance(function, FunctionType) and function.__code__.co_filename == file:
            yield function
        elif isinstance(value, type) and value.__module__ == getattr(holder, "__module__", holder.__name__):
            yield from _functions(value, file)
