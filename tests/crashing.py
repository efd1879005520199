"""An exporter that shares its clock with the test, and may be told where to die by kill -9."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import msgspec

from exporter import log
from exporter.app import running
from exporter.clock import ScaledClock
from exporter.config import Config, parse
from exporter.runtime.board import Board
from exporter.runtime.store import Store


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What such an exporter is told; the clock's fields are those of ScaledClock."""

    speed: float
    start: float
    origin: float
    text: str
    """The configuration."""
    state: str
    """The path of the state file."""
    place: str = ""
    """`publish`: between commit and publish; `write`: in the midst of a transaction."""
    count: int = 0
    """Die when that place is come to for this time."""


def main(told: Told, link: Connection) -> None:
    """Send the port when it listens and `ready` after the first polls; then run until killed."""
    log.configure("error", "json")
    logging.disable()
    _arrange_death(told)
    asyncio.run(_run(told, link))


async def _run(told: Told, link: Connection) -> None:
    clock = ScaledClock(told.speed, told.start, told.origin)
    async with running(_config(told), clock) as run:
        link.send(run.listener.ports[0])
        await run.daemon.attempted()
        link.send("ready")
        await asyncio.Event().wait()


def _config(told: Told) -> Config:
    config = parse(told.text, os.environ)
    state = msgspec.structs.replace(config.state, path=told.state)
    web = msgspec.structs.replace(config.web, listen_address=("127.0.0.1:0",))
    return msgspec.structs.replace(config, state=state, web=web)


def _arrange_death(told: Told) -> None:
    left = told.count

    def come() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if told.place == "publish":
        _before(Board, "publish", come)
    elif told.place == "write":
        _before(Store, "_write", lambda store: _die_inside(store, come))


def _before(owner: type, name: str, act: Callable[..., None]) -> None:
    original = getattr(owner, name)

    def acting(self: Any, *arguments: Any) -> object:
        act(*([self] if name == "_write" else []))
        result: object = original(self, *arguments)
        return result

    setattr(owner, name, acting)


def _die_inside(store: Store, come: Callable[[], None]) -> None:
    """Come to the place at every few steps of SQLite's machine, from this write on."""

    def step() -> int:
        come()
        return 0

    store._connection.set_progress_handler(step, 40)
