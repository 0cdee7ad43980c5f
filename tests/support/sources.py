"""The package's modules as syntax trees, and what a rule over them is."""

import ast
import importlib.util
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple


class Finding(NamedTuple):
    """What a rule found, and where."""

    line: int
    message: str


class Import(NamedTuple):
    """One imported name: `from a import b as c` is `a.b`, bound to `c`; empty where only the run can know it."""

    line: int
    name: str
    bound: str
    origin: str


@dataclass(frozen=True)
class Source:
    """One module: its dotted name, its text, and whether it is the `__init__` of a package."""

    module: str
    text: str
    is_package: bool = field(default=False, kw_only=True)

    @property
    def package(self) -> str:
        return self.module if self.is_package else self.module.rpartition(".")[0]

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @cached_property
    def calls(self) -> tuple[ast.Call, ...]:
        return tuple(node for node in self.nodes if isinstance(node, ast.Call))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """What is imported anywhere in the module, in a function and for the type checker too."""
        called = [call for call in self.calls if self.origin(call.func) in _IMPORTERS]
        return (
            *self._statements,
            *(Import(call.lineno, _literal_module(call, self.package), "", "") for call in called),
        )

    @cached_property
    def _statements(self) -> tuple[Import, ...]:
        return tuple(found for node in self.nodes for found in imported(node, self.package))

    @cached_property
    def origins(self) -> dict[str, str]:
        """What an imported name stands for."""
        return {one.bound: one.origin for one in self._statements}

    @cached_property
    def string_names(self) -> frozenset[str]:
        """The names that the module binds to a string."""
        found: set[str] = set()
        for node in self.nodes:
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and _is_string(node.value, frozenset()):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
        return frozenset(found)

    def origin(self, node: ast.AST) -> str:
        """The dotted name of an expression, with imported names spelt out; `?` for a part that has none."""
        match node:
            case ast.Name(id=name):
                return self.origins.get(name, name)
            case ast.Attribute(value=value, attr=name):
                return f"{self.origin(value)}.{name}"
            case ast.Call(func=ast.Name(id="getattr"), args=[value, ast.Constant(value=str(name)), *_]):
                return f"{self.origin(value)}.{name}"
            case ast.Subscript(value=value):
                return self.origin(value)
            case _:
                return "?"

    def is_string(self, node: ast.expr | None) -> bool:
        """Whether this is text for sure: a literal, one built from a literal, or a name for one."""
        return _is_string(node, self.string_names)


Rule = Callable[[Source], Iterator[Finding]]


def sources(root: Path) -> list[Source]:
    """Every module of the package below `root`."""
    found: list[Source] = []
    for path in sorted((root / "backend").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        found.append(Source(".".join(parts[:-1] if is_package else parts), path.read_text(), is_package=is_package))
    return found


def imported(node: ast.AST, package: str) -> Iterator[Import]:
    """What this statement imports; nothing if it is another."""
    match node:
        case ast.Import(names=names):
            for one in names:
                bound = one.asname or one.name.split(".")[0]
                yield Import(node.lineno, one.name, bound, one.name if one.asname else bound)
        case ast.ImportFrom(names=names):
            module = "." * node.level + (node.module or "")
            module = importlib.util.resolve_name(module, package) if node.level else module
            for one in names:
                yield Import(node.lineno, f"{module}.{one.name}", one.asname or one.name, f"{module}.{one.name}")
        case _:
            return


_IMPORTERS: Final = {"importlib.import_module", "import_module", "importlib.__import__", "__import__"}


def _literal_module(call: ast.Call, package: str) -> str:
    match call.args:
        case [ast.Constant(value=str(name)), ast.Constant(value=str(base)), *_]:
            return importlib.util.resolve_name(name, base)
        case [ast.Constant(value=str(name)), *_]:
            return importlib.util.resolve_name(name, package)
        case _:
            return ""


def _is_string(node: ast.expr | None, names: frozenset[str]) -> bool:
    match node:
        case ast.Constant(value=str() | bytes()) | ast.JoinedStr():
            return True
        case ast.Name(id=name):
            return name in names
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod(), right=right):
            return _is_string(left, names) or _is_string(right, names)
        case ast.IfExp(body=left, orelse=right):
            return _is_string(left, names) or _is_string(right, names)
        case ast.Call(func=ast.Attribute(value=value)):
            return _is_string(value, names)
        case _:
            return False


def text_of(node: ast.AST) -> str:
    """The text of a string in the source, with `{}` for what is computed; empty for what is no string."""
    match node:
        case ast.Constant(value=str(content)):
            return content
        case ast.Constant(value=bytes(content)):
            return content.decode(errors="replace")
        case ast.JoinedStr(values=parts):
            return "".join(text_of(part) or "{}" for part in parts)
        case _:
            return ""


def run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported."""
    yield node
    children: Iterable[ast.AST | None] = ast.iter_child_nodes(node)
    match node:
        case ast.FunctionDef(args=arguments) | ast.AsyncFunctionDef(args=arguments):
            children = [*node.decorator_list, *arguments.defaults, *arguments.kw_defaults]
        case ast.Lambda(args=arguments):
            children = [*arguments.defaults, *arguments.kw_defaults]
        case ast.If(test=test) if ast.unparse(test) == "__name__ == '__main__'" or _is_for_types(test):
            children = node.orelse
        case _:
            pass
    for child in children:
        if child is not None:
            yield from run_at_import(child)


def _is_for_types(test: ast.expr) -> bool:
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
