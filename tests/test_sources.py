"""The registry of collectors."""

from typing import Any

import pytest

from exporter.sources import SOURCES, SYSTEMS, collectors
from exporter.sources.source import Settings, Source


def test_every_collector_is_registered_once() -> None:
    """By system and name."""
    names = [(source.system, source.collector) for source in SOURCES]

    assert names == [
        ("fdi", "statistics"),
        ("fdi", "task_monitors"),
        ("fdi", "task_details"),
        ("fdi", "run_logs"),
        ("dms", "background_tasks"),
        ("ocp", "task_instances"),
    ]
    assert SYSTEMS == ("fdi", "dms", "ocp")


@pytest.mark.parametrize("system", SYSTEMS)
def test_collectors_of_a_system(system: str) -> None:
    """The configuration finds them by name."""
    found = collectors(system)

    assert all(found[name].collector == name for name in found)
    assert {source.system for source in found.values()} == {system}


def test_an_unknown_system_has_no_collectors() -> None:
    """The configuration says so to its user."""
    assert collectors("dcs") == {}


@pytest.mark.parametrize("source", SOURCES)
def test_defaults_are_valid(source: type[Source[Any]]) -> None:
    """A collector can be configured by an empty mapping."""
    assert isinstance(source.settings_type(), Settings)


def test_help_tells_that_values_are_polled() -> None:
    """Every family says as of when it holds."""
    families = [one.family for source in SOURCES for one in source.series]
    families += [one.family for source in SOURCES for one in source.aggregates]

    assert [family.name for family in families if "last successful poll" not in family.help] == []
