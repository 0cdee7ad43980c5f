"""The mutants: every small change of the syntax trees of `TARGETS`, each with a name of its own.

The changes drop, weaken or move something: a link of a chain, a part of a condition, the order of entries that
override each other, a call that is replaced by its argument. Not changed are annotations, decorators, type variables,
aliases, imports, docstrings and the texts of errors.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

T = TypeVar("T")

ROOT = Path(__file__).parent.parent.parent
TARGETS: dict[str, tuple[str, ...]] = {
    "backend/statements/scope/bind.py": (),
    "backend/statements/scope/allowlist.py": (),
    "backend/statements/scope/from_clauses.py": (),
    "backend/statements/scope/outer_joins.py": (),
    "backend/statements/scope/verify.py": (),
    "backend/statements/conditions.py": (),
    "backend/statements/plain.py": (),
    "backend/statements/ordering.py": (),
    "backend/statements/typed.py": (),
    "backend/statements/typed_values.py": (),
    "backend/statements/keyset.py": (),
    "backend/statements/numbered_pages.py": (),
    "backend/statements/loads.py": (),
    "backend/statements/load_paths.py": (),
    "backend/statements/statements.py": (),
    "backend/statements/family.py": (),
    "backend/statements/by_id.py": (),
    "backend/statements/lists.py": (),
    "backend/statements/change.py": (),
    "backend/statements/upserts.py": (),
    "backend/statements/upsert_rows.py": (),
    "backend/statements/upsert_shape.py": (),
    "backend/statements/conflict_targets.py": (),
    "backend/statements/conflicts.py": (),
    "backend/statements/named_rows.py": (),
    "backend/statements/updates.py": (),
    "backend/statements/deletes.py": (),
    "backend/statements/inserts.py": (),
    "backend/statements/where.py": (),
    "backend/statements/row_counts.py": (),
    "backend/statements/row_arrays.py": (),
    "backend/statements/column_defaults.py": (),
    "backend/statements/kept.py": (),
    "backend/statements/scope/orm_columns.py": (),
    "backend/statements/scope/owner_types.py": (),
    "backend/statements/scope/precedence.py": (),
    "backend/statements/scope/raw_sql.py": (),
    "backend/entity/identity.py": (),
    "backend/entity/ownership.py": (),
    "backend/entity/version.py": (),
    "backend/entity/checks/changes.py": (),
    "backend/entity/checks/unique_keys.py": (),
    "backend/entity/checks/owners.py": (),
    "backend/entity/checks/references.py": (),
    "backend/entity/checks/registry.py": (),
    "backend/results/cursors.py": (),
    "backend/results/pages.py": (),
    "backend/results/views.py": (),
    "backend/repository/bound.py": (),
    "backend/repository/calls/reading.py": (),
    "backend/repository/calls/aggregating.py": (),
    "backend/repository/calls/writing.py": (),
    "backend/repository/calls/selecting.py": (),
    "backend/repository/batches.py": (),
    "backend/repository/calls/upserting.py": (),
    "backend/repository/calls/named_rows.py": (),
    "backend/repository/calls/updating.py": (),
    "backend/repository/calls/deleting.py": (),
    "backend/repository/calls/creating.py": (),
    "backend/repository/calls/conditional.py": (),
    "backend/repository/execution.py": ("run",),
    "backend/repository/metadata.py": ("__init__",),
    "backend/repository/_sync/crud.py": ("__init__", "owned_by", "every_owner", "_scoped"),
    "backend/database/failures/translate.py": (),
    "backend/database/failures/sqlstates.py": (),
    "backend/database/sessions/state.py": (),
    "backend/database/sessions/listeners.py": (),
    "backend/database/retrying/guard.py": (),
    "backend/database/retrying/identity.py": (),
}
"""The mutated files; where functions are named, only these. They carry a scope, or decide what an error says of the
outcome, whether it can be tried again, and what a transaction keeps."""

_CHAINED = {"where", "options", "values", "returning", "select_from", "order_by", "limit", "offset"}
_NOT_ENTERED = {"annotation", "returns", "decorator_list", "type_params"}
_WITHOUT_ARGUMENT = {
    "isinstance",
    "any",
    "all",
    "cast",
    "bool",
    "str",
    "list",
    "tuple",
    "type",
    "getattr",
    "hasattr",
    "sorted",
}
"""Functions that concern no scope, or convert between types: a call is not replaced by its argument."""

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
    """One change: its name, its file, and the whole text of the changed file."""

    name: str
    path: str
    text: str
    is_in_function: bool = False
    """Whether only the body of a function differs."""


@dataclass(frozen=True)
class _Spot:
    """A node in its tree, which another node can replace for a while."""

    place: str
    """The names of the classes and functions that it is in."""
    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None
    is_in_function: bool

    def replaced(self, tree: ast.Module, change: ast.AST) -> str:
        """Return the text of the tree with the change instead of the node."""
        self._put(change)
        try:
            return ast.unparse(ast.fix_missing_locations(tree))
        finally:
            self._put(self.node)

    def _put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def mutants(only: str = "") -> Iterator[Mutant]:
    """Yield the mutants of `TARGETS` whose name contains `only`."""
    seen: dict[str, int] = {}
    for path, functions in TARGETS.items():
        statements = ast.parse((ROOT / path).read_text()).body
        texts = [ast.unparse(one) for one in statements]
        for number, statement in enumerate(statements):
            tree = ast.Module([statement], [])
            for spot in list(_spots(tree)):
                if functions and spot.place.rpartition(".")[2] not in functions:
                    continue
                for what, change in _changes(spot.node):
                    name = f"{Path(path).stem}{spot.place}: {what}: {_shown(spot.node)}"
                    seen[name] = seen.get(name, 0) + 1
                    name = name if seen[name] == 1 else f"{name} #{seen[name]}"
                    if only in name:
                        changed = [*texts[:number], spot.replaced(tree, change), *texts[number + 1 :]]
                        yield Mutant(name, path, "\n".join(changed), spot.is_in_function)


def unchanged() -> list[Mutant]:
    """Return the unchanged code of each file, formatted as the mutants are."""
    made: list[Mutant] = []
    for path in TARGETS:
        statements = ast.parse((ROOT / path).read_text()).body
        made.append(Mutant("unchanged", path, "\n".join(map(ast.unparse, statements)), is_in_function=True))
    return made


def _spots(node: ast.AST, place: str = "", *, is_in_function: bool = False) -> Iterator[_Spot]:
    """Yield the nodes that a change can affect."""
    for field, value in ast.iter_fields(node):
        inside = is_in_function or (field == "body" and isinstance(node, ast.FunctionDef))
        children = cast("list[object]", value if isinstance(value, list) else [value])
        for index, child in enumerate(children):
            if not isinstance(child, ast.AST) or field in _NOT_ENTERED or _says_nothing(child):
                continue
            if (field, index) == ("args", 0) and isinstance(child, ast.Constant) and _is_cast(node):
                continue
            inner = f"{place}.{child.name}" if isinstance(child, ast.FunctionDef | ast.ClassDef) else place
            yield _Spot(inner, child, node, field, index if isinstance(value, list) else None, inside)
            if not isinstance(child, ast.Raise):
                yield from _spots(child, inner, is_in_function=inside)


def _says_nothing(node: ast.AST) -> bool:
    match node:
        case ast.JoinedStr() | ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case (
            ast.Call(func=ast.Name(id="TypeVar" | "TypeVarTuple")) | ast.AnnAssign(annotation=ast.Name(id="TypeAlias"))
        ):
            return True
        case _:
            return False


def _is_cast(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "cast"


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield the replacements of a node, each with the name of the change."""
    if isinstance(node, ast.expr | ast.comprehension):
        yield from _changed_expressions(node)
    else:
        yield from _changed_statements(node)


