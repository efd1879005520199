"""Secrets are read when they are needed and shown nowhere."""

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.errors import ConfigError
from exporter.secret import LARGEST, Secret

TEXT = "hunter2-canary"


def test_a_secret_given_as_text_is_read_as_it_is() -> None:
    """Spaces belong to it."""
    assert Secret(f" {TEXT} ").read() == f" {TEXT} "


@pytest.mark.parametrize("ends", ["", "\n", "\r\n", "\n\n"])
def test_a_secret_in_a_file_loses_its_line_ends(tmp_path: Path, ends: str) -> None:
    """Editors and `echo` put them there; nothing else is taken away."""
    path = tmp_path / "secret"
    path.write_bytes(f" {TEXT} {ends}".encode())

    assert Secret(path=path).read() == f" {TEXT} "


def test_a_secret_in_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    """A rotated password takes effect without a restart."""
    path = tmp_path / "secret"
    path.write_text("old")
    secret = Secret(path=path)
    before = secret.read()
    path.write_text("new")

    assert (before, secret.read()) == ("old", "new")


def test_secrets_are_the_same_where_they_stand_in_the_same_place() -> None:
    """So that a configuration that is read again shows what has changed, and reads no file."""
    one, same, other = Secret(TEXT), Secret(TEXT), Secret("other")
    file, same_file = (Secret(path=Path("/nowhere/x")) for _ in range(2))

    assert (one == same, one == other, file == same_file, one == file) == (True, False, True, False)
    assert len({one, same, other, file, same_file}) == 3


@pytest.mark.parametrize("form", ["{}", "{!r}", "{!s}"])
@pytest.mark.parametrize("wrap", [lambda secret: secret, lambda secret: [secret]])
def test_a_secret_prints_as_stars(form: str, wrap: Callable[[Secret], object]) -> None:
    """Whatever formats it, also inside of other things."""
    text = form.format(wrap(Secret(TEXT)))

    assert text in {"***", "[***]"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read the secret file {}: No such file or directory"),
        (b"", "the secret file {} is empty"),
        (b"\r\n\n", "the secret file {} is empty"),
        (TEXT.encode() + b"\xff", "the secret file {} is not text in UTF-8"),
        (b"x" * (LARGEST + 1), "the secret file {} is larger than 64 KiB"),
    ],
)
def test_a_file_that_holds_no_secret_is_named_but_not_quoted(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    """The message says which file and what is wrong; not even a traceback says what is in it."""
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        Secret(path=path).read()

    assert caught.value.problems == (message.format(path),)
    assert TEXT not in "".join(traceback.format_exception(caught.value))


def test_a_directory_is_no_secret_file(tmp_path: Path) -> None:
    """As happens when a mount is missing."""
    with pytest.raises(ConfigError, match="Is a directory"):
        Secret(path=tmp_path).read()
