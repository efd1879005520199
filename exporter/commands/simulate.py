"""`simulate`: only the simulated clouds."""

import asyncio
from collections.abc import Mapping

from exporter.commands.command import PROGRAM, Command, Given
from exporter.commands.flags import Flags, given_options, refuse
from exporter.commands.simulation import SCENARIO_TEXT, declare_simulation
from exporter.config import rules, service

ADDRESS = "127.0.0.1:10048"
"""Where it listens unless told otherwise."""

_EXAMPLES = f"""\
  {PROGRAM} simulate > simulated.yaml &         the clouds; prints how to watch them
  {PROGRAM} run --config.file simulated.yaml    the exporter that does
"""


def _declare(flags: Flags) -> None:
    declare_simulation(flags)
    text = "where the simulated clouds listen"
    flags.valued("--listen-address", _address, text, default=ADDRESS, metavar="ADDR")
    flags.options("--log.level", "--log.format")


def _act(given: Given, environ: Mapping[str, str]) -> int:
    host, port = rules.split_address(given["--listen-address"])
    settings = service(environ, given_options(given))
    from exporter import app  # noqa: PLC0415 - other commands start faster without it

    return asyncio.run(
        app.run_simulator(
            scenario=given["--scenario"],
            seed=given["--seed"],
            host=host or "0.0.0.0",  # noqa: S104 - asked for by an address without a host
            port=port,
            log=settings.log,
        )
    )


def _address(text: str) -> str:
    try:
        rules.listen_address(text)
    except ValueError as error:
        refuse(str(error))
    return text


SIMULATE = Command(
    name="simulate",
    summary="only the simulated clouds",
    examples=_EXAMPLES + SCENARIO_TEXT,
    declare=_declare,
    act=_act,
)
