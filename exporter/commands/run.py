"""`run`: the daemon."""

import asyncio
from collections.abc import Mapping
from functools import partial

from exporter.commands.command import PROGRAM, Command, Given
from exporter.commands.configuration import load_config
from exporter.commands.flags import Flags

_EXAMPLES = f"""\
  {PROGRAM} run --config.file /etc/{PROGRAM}.yaml
  {PROGRAM} run --config.file my.yaml --web.listen-address 127.0.0.1:9000 --log.level debug
"""


def _declare(flags: Flags) -> None:
    flags.config_file()
    flags.options("--web.listen-address", "--web.telemetry-path", "--web.config.file")
    flags.options("--state.path", "--shard.index", "--shard.total")
    flags.options("--log.level", "--log.format")


def _act(given: Given, environ: Mapping[str, str]) -> int:
    config = load_config(given, environ)
    from exporter import app  # noqa: PLC0415 - other commands start faster without it

    load = partial(load_config, given, environ)
    return asyncio.run(app.run_daemon(config, load=load))


RUN = Command(
    name="run",
    summary="poll the clouds and serve /metrics (default)",
    examples=_EXAMPLES,
    declare=_declare,
    act=_act,
)
