"""The commands: arguments in, exit code out (0 fine, 1 failed, 2 wrong usage or configuration)."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from exporter import arguments, metrics_page, plan
from exporter.config import Config, load, rules, service
from exporter.config.options import variable_of
from exporter.errors import ConfigError, ExporterError

OK, FAILED, UNUSABLE = 0, 1, 2

_NOT_CHECKED = """\
Not checked: whether the endpoints answer, and whether they accept the credentials. Calls a poll are
for instances as full as may be expected; a list that changes while it is read takes a few more.
"""


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Do what the arguments say and return the exit code; wrong usage raises SystemExit(2)."""
    surroundings = os.environ if environ is None else environ
    flags = arguments.parse(sys.argv[1:] if argv is None else argv, surroundings)
    try:
        code = COMMANDS[flags.command](flags, surroundings)
        sys.stdout.flush()
    except ConfigError as error:
        _complain(*error.problems)
        return UNUSABLE
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (ExporterError, OSError) as error:
        _complain(getattr(error, "strerror", None) or str(error))
        return FAILED
    except KeyboardInterrupt:
        return FAILED
    return code


def _run(flags: argparse.Namespace, environ: Mapping[str, str]) -> int:
    config = _load(_config_file(flags), flags, environ)
    from exporter import app  # noqa: PLC0415 - other commands start faster without it

    return asyncio.run(app.run_daemon(config))


def _demo(flags: argparse.Namespace, environ: Mapping[str, str]) -> int:
    listen = variable_of("--web.listen-address")
    loopback = {**environ, listen: environ.get(listen) or arguments.DEMO_ADDRESS}
    settings = service(loopback, arguments.given_options(flags))
    from exporter import app  # noqa: PLC0415 - as above

    return asyncio.run(
        app.run_demo(
            scenario=getattr(flags, "--scenario"),
            seed=getattr(flags, "--seed"),
            speed=getattr(flags, "--speed"),
            web=settings.web,
            log=settings.log,
        )
    )


def _simulate(flags: argparse.Namespace, environ: Mapping[str, str]) -> int:
    host, port = rules.split_address(getattr(flags, "--listen-address"))
    settings = service(environ, arguments.given_options(flags))
    from exporter import app  # noqa: PLC0415 - as above

    return asyncio.run(
        app.run_simulator(
            scenario=getattr(flags, "--scenario"),
            seed=getattr(flags, "--seed"),
            host=host or "0.0.0.0",  # noqa: S104 - asked for by an address without a host
            port=port,
            log=settings.log,
        )
    )


def _check(flags: argparse.Namespace, environ: Mapping[str, str]) -> int:
    path = _config_file(flags)
    config = _load(path, flags, environ)
    made = plan.make_plan(config)
    for warning in made.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    sys.stdout.write(f"{path} has no mistakes.\n\n{plan.render(made)}\n{_NOT_CHECKED}")
    return OK


def _metrics(flags: argparse.Namespace, environ: Mapping[str, str]) -> int:  # noqa: ARG001 - none
    as_json = getattr(flags, "--format") == "json"
    sys.stdout.write(metrics_page.as_json() if as_json else metrics_page.as_markdown())
    return OK


def _config_file(flags: argparse.Namespace) -> Path:
    name: str = getattr(flags, "--config.file")
    if not name:
        raise ConfigError(
            [
                "--config.file is missing: which configuration is to be used?",
                f"To see it work without one: {arguments.PROGRAM} demo",
            ]
        )
    return Path(name)


def _load(path: Path, flags: argparse.Namespace, environ: Mapping[str, str]) -> Config:
    """Load the file, and name it in what is wrong in it."""
    try:
        return load(path, environ, arguments.given_options(flags))
    except ConfigError as error:
        named = (f"{path}: {text}" if text.startswith("line ") else text for text in error.problems)
        raise ConfigError(named) from error


def _complain(*lines: str) -> None:
    """Write to standard error, each line under the name of the program."""
    for line in lines:
        sys.stderr.write(f"{arguments.PROGRAM}: {line}\n")


COMMANDS: Mapping[str, Callable[[argparse.Namespace, Mapping[str, str]], int]] = {
    "run": _run,
    "demo": _demo,
    "simulate": _simulate,
    "check": _check,
    "metrics": _metrics,
}
