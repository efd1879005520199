"""`collect`: one poll of each collector, and what /metrics would show after it."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from exporter.api.session import Sessions
from exporter.clock import SystemClock
from exporter.commands.choice import choose
from exporter.commands.command import FAILED, OK, PROGRAM, Command, Given, complain
from exporter.commands.configuration import load_config
from exporter.commands.dump import Dump
from exporter.commands.flags import Flags, one_of
from exporter.commands.outcome import Outcome, outcome
from exporter.config import Config
from exporter.log import configure
from exporter.runtime.daemon import Daemon
from exporter.wiring import Wiring

FORMATS = ("text", "openmetrics", "json")

_EXAMPLES = f"""\
  {PROGRAM} collect --config.file my.yaml
  {PROGRAM} collect --config.file my.yaml --target kafka-prod --format json | jq .collectors
  {PROGRAM} collect --config.file my.yaml --collector task_details --dump ./for-the-bug-report

Nothing was counted before, so counters show 0. Problems are told on standard error; what could be
read is printed nevertheless, and the exit code is 1.
"""


def _declare(flags: Flags) -> None:
    flags.config_file()
    flags.valued("--target", str, "only this target", metavar="NAME")
    text = "only this collector, even where it is switched off"
    flags.valued("--collector", str, text, metavar="NAME")
    flags.valued("--format", one_of(FORMATS), ", ".join(FORMATS), default=FORMATS[0])
    text = "also write every answer into this new folder, names, ids and other texts replaced"
    flags.valued("--dump", str, text, metavar="FOLDER")


def _act(given: Given, environ: Mapping[str, str]) -> int:
    config = choose(load_config(given, environ), given["--target"], given["--collector"])
    dump = Dump(Path(given["--dump"])) if given["--dump"] else None
    configure("error")  # all else is told below
    page, outcomes = asyncio.run(_collect(config, dump, given["--format"]))
    sys.stdout.buffer.write(page)
    for poll in outcomes:
        complain(*_problems(poll))
    if dump is not None:
        complain(dump.end())
    return FAILED if any(poll.reason for poll in outcomes) else OK


def _problems(poll: Outcome) -> list[str]:
    if poll.reason:
        return [f"{poll.place} failed ({poll.reason}): {poll.error}"]
    return [f"{poll.place}: {remark}" for remark in poll.remarks]


async def _collect(config: Config, dump: Dump | None, form: str) -> tuple[bytes, list[Outcome]]:
    """Poll everything at the same time, as the daemon does; return the page and what happened."""
    recorders = None if dump is None else dump.recorder
    async with Sessions() as sessions:
        random = Random()  # noqa: S311 - only for jitter
        wiring = Wiring(config, SystemClock(), sessions, random, recorders)
        crew = wiring.crew()
        daemon = wiring.answering(crew)
        await asyncio.gather(*(poller.poll() for poller in crew.pollers))
        page = _as_json(daemon) if form == "json" else _page(daemon, openmetrics=form != "text")
        return page, [outcome(poller) for poller in crew.pollers]


def _page(daemon: Daemon, *, openmetrics: bool) -> bytes:
    body = daemon.page().body(openmetrics=openmetrics)
    return b"".join((*body, daemon.tail(openmetrics=openmetrics)))


def _as_json(daemon: Daemon) -> bytes:
    text = _page(daemon, openmetrics=False).decode()
    families = [
        {
            "name": f"{family.name}_total" if family.type == "counter" else family.name,
            "type": family.type,
            "help": family.documentation,
            "samples": [
                {"name": sample.name, "labels": sample.labels, "value": sample.value}
                for sample in family.samples
            ],
        }
        for family in text_string_to_metric_families(text)
    ]
    document: dict[str, Any] = {"collectors": daemon.status().collectors, "families": families}
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


COLLECT = Command(
    name="collect",
    summary="poll once and print what /metrics would show",
    examples=_EXAMPLES,
    declare=_declare,
    act=_act,
)
