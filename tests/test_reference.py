"""The generated pages: what they say of types, and that they are current."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest

from docs.generate import FOLDER, PAGES
from exporter.commands.metrics import entries
from exporter.config import reference
from exporter.duration import Duration
from exporter.secret import Secret


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_current(name: str) -> None:
    """After a change of types or families: `make docs`."""
    written = (FOLDER / name).read_text(encoding="utf-8")

    assert written == PAGES[name]()


class Parent(msgspec.Struct, frozen=True, kw_only=True):
    """What all have."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=9)] = 5
    """How many; None is
    all."""


class Child(Parent, frozen=True, kw_only=True):
    """What one has."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=9)] = 7
    wait: Duration | None = Duration(90.0)
    """How long | at most."""
    password: Secret
    """Not shown."""


class Silent(msgspec.Struct, frozen=True, kw_only=True):
    """A key without a text."""

    key: int = 1


def test_a_type_becomes_a_table() -> None:
    """Keys, types, defaults and texts; a text that is not repeated is that of the parent."""
    (section,) = reference.sections_of(Child)

    assert section.text == "What one has."
    assert section.rows == (
        ("`limit`", "whole number from 1 to 9", "`7`", "How many; none is all."),
        ("`wait`", "duration", "`1m30s`", "How long | at most."),
        ("`password` or `password_file`", "secret", "required", "Not shown."),
    )


def test_a_key_without_a_text_is_a_bug() -> None:
    """Nobody can configure what nobody explains."""
    with pytest.raises(LookupError, match=r"Silent\.key has no text"):
        list(reference.sections_of(Silent))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Literal["a", "b"], "one of `a`, `b`"),
        (tuple[str, ...], "list of text"),
        (re.Pattern[str] | None, "regular expression"),
        (Annotated[float, msgspec.Meta(gt=0)], "number above 0"),
        (dict, None),
        (Parent, "mapping"),
        (Path | None, "path"),
    ],
)
def test_types_are_said_in_words(kind: Any, expected: str | None) -> None:
    """A type without a word is a bug, too."""
    if expected is None:
        with pytest.raises(KeyError):
            reference.type_text(kind)
    else:
        assert reference.type_text(kind) == expected


def test_every_type_of_the_configuration_has_one_table() -> None:
    """No heading twice, and no table without a key."""
    page = reference.configuration_page()
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)

    assert len(headings) == len(set(headings))
    assert "`targets[].collectors.task_monitors`" in headings
    assert "`credentials.NAME` with `kind: huawei_password`" in headings


def test_the_catalogue_has_every_family_once_with_all_its_labels() -> None:
    """Polled ones carry the target and its configured labels; own ones what they declare."""
    catalogue = {entry.name: entry for entry in entries()}

    assert len(catalogue) == len(entries())
    assert catalogue["cloud_tasks"].labels == ("target", "system", "task_type", "state")
    assert catalogue["cloud_tasks"].configured_labels
    assert not catalogue["cloud_task_exporter_build_info"].configured_labels
