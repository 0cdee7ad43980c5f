"""Make small changes to the code that decides, and show which no test notices: `python -m tools.mutation`.

A changed copy is a mutant, one that passes all tests a survivor. Each survivor is explained in
`docs/maintainers/mutation.md`, on a line of its own: a dash, its name in backquotes, a colon, and why it changes
nothing. A survivor without an explanation, or an explanation without a survivor, is an error. `--only TEXT` tries only
mutants whose name contains the text, `--list` prints names.

    mutants   the changes, and the files that are changed
    trials    the tests that each mutant runs
    warm      the fast trials in a forked process, which kill most mutants
"""

import re
import sys
from collections import Counter

from tools.mutation.mutants import ROOT, Mutant, mutants
from tools.mutation.trials import trials
from tools.mutation.warm import Fate

EXPLAINED = ROOT / "docs" / "maintainers" / "mutation.md"


def main(arguments: list[str]) -> int:
    """Print the fate of each mutant, the totals and the survivors. Return 1 if a survivor is unexplained."""
    only = arguments[arguments.index("--only") + 1] if "--only" in arguments else ""
    chosen = list(mutants(only))
    if "--list" in arguments:
        print("\n".join(mutant.name for mutant in chosen))
        return 0
    fates = _tried(chosen)
    counted = Counter(fates.values())
    print(f"{len(chosen)} mutants", *(f"{counted[fate]} {fate}" for fate in ("killed", "timed out", "lives")), sep=", ")
    return _told({name for name, fate in fates.items() if fate == "lives"}, set(fates), complete=not only)


def _tried(chosen: list[Mutant]) -> dict[str, Fate]:
    fates: dict[str, Fate] = {}
    with trials() as places:
        for mutant, fate in places.fates(chosen):
            fates[mutant.name] = fate
            print(f"{fate:9}", mutant.name, flush=True)
    return fates


def _told(alive: set[str], tried: set[str], *, complete: bool) -> int:
    """Print the survivors with their explanations. Return 1 if one is missing or has no survivor."""
    known = explanations()
    for name in sorted(alive):
        print(f"- `{name}`: {known.get(name, 'UNEXPLAINED')}")
    stale = [name for name in known if name not in alive and (complete or name in tried)]
    for name in stale:
        print(f"explained in {EXPLAINED.name}, and no survivor: {name}")
    return int(bool(stale or alive - set(known)))


def explanations() -> dict[str, str]:
    """Return the explanation of each survivor, by its name."""
    return dict(re.findall(r"^- `(.+)`: (.+)$", EXPLAINED.read_text(), re.MULTILINE))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
