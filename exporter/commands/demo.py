"""`demo`: simulated clouds and the exporter that watches them, in one process on loopback."""

import asyncio
import re
from collections.abc import Mapping

from exporter.commands.command import PROGRAM, Command, Given
from exporter.commands.flags import Flags, given_options, refuse
from exporter.commands.simulation import SCENARIO_TEXT, declare_simulation
from exporter.config import service
from exporter.config.options import variable_of

ADDRESS = "127.0.0.1:10047"
"""Where it listens unless told otherwise."""
FASTEST = 3600.0

_LISTEN = "--web.listen-address"
_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?")
_EXAMPLES = f"""\
  {PROGRAM} demo                                then look at http://{ADDRESS}/
  {PROGRAM} demo --scenario failing --speed 60  an hour of trouble each minute
"""


def _declare(flags: Flags) -> None:
    declare_simulation(flags)
    text = "how many times as fast as real time, e.g. 60"
    flags.valued("--speed", _speed, text, default="1")
    flags.options(_LISTEN, "--web.telemetry-path", "--web.config.file")
    flags.options("--log.level", "--log.format")


def _act(given: Given, environ: Mapping[str, str]) -> int:
    listen = variable_of(_LISTEN)
    loopback = {**environ, listen: environ.get(listen) or ADDRESS}
    settings = service(loopback, given_options(given))
    from exporter import app  # noqa: PLC0415 - other commands start faster without it

    return asyncio.run(
        app.run_demo(
            scenario=given["--scenario"],
            seed=given["--seed"],
            speed=given["--speed"],
            web=settings.web,
            log=settings.log,
        )
    )


def _speed(text: str) -> float:
    if not _NUMBER.fullmatch(text) or not 0 < float(text) <= FASTEST:
        refuse(f"must be a number above 0, and {FASTEST:.0f} at most")
    return float(text)


DEMO = Command(
    name="demo",
    summary="simulated clouds and the exporter in one process",
    examples=_EXAMPLES + SCENARIO_TEXT,
    declare=_declare,
    act=_act,
)
