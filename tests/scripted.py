"""A client that answers from a script instead of a network, and recorded answers of the clouds."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from exporter.api.client import Client
from exporter.sources.source import Ask, Place

FIXTURES = Path(__file__).parent / "fixtures"
NOW = 1_773_482_400.0  # 2026-03-14T10:00:00Z
PLACE = Place(target="t", project_id="p1", instance_id="i1", engine="kafka")
ASK = Ask(now=NOW)

Query = Mapping[str, str | int]
Script = Callable[[str, Query], Any]
"""Takes path and query; returns the document or the error to raise."""


class ScriptedClient(Client):
    """Answers each call by the script and remembers what was asked."""

    def __init__(self, script: Script) -> None:
        """Take the script."""
        self.calls: list[tuple[str, str, Query]] = []
        self._script = script
        self.skew = None

    async def get(
        self, operation: str, path: str, query: Sequence[tuple[str, str | int]] = ()
    ) -> Any:
        """Return or raise what the script says."""
        self.calls.append((operation, path, dict(query)))
        answer = self._script(path, dict(query))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def paths(self, operation: str) -> list[str]:
        """Return the paths asked for by one operation."""
        return [path for name, path, _ in self.calls if name == operation]

    def queries(self, operation: str, key: str) -> list[str | int]:
        """Return what each call of one operation gave for `key`."""
        return [query[key] for name, _, query in self.calls if name == operation]


def fixture(name: str) -> Any:
    """Return the document in a file below `fixtures`."""
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


def expected(name: str) -> list[str]:
    """Return the lines of a file below `fixtures`: what is to be shown."""
    return (FIXTURES / name).read_text(encoding="utf-8").splitlines()
