"""What a command is: its words, its flags, and what it does."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from exporter.commands.flags import Flags

PROGRAM = "cloud-task-exporter"
OK, FAILED, UNUSABLE = 0, 1, 2
"""Exit codes: fine, failed, wrong usage or configuration."""

Given = Mapping[str, Any]
"""What was given, by flag with its dashes; a word without a flag by its name."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command of the program; its file names it."""

    name: str
    summary: str
    """A line for the list of commands."""
    examples: str
    """What the end of its help shows."""
    declare: Callable[[Flags], None]
    """Adds its flags."""
    act: Callable[[Given, Mapping[str, str]], int]
    """Does it, given the environment too, and returns the exit code."""


def complain(*lines: str) -> None:
    """Write to standard error, each line under the name of the program."""
    for line in lines:
        sys.stderr.write(f"{PROGRAM}: {line}\n")
