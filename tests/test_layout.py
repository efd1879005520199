"""The rules of the layout: which part may import which, and what pure code may not touch."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import exporter

ROOT = Path(exporter.__file__).parent
LEAVES = {"errors", "clock", "duration", "secret"}

MAY_IMPORT = {
    "errors": set(),
    "clock": set(),
    "duration": set(),
    "secret": {"errors"},
    "log": set(),
    "tasks": set(),
    "exposition": {"tasks"},
    "config/schema": {"errors", "duration", "secret"},
    "api": LEAVES,
    "sources": {*LEAVES, "api", "tasks", "exposition"},
    "runtime": {*LEAVES, "log", "api", "sources", "tasks", "exposition"},
    "simulator": {"errors", "log", "clock"},
}
PURE = (
    *("tasks", "exposition", "simulator/world"),
    *(f"runtime/{name}.py" for name in ("health", "picture", "steps", "timetable")),
)
IMPURE = {"asyncio", "aiohttp", "time", "random", "structlog", "socket", "os"}


def modules(*places: str) -> Iterator[Path]:
    """Yield the Python files below these places of the package."""
    for place in places:
        path = ROOT / place
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def imports(path: Path) -> Iterator[str]:
    """Yield the full names of the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parts(names: Iterator[str]) -> set[str]:
    """Return which first-level parts of the package are among the names."""
    return {name.split(".")[1] for name in names if name.startswith("exporter.")} - {"__version__"}


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_imports_go_one_way(part: str) -> None:
    """No part imports one that stands before it in the flow of data."""
    place = part if (ROOT / part).is_dir() else f"{part}.py"

    found = {
        path.name: parts(imports(path)) - MAY_IMPORT[part] - {part.split("/", maxsplit=1)[0]}
        for path in modules(place)
    }

    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_sources_import_of_the_exposition_only_families() -> None:
    """A source declares families; how they are written is not its business."""
    found = {
        name
        for path in modules("sources")
        for name in imports(path)
        if name.startswith("exporter.exposition.")
    }

    assert {name for name in found if not name.startswith("exporter.exposition.family")} == set()


def test_sources_of_different_systems_do_not_know_each_other() -> None:
    """Deleting one system's folder breaks no other."""
    systems = {path.name for path in (ROOT / "sources").iterdir() if path.is_dir()} - {
        "__pycache__"
    }
    wrong = [
        (path.name, name)
        for system in systems
        for path in modules(f"sources/{system}")
        for name in imports(path)
        for other in systems - {system}
        if name.startswith(f"exporter.sources.{other}")
    ]

    assert systems == {"fdi", "dms", "ocp"}
    assert wrong == []


def test_pure_code_is_given_time_and_does_no_io() -> None:
    """What decides can be tested with a table: it reads no clock, no chance, no network."""
    wrong = [
        (str(path.relative_to(ROOT)), name)
        for path in modules(*(place for place in PURE if (ROOT / place).exists()))
        for name in imports(path)
        if name.split(".")[0] in IMPURE and name not in {"random", "random.Random"}
    ]

    assert wrong == []


def test_modules_stay_short() -> None:
    """One noun a module, under 300 lines."""
    lengths = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in modules(".")}

    assert {name: length for name, length in lengths.items() if length >= 300} == {}


def test_a_metric_name_occurs_once() -> None:
    """Every family is declared in one place."""
    from exporter.catalogue import families  # noqa: PLC0415 - only this test needs all sources

    names = [family.name for family in families()]

    assert sorted(names) == sorted(set(names))
