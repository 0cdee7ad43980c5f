"""Check of a `Change`: it sets no key that all owners share, unless `shared_keys` names the key."""

from typing import Any

from backend.entity.checks.references import unshared_references
from backend.entity.checks.registry import owned_models
from backend.entity.checks.unique_keys import suggested_shared_keys, unshared_keys
from backend.entity.entity import Entity
from backend.errors import UsageError


def check_change(entity: Entity[Any], changed: frozenset[str]) -> None:
    """Raise `UsageError` if a `Change` sets part of a key that all owners share and `shared_keys` does not name."""
    for key in (*unshared_keys(entity), *unshared_references(entity, owned_models())):
        if changed & key:
            listed = ", ".join(sorted(key))
            raise UsageError(
                f"a Change of {entity.name} sets a part of the key ({listed}), which is shared by all "
                "owners, so one owner can find out which values another has: add the owner to the key, or name it in "
                f"{suggested_shared_keys(entity.name, key)}"
            )
