"""`check`: every mistake in a configuration, or what it costs."""

import sys
from collections.abc import Mapping

from exporter.commands.command import OK, PROGRAM, Command, Given
from exporter.commands.configuration import config_file, load_config
from exporter.commands.flags import Flags
from exporter.commands.plan import make_plan, render

_EXAMPLES = f"""\
  {PROGRAM} check --config.file my.yaml
"""
_NOT_CHECKED = """\
Not checked: whether the endpoints answer, and whether they accept the credentials. Calls a poll are
for instances as full as may be expected; a list that changes while it is read takes a few more.
"""


def _declare(flags: Flags) -> None:
    flags.config_file()


def _act(given: Given, environ: Mapping[str, str]) -> int:
    config = load_config(given, environ)
    plan = make_plan(config)
    for warning in plan.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    sys.stdout.write(f"{config_file(given)} has no mistakes.\n\n{render(plan)}\n{_NOT_CHECKED}")
    return OK


CHECK = Command(
    name="check",
    summary="name every mistake in a configuration, or print what it costs",
    examples=_EXAMPLES,
    declare=_declare,
    act=_act,
)
