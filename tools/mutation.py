"""Breaks the statement layer in every small way, and shows which breaks no test notices: `python -m tools.mutation`.

A mutant is one change of the syntax tree in one of `TARGETS`. Each is run in a scratch copy against the tests of
`STAGES`, the quick ones first, until one fails. A mutant that lives is a survivor, and each survivor is explained in
`docs/mutation.md`, on a line of its own: a dash, its name in backquotes, a colon, and why it changes nothing. One that
is not explained there, or an explanation without a survivor, is an error. `--only TEXT` takes the mutants whose name
has the text, `--list` names them.
"""

import ast
import copy
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import local

import pytest
from typing_extensions import override

from backend.database.embedded import EmbeddedServer

ROOT = Path(__file__).parent.parent
EXPLAINED = ROOT / "docs" / "mutation.md"
WORKERS = 2
TIMEOUT_S = 60.0
TARGETS: dict[str, tuple[str, ...]] = {
    "backend/statements/scope.py": (),
    "backend/statements/elements.py": (),
    "backend/statements/reads.py": (),
    "backend/statements/conditions.py": (),
    "backend/statements/statements.py": (),
    "backend/repository/_sync.py": (
        *("owned_by", "create", "list", "_select", "_all", "_one_or_none", "_scalar", "_change"),
        *("_run", "_entities", "_rows_of", "_changed_row"),
    ),
}
"""The mutated files; of the last only the functions through which a scope is carried."""

STAGES = (
    ["tests/statements/test_scope.py"],
    ["tests/behaviour/_sync/test_scope.py", "tests/behaviour/_sync/test_calls.py"],
)
"""Tests that need no database, then those that do."""

_CHAINED = {"where", "options", "values", "returning", "select_from", "order_by", "limit", "offset"}
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.GtE,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.GtE: ast.Lt,
}


@dataclass(frozen=True)
class Mutant:
    """One change: where, what, and the whole text of the changed file."""

    name: str
    path: str
    text: str


def mutants() -> Iterator[Mutant]:
    """Every mutant of the targets, each with a name of its own."""
    seen: dict[str, int] = {}
    for path, functions in TARGETS.items():
        tree = ast.parse((ROOT / path).read_text())
        for place, node in _placed(tree, ""):
            if functions and place.rpartition(".")[2] not in functions:
                continue
            for what, change in _changes(node):
                text = _changed(tree, node, change)
                name = f"{Path(path).stem}{place}: {what}: {_shown(node)}"
                seen[name] = seen.get(name, 0) + 1
                yield Mutant(name if seen[name] == 1 else f"{name} #{seen[name]}", path, text)


