"""Check what a wheel and an sdist of this project hold: `python -m tools.distributions FOLDER`.

The wheel has every file of `backend/` and nothing else beside its metadata, which are those of pyproject.toml. The
sdist has what building the wheel takes.
"""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
BESIDE: Final = {"CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml"}
"""What the sdist has beside the package."""


def tracked(*folders: str) -> set[str]:
    """Return the files of these folders that belong to the project."""
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(listed.stdout.split())


def problems(folder: Path) -> list[str]:
    """Return what is wrong with the one wheel and the one sdist in the folder."""
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as opened:
        held = {name for name in opened.namelist() if ".dist-info/" not in name}
        (named,) = (name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(opened.read(named).decode())
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()} - {"PKG-INFO", ".gitignore"}
    return [
        *_differences("the wheel", held, tracked("backend")),
        *_differences("the sdist", packed, tracked("backend") | BESIDE),
        *([] if "backend/py.typed" in held else ["the wheel has no py.typed"]),
        *_metadata_problems(metadata),
    ]


def _differences(what: str, held: set[str], expected: set[str]) -> list[str]:
    lacking = [f"{what} lacks {name}" for name in sorted(expected - held)]
    return lacking + [f"{what} has {name}" for name in sorted(held - expected)]


def _metadata_problems(metadata: Message) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    required = [*project["dependencies"], *(one for extra in extras for one in extra)]
    expected = {
        "Name": [project["name"]],
        "Version": [project["version"]],
        "Summary": [project["description"]],
        "Requires-Python": [project["requires-python"]],
        "License-Expression": [project["license"]],
        "Classifier": sorted(project["classifiers"]),
        "Provides-Extra": sorted(project["optional-dependencies"]),
    }
    found: dict[str, list[str]] = {name: sorted(map(str, metadata.get_all(name, []))) for name in expected}
    wrong = [
        f"{name} is {found[name]}, expected {expected[name]}" for name in expected if found[name] != expected[name]
    ]
    names = {_name(str(one)) for one in metadata.get_all("Requires-Dist", [])}
    if names != {_name(one) for one in required} - {project["name"]}:  # an extra within another
        wrong.append(f"Requires-Dist names {sorted(names)}")
    return wrong


def _name(requirement: str) -> str:
    """Return the name of what is required."""
    return re.split(r"[^\w.-]", requirement)[0]


def main() -> int:
    """Return the exit code: 1 if something is wrong."""
    found = problems(Path(sys.argv[1]))
    print("\n".join(found) or "wheel and sdist hold what they should")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
