"""The mutants: each is a module of its own, and those by which an owner would be lost are among them."""

import ast
import re

import pytest

from tools.mutation.mutants import Mutant, mutants, unchanged


@pytest.fixture(scope="module")
def made() -> list[Mutant]:
    return list(mutants())


def test_each_has_a_name_of_its_own_and_is_another_module_that_can_be_read(made: list[Mutant]) -> None:
    assert len({mutant.name for mutant in made}) == len(made)
    original = {one.path: one.text for one in unchanged()}
    for mutant in made:
        assert mutant.text != original[mutant.path], mutant.name
        ast.parse(mutant.text)


@pytest.mark.parametrize(
    "name",
    [
        "ownership.Ownership.condition: opposite: self.column == self.parameter",
        "bind.Scope._bind_owner: without where: bound.where(theirs == self._owner.parameter)",
        "by_id.RowStatements._key: without element 2: (self.entity.identity.condition, *self._owner_conditions)",
        "family.StatementFamily._scope_expression: always False: self._scope is not None",
        "statements.Statements.select: without where: select(*columns).select_from(self.entity.table)",
        "by_id.RowStatements.insert: without values: statement.values(self._owner.insert_values)",
        "crud.CRUDRepository._scoped: left out: scoped._bound = bound",
        "execution.run: turned round: {**parameters, **statement.values, **bound.scope}",
        "named_rows.NamedRows.__init__: without condition 2: select(*keys, *values).where(named, *conditions)",
        "updates.UpdateManyStatements._update_each: without condition 2: update(table).where(named.is_given(",
        "deletes.DeleteManyStatements.delete_many: without condition 2: delete(self.entity.table).where(",
        "where.WhereStatements._met: without condition 1: rows.where(*self._owner_conditions, ",
        "where.WhereStatements._write: without condition 2: statement.where(is_met, *self._owner_conditions)",
        "upserts.UpsertStatements.upsert_one.build: without values: statement.values(self._owner.insert_values)",
        "upsert_rows.RowsUpsert._in_scope: without element 1: [*self._owned, ",
        "ownership.Ownership.require: not raised: raise UsageError",
    ],
)
def test_a_way_to_lose_the_owner_is_among_them(made: list[Mutant], name: str) -> None:
    assert any(mutant.name.startswith(name) for mutant in made)


def test_type_variable_names_are_not_mutated(made: list[Mutant]) -> None:
    assert not [mutant.name for mutant in made if re.search(r"TypeVar|: constant: '(T|SelectT)'$", mutant.name)]
