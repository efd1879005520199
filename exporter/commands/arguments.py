"""The command line: from words to a command and what it was given."""

import argparse
from collections.abc import Mapping, Sequence

from exporter import __version__
from exporter.commands import COMMANDS
from exporter.commands.command import PROGRAM, Command, Given
from exporter.commands.flags import Flags
from exporter.config.options import variable_of

DEFAULT = "run"

_DESCRIPTION = """\
Prometheus exporter for the tasks of Huawei Cloud ROMA Connect FDI, DMS and OceanBase OCP.
"""
_EXAMPLES = f"""\
examples:
  {PROGRAM} demo                                everything simulated, no account needed
  {PROGRAM} check --config.file my.yaml         is the file right, and what does it cost?
  {PROGRAM} --config.file my.yaml               run; the command `run` may be left out
  {PROGRAM} COMMAND --help                      all flags of a command

Every flag can be given as a variable of the environment: --config.file is
{variable_of("--config.file")}, and so on. Flags stand above variables, variables above the
configuration file. Secrets are never given on the command line.

exit codes: 0 fine, 1 failed, 2 wrong usage or configuration
"""


def parse(arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[Command, Given]:
    """Return the command and what it was given; wrong usage ends the process with 2."""
    given = vars(_parser(environ).parse_args(_with_command(arguments)))
    return COMMANDS[given["command"]], given


def _with_command(arguments: Sequence[str]) -> list[str]:
    """Put the default command in front where none is given."""
    own = {"-h", "--help", "--version"}
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in own):
        return [DEFAULT, *arguments]
    return list(arguments)


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS.values():
        own = commands.add_parser(
            command.name,
            help=command.summary,
            description=f"{command.summary[0].upper()}{command.summary[1:]}.",
            epilog=f"examples:\n{command.examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.declare(Flags(own, environ))
    return parser
