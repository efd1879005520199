"""`check`: every mistake in a configuration, or what it costs; with `--online` whether it works."""

import asyncio
import sys
import textwrap
from collections.abc import Mapping

from exporter.clock import SystemClock
from exporter.commands.command import FAILED, OK, PROGRAM, Command, Given
from exporter.commands.configuration import config_file, load_config
from exporter.commands.flags import Flags
from exporter.commands.hints import hint
from exporter.commands.plan import make_plan, render
from exporter.commands.trial import try_out
from exporter.config import Config
from exporter.config.doubts import warnings
from exporter.log import configure

WIDTH = 100
_EXAMPLES = f"""\
  {PROGRAM} check --config.file my.yaml             is the file right, and what does it cost?
  {PROGRAM} check --config.file my.yaml --online    and do the clouds agree?
  {PROGRAM} check --config.file my.yaml --shard.index 0 --shard.total 3    who polls what?
"""
_NOT_CHECKED = """\
Not checked: whether the endpoints answer, and whether they accept the credentials; --online does.
Calls a poll are for instances as full as may be expected; a list that changes while it is read
takes a few more.
"""
_ONLINE = """\
One poll of each collector. Credentials that are refused are not tried again, so that no account is
locked.

"""
_COMPARE = """
Compare the numbers of records with the console once: a user without the right to see some tasks
gets a shorter list, not an error. DMS and OCP are read as far back as `window` says.
"""


def _declare(flags: Flags) -> None:
    flags.config_file()
    flags.options("--shard.index", "--shard.total")
    flags.switch("--online", "also log in to every target and poll each collector once")


def _act(given: Given, environ: Mapping[str, str]) -> int:
    config = load_config(given, environ)
    plan = make_plan(config)
    for warning in (*plan.warnings, *warnings(config)):
        sys.stderr.write(f"warning: {warning}\n")
    sys.stdout.write(f"{config_file(given)} has no mistakes.\n\n{render(plan)}\n")
    if given["--online"]:
        return _try_out(config)
    sys.stdout.write(_NOT_CHECKED)
    return OK


def _try_out(config: Config) -> int:
    configure("error")  # all else is told in the lines
    _show(_ONLINE)
    polls = asyncio.run(try_out(config, SystemClock(), _show))
    if not all(poll.reason for poll in polls):
        _show(_COMPARE)
    failures = dict.fromkeys((poll.reason, poll.system) for poll in polls if poll.reason)
    for reason, system in failures:
        text = f"{reason} ({system}): {hint(reason, system)}"
        _show(f"\n{textwrap.fill(text, WIDTH)}\n")
    return FAILED if failures else OK


def _show(text: str) -> None:
    """Print at once: a poll may take its time."""
    sys.stdout.write(text)
    sys.stdout.flush()


CHECK = Command(
    name="check",
    summary="name every mistake in a configuration, or print what it costs",
    examples=_EXAMPLES,
    declare=_declare,
    act=_act,
)
