"""The command line: what can be given, how it is explained, and what stands in for what is not."""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, TypeVar

from exporter import __version__
from exporter.config import rules
from exporter.config.options import OPTIONS, variable_of
from exporter.simulator.scenarios import HEALTHY, SCENARIOS

PROGRAM = "cloud-task-exporter"
COMMANDS = ("run", "demo", "simulate", "check", "metrics")
DEMO_ADDRESS = "127.0.0.1:10047"
SIMULATOR_ADDRESS = "127.0.0.1:10048"
FASTEST = 3600.0

_WHOLE = re.compile(r"[0-9]{1,18}")
_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?")

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
_RUN_EXAMPLES = f"""\
examples:
  {PROGRAM} run --config.file /etc/{PROGRAM}.yaml
  {PROGRAM} run --config.file my.yaml --web.listen-address 127.0.0.1:9000 --log.level debug
"""
_DEMO_EXAMPLES = f"""\
examples:
  {PROGRAM} demo                                then look at http://{DEMO_ADDRESS}/
  {PROGRAM} demo --scenario failing --speed 60  an hour of trouble each minute
"""
_SIMULATE_EXAMPLES = f"""\
examples:
  {PROGRAM} simulate > simulated.yaml &         the clouds; prints how to watch them
  {PROGRAM} run --config.file simulated.yaml    the exporter that does
"""
_SCENARIOS = "\nscenarios:\n" + "".join(
    f"  {scenario.name:<10}{scenario.summary}\n" for scenario in SCENARIOS.values()
)
_CHECK_EXAMPLES = f"""\
examples:
  {PROGRAM} check --config.file my.yaml
"""
_METRICS_EXAMPLES = f"""\
examples:
  {PROGRAM} metrics                             a table for people
  {PROGRAM} metrics --format json | jq -r '.[].name'
"""

Value = TypeVar("Value")


def parse(arguments: Sequence[str], environ: Mapping[str, str]) -> argparse.Namespace:
    """Return the flags; `command` is one of COMMANDS. Wrong usage ends the process with 2."""
    return _parser(environ).parse_args(_with_command(arguments))


def given_options(flags: argparse.Namespace) -> dict[str, Sequence[str]]:
    """Return the values of those OPTIONS that were given as flags, by flag."""
    values = {option.flag: getattr(flags, option.flag, None) for option in OPTIONS}
    return {flag: value for flag, value in values.items() if value}


def _with_command(arguments: Sequence[str]) -> list[str]:
    """Put the default command in front where none is given."""
    own = {"-h", "--help", "--version"}
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in own):
        return ["run", *arguments]
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
    flags = _Flags(commands, environ)
    flags.run()
    flags.demo()
    flags.simulate()
    flags.check()
    flags.metrics()
    return parser


class _Flags:
    """Adds the commands, one method for each."""

    def __init__(
        self,
        commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
        environ: Mapping[str, str],
    ) -> None:
        self._commands = commands
        self._environ = environ

    def run(self) -> None:
        parser = self._command("run", "poll the clouds and serve /metrics (default)", _RUN_EXAMPLES)
        self._config_file(parser)
        self._options(parser, "--web.listen-address", "--web.telemetry-path")
        self._options(parser, "--log.level", "--log.format")

    def demo(self) -> None:
        parser = self._command(
            "demo", "simulated clouds and the exporter in one process", _DEMO_EXAMPLES + _SCENARIOS
        )
        self._simulation(parser)
        self._valued(parser, "--speed", _speed, "1", "how many times as fast as real time, e.g. 60")
        self._options(parser, "--web.listen-address", "--web.telemetry-path")
        self._options(parser, "--log.level", "--log.format")

    def simulate(self) -> None:
        parser = self._command(
            "simulate", "only the simulated clouds", _SIMULATE_EXAMPLES + _SCENARIOS
        )
        self._simulation(parser)
        text = "where the simulated clouds listen"
        self._valued(parser, "--listen-address", _address, SIMULATOR_ADDRESS, text, "ADDR")
        self._options(parser, "--log.level", "--log.format")

    def check(self) -> None:
        text = "name every mistake in a configuration, or print what it costs"
        self._config_file(self._command("check", text, _CHECK_EXAMPLES))

    def metrics(self) -> None:
        parser = self._command("metrics", "print every metric that there can be", _METRICS_EXAMPLES)
        self._valued(parser, "--format", _form, "markdown", "markdown or json")

    def _command(self, name: str, text: str, examples: str) -> argparse.ArgumentParser:
        return self._commands.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def _config_file(self, parser: argparse.ArgumentParser) -> None:
        self._valued(parser, "--config.file", str, "", "the configuration, in YAML", "FILE")

    def _simulation(self, parser: argparse.ArgumentParser) -> None:
        text = "what is going on in the clouds; see below"
        self._valued(parser, "--scenario", _scenario, HEALTHY.name, text, "NAME")
        self._valued(parser, "--seed", _seed, "1", "the same seed gives the same tasks", "N")

    def _valued(
        self,
        parser: argparse.ArgumentParser,
        flag: str,
        kind: Callable[[str], Value],
        default: str,
        text: str,
        metavar: str | None = None,
    ) -> None:
        """Add a flag whose variable stands in for it."""
        parser.add_argument(
            flag,
            dest=flag,
            type=kind,
            default=self._environ.get(variable_of(flag)) or default,
            metavar=metavar or flag.strip("-").upper(),
            help=_escaped(f"{text} (default: {default})" if default else text),
        )

    def _options(self, parser: argparse.ArgumentParser, *flags: str) -> None:
        """Add flags that are keys of the configuration; `config` reads them and their variables."""
        for option in OPTIONS:
            if option.flag in flags:
                parser.add_argument(
                    option.flag,
                    dest=option.flag,
                    action="append",
                    metavar=option.metavar,
                    help=_escaped(option.help),
                )


def _escaped(text: str) -> str:
    """Return text fit for argparse, which formats help with `%`."""
    return text.replace("%", "%%")


def _scenario(text: str) -> str:
    if text not in SCENARIOS:
        _refuse(f"must be one of {', '.join(SCENARIOS)}")
    return text


def _seed(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        _refuse("must be a whole number")
    return int(text)


def _speed(text: str) -> float:
    if not _NUMBER.fullmatch(text) or not 0 < float(text) <= FASTEST:
        _refuse(f"must be a number above 0, and {FASTEST:.0f} at most")
    return float(text)


def _address(text: str) -> str:
    try:
        rules.listen_address(text)
    except ValueError as error:
        _refuse(str(error))
    return text


def _form(text: str) -> str:
    if text not in {"markdown", "json"}:
        _refuse("must be markdown or json")
    return text


def _refuse(text: str) -> NoReturn:
    """Make argparse end the process with the text, which must not hold what was given."""
    raise argparse.ArgumentTypeError(text)