def _changed_statements(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.If():
            for truth in (True, False):
                yield f"always {truth}", ast.If(ast.Constant(truth), node.body, node.orelse)
        case ast.While():
            yield "always False", ast.While(ast.Constant(False), node.body, node.orelse)
        case ast.For():
            yield "not repeated", ast.For(node.target, ast.Tuple([], ast.Load()), node.body, node.orelse)
        case ast.Raise():
            yield "not raised", ast.Pass()
        case ast.Return(value=value) if value is not None and not isinstance(value, ast.Constant):
            yield "nothing returned", ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call() | ast.YieldFrom() | ast.Yield()) | ast.AugAssign():
            yield "left out", ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "left out", ast.Pass()
        case _:
            pass


def _changed_expressions(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:  # noqa: PLR0912 - a branch for each kind
    match node:
        case ast.Compare(ops=[op]) if type(op) in _OPPOSITE:
            yield "opposite", ast.Compare(node.left, [_OPPOSITE[type(op)]()], node.comparators)
        case ast.BoolOp(values=values):
            yield "and for or", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), values)
            for index, rest in _without_one(values):
                yield f"without part {index}", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.BitOr()):
            yield "left side", node.left
            yield "right side", node.right
        case ast.UnaryOp(op=ast.Not()):
            yield "without not", node.operand
        case ast.IfExp():
            yield "first branch", node.body
            yield "second branch", node.orelse
        case ast.Tuple(ctx=ast.Load()) | ast.List(ctx=ast.Load()):
            for index, rest in _without_one(node.elts):
                yield f"without element {index}", type(node)(rest, ast.Load())
        case ast.Dict():
            yield from _changed_entries(node)
        case ast.Call():
            yield from _changed_calls(node)
        case ast.comprehension(ifs=[_, *_]):
            yield "unfiltered", ast.comprehension(node.target, node.iter, [], 0)
        case ast.Constant(value=bool() | int() | str() as value):
            yield "constant", ast.Constant(_other(value))
        case _:
            pass