def _placed(node: ast.AST, place: str) -> Iterator[tuple[str, ast.AST]]:
    """The nodes that do something, each with the names of the classes and functions that it is in."""
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:  # pyright: ignore[reportUnknownVariableType]  # untyped fields
            if not isinstance(child, ast.AST) or field in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            if isinstance(child, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
                if isinstance(child, ast.Raise):
                    yield place, child
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue  # a docstring
            inner = f"{place}.{child.name}" if isinstance(child, ast.FunctionDef | ast.ClassDef) else place
            yield inner, child
            yield from _placed(child, inner)


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:  # noqa: PLR0912 - one branch for each kind of change
    """What stands in the place of a node; `None` for nothing."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _OPPOSITE:
            yield "opposite", ast.Compare(node.left, [_OPPOSITE[type(op)]()], node.comparators)
        case ast.BoolOp(values=values):
            yield "and for or", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), values)
            for index in range(len(values)):
                rest = values[:index] + values[index + 1 :]
                yield f"without part {index + 1}", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
        case ast.UnaryOp(op=ast.Not()):
            yield "without not", node.operand
        case ast.If() | ast.While():
            for truth in (True, False) if isinstance(node, ast.If) else (False,):
                yield f"always {truth}", type(node)(ast.Constant(truth), node.body, node.orelse)
        case ast.IfExp():
            yield "first branch", node.body
            yield "second branch", node.orelse
        case ast.Raise():
            yield "not raised", ast.Pass()
        case ast.Return(value=value) if value is not None and not isinstance(value, ast.Constant):
            yield "nothing returned", ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call() | ast.YieldFrom() | ast.Yield()) | ast.AugAssign():
            yield "left out", ast.Pass()
        case ast.For():
            yield "not repeated", ast.For(node.target, ast.Tuple([], ast.Load()), node.body, node.orelse)
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in _CHAINED:
            yield f"without {attr}", value
        case ast.Call(func=func, args=[ast.GeneratorExp()]) if isinstance(func, ast.Name) and func.id in ("any", "all"):
            other = "all" if func.id == "any" else "any"
            yield f"{other} for {func.id}", ast.Call(ast.Name(other, ast.Load()), node.args, [])
        case ast.comprehension(ifs=[_, *_]):
            yield "unfiltered", ast.comprehension(node.target, node.iter, [], 0)
        case ast.Constant(value=bool() | int() | str()):
            yield "constant", ast.Constant(_other(node.value))
        case _:
            pass


def _other(value: object) -> bool | int | str:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case _:
            return f"{value}_"


def _changed(tree: ast.Module, node: ast.AST, change: ast.AST | None) -> str:
    """The text of the tree with the change in the place of the node."""

    class Changing(ast.NodeTransformer):
        @override
        def visit(self, node: ast.AST) -> ast.AST | None:
            return copied if node is found else super().generic_visit(node)

    memo: dict[int, object] = {}
    whole = copy.deepcopy(tree, memo)
    found, copied = memo[id(node)], copy.deepcopy(change)
    return ast.unparse(ast.fix_missing_locations(Changing().visit(whole) or whole))


def _shown(node: ast.AST) -> str:
    target = node.test if isinstance(node, ast.If | ast.While | ast.IfExp) else node
    text = " ".join(ast.unparse(target).split()).replace("`", "'")
    return text if len(text) <= 90 else f"{text[:89]}…"


_worker = local()


def lives(mutant: Mutant, prepare: Callable[[], tuple[Path, str]]) -> bool:
    """Whether every stage passes with the mutant in a worker's scratch copy."""
    if not hasattr(_worker, "given"):
        _worker.given = prepare()
    folder, url = _worker.given
    changed = folder / mutant.path
    original = changed.read_text()
    changed.write_text(mutant.text)
    try:
        return all(_passes(folder, url, stage) for stage in STAGES)
    finally:
        changed.write_text(original)


def _passes(folder: Path, url: str, tests: list[str]) -> bool:
    process = multiprocessing.get_context("fork").Process(target=_run_tests, args=(folder, url, tests))
    process.start()
    process.join(TIMEOUT_S)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode == 0


def _run_tests(folder: Path, url: str, tests: list[str]) -> None:
    """Runs in a process of its own, in which the package is imported anew from the scratch copy."""
    os.chdir(folder)
    os.environ["TEST_DATABASE_URL"] = url
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] in ("backend", "tests", "tools")]:
        del sys.modules[name]
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        code = pytest.main(["-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests])
    os._exit(int(code))


def explanations() -> dict[str, str]:
    """The survivors that are explained, each with why."""
    found = re.findall(r"^- `(.+)`: (.+)$", EXPLAINED.read_text(), re.MULTILINE)
    return dict(found)


def survivors(chosen: list[Mutant]) -> list[str]:
    """The names of the mutants that no test notices."""
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as servers:
        numbers = iter(range(WORKERS))
        urls = [servers.enter_context(EmbeddedServer()).url for _ in range(WORKERS)]

        def prepare() -> tuple[Path, str]:
            folder = Path(scratch) / str(number := next(numbers))
            for name in ("backend", "tests"):
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            shutil.copy(ROOT / "pyproject.toml", folder)
            return folder, urls[number]

        def run(mutant: Mutant) -> bool:
            return lives(mutant, prepare)

        path = next(iter(TARGETS))
        unchanged = Mutant("unchanged", path, ast.unparse(ast.parse((ROOT / path).read_text())))
        with ThreadPoolExecutor(WORKERS) as workers:
            if not all(workers.map(run, [unchanged] * WORKERS)):
                raise SystemExit("the tests fail without a mutant: see to that first")
            alive: list[str] = []
            for mutant, lived in zip(chosen, workers.map(run, chosen), strict=True):
                print("lives " if lived else "killed", mutant.name, flush=True)
                alive += [mutant.name] * lived
    return alive


def main(arguments: list[str]) -> int:
    """Prints the number of mutants, the killed and the survivors; 1 if one is unexplained."""
    only = arguments[arguments.index("--only") + 1] if "--only" in arguments else ""
    chosen = [mutant for mutant in mutants() if only in mutant.name]
    if "--list" in arguments:
        print("\n".join(mutant.name for mutant in chosen))
        return 0
    alive = survivors(chosen)
    known = explanations()
    unexplained = [name for name in alive if name not in known]
    stale = [name for name in known if name not in alive and any(name == one.name for one in chosen)]
    gone = [] if only else [name for name in known if not any(name == one.name for one in chosen)]
    print(f"{len(chosen)} mutants, {len(chosen) - len(alive)} killed, {len(alive)} survivors")
    for name in alive:
        print(f"- `{name}`: {known.get(name, 'UNEXPLAINED')}")
    for name in stale + gone:
        print(f"explained in {EXPLAINED.name}, and no survivor: {name}")
    return int(bool(unexplained or stale or gone))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
