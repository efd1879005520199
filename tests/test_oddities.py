"""The page of oddities: every row names tests, and those tests exist."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "oddities.md"

NUMBERS = {
    "HW": range(1, 29),  # words and shapes of FDI and DMS
    "HP": range(1, 23),  # their pages
    "HT": range(1, 18),  # their times
    "OD": range(1, 20),  # faults of OCP's documents
    "OF": range(1, 18),  # its fields and words
    "OS": range(1, 14),  # what its states mean
    "OP": range(1, 13),  # its pages
    "AN": range(1, 12),  # any document
}
_NAMED = re.compile(r"`(tests/\w+\.py::test_\w+(?:\[[^`]*\])?)`")
_REASON = re.compile(r"not read, because \w")


class Row(NamedTuple):
    """A row of a table."""

    number: str
    cloud: str
    exporter: str
    shown: str


def rows() -> list[Row]:
    """Return the rows of all tables."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] not in {"no.", "---"}:
            found.append(Row(*cells))
    return found


@cache
def collected() -> frozenset[str]:
    """Return the ids of all tests in the files that the page names, with and without brackets."""
    files = sorted({name.split("::")[0] for row in rows() for name in _NAMED.findall(row.shown)})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, check=False)
    ids = {line for line in done.stdout.splitlines() if "::" in line}
    return frozenset(ids | {line.split("[")[0] for line in ids})


def test_every_oddity_has_its_row() -> None:
    """In order, each once."""
    expected = [f"{part}{number}" for part, numbers in NUMBERS.items() for number in numbers]

    assert [row.number for row in rows()] == expected


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.number)
def test_a_row_names_tests_that_exist(row: Row) -> None:
    """Or says why the thing is not read at all."""
    named = _NAMED.findall(row.shown)

    assert row.cloud
    assert row.exporter
    assert named or _REASON.match(row.shown), "no test and no reason"
    assert [name for name in named if name not in collected()] == []


def test_every_odd_document_is_named() -> None:
    """A case that no row needs is a row that is missing."""
    text = PAGE.read_text(encoding="utf-8")
    cases = {one for one in collected() if "::test_odd_document[" in one}

    assert cases
    assert [one for one in sorted(cases) if f"`{one}`" not in text] == []