def _changed_entries(node: ast.Dict) -> Iterator[tuple[str, ast.AST]]:
    entries = list(zip(node.keys, node.values, strict=True))
    for index, rest in _without_one(entries):
        yield f"without entry {index}", ast.Dict([key for key, _ in rest], [value for _, value in rest])
    if len(entries) > 1 and None in node.keys:  # the later entry wins
        yield "turned round", ast.Dict(node.keys[::-1], node.values[::-1])


def _changed_calls(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    match node.func:
        case ast.Attribute(value=value, attr=attr) if attr in _CHAINED:
            yield f"without {attr}", value
            if attr == "where" and len(node.args) > 1:
                for index, rest in _without_one(node.args):
                    yield f"without condition {index}", ast.Call(node.func, rest, node.keywords)
        case ast.Name(id="any" | "all" as name):
            yield (
                f"{'all' if name == 'any' else 'any'} for {name}",
                ast.Call(ast.Name("all" if name == "any" else "any", ast.Load()), node.args, []),
            )
        case ast.Name(id=name) if name in _WITHOUT_ARGUMENT or name[:1].isupper():
            pass
        case _:
            for index, argument in enumerate(node.args, 1):
                if not isinstance(argument, ast.Starred | ast.Constant | ast.Dict | ast.GeneratorExp):
                    yield f"argument {index} instead", argument


def _without_one(values: list[T]) -> Iterator[tuple[int, list[T]]]:
    for index in range(len(values)):
        yield index + 1, values[:index] + values[index + 1 :]


def _other(value: object) -> bool | int | str:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case _:
            return f"{value}_"


def _shown(node: ast.AST) -> str:
    target = node.test if isinstance(node, ast.If | ast.While | ast.IfExp) else node
    text = " ".join(ast.unparse(target).split()).replace("`", "'")
    return text if len(text) <= 90 else f"{text[:89]}…"
