"""Composition root: settings in, running daemon out."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from typing import NoReturn

import msgspec

from exporter import __version__
from exporter.api.session import Sessions
from exporter.clock import Clock, ScaledClock, SystemClock
from exporter.config import parse
from exporter.config.assignment import own_share
from exporter.config.doubts import warnings
from exporter.config.settings import Config, LogSettings, WebSettings
from exporter.config.web_file import OPEN, load_access
from exporter.errors import ConfigError, StateError, StateInUse
from exporter.log import configure, get
from exporter.rewiring import Rewiring
from exporter.runtime.daemon import Daemon
from exporter.runtime.door import Door
from exporter.runtime.listener import Listener, serve
from exporter.runtime.past import Unwritable
from exporter.runtime.reload import Reload
from exporter.runtime.status import Status
from exporter.runtime.store import Store, saved_in
from exporter.runtime.web import application
from exporter.simulator.demo import configuration
from exporter.simulator.server import Simulator
from exporter.tasks.ledger import Ledger
from exporter.wiring import Wiring


class Unwaited(ThreadPoolExecutor):
    """Threads that nobody waits for at the end: one may hang in the name server's silence."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the signature is its parent's
        """Give up what has not begun, and leave the rest alone."""
        super().shutdown(wait=False, cancel_futures=True)


class Running(msgspec.Struct, frozen=True):
    """A daemon at work and the server that answers for it."""

    daemon: Daemon
    listener: Listener
    work: asyncio.Task[None]
    reload: Reload[Config]


@contextlib.asynccontextmanager
async def running(
    config: Config, clock: Clock, demo: str = "", load: Callable[[], Config] | None = None
) -> AsyncIterator[Running]:
    """
    Run a daemon and its web server until the end of the context.

    `load` reads the configuration again; without it there is nothing to be read.
    """
    async with Sessions() as sessions:
        with remembering(config) as store:
            random = Random()  # noqa: S311 - only for jitter
            share = own_share(config.shard, socket.gethostname())
            wiring = Wiring(config, clock, sessions, random, store=store, share=share)
            wiring.recollection.leave(config, share)
            daemon = wiring.answering(wiring.crew(), demo)
            apply = Rewiring(wiring, daemon, sessions).apply
            reload = Reload(load or (lambda: config), apply, clock)
            daemon.watch(reload.facts)
            async with serving(config.web, daemon, reload, clock) as listener:
                work = asyncio.create_task(daemon.run())
                try:
                    yield Running(daemon, listener, work, reload)
                finally:
                    work.cancel()
                    await asyncio.gather(work, return_exceptions=True)


@contextlib.asynccontextmanager
async def serving(
    settings: WebSettings, daemon: Daemon, reload: Reload[Config], clock: Clock
) -> AsyncIterator[Listener]:
    """Answer for the daemon until the end of the context."""
    file = settings.config_file
    load = partial(load_access, file, os.environ) if file else lambda: OPEN
    with contextlib.closing(Door(load, clock, open_health=settings.open_health)) as door:
        app = application(
            daemon,
            telemetry_path=settings.telemetry_path,
            reload=reload.now if settings.enable_reload else None,
            guard=door.refusal,
        )
        app.on_response_prepare.append(door.add_headers)
        daemon.watch(door.facts)
        listener = await serve(app, settings.listen_address, door.encryption)
        try:
            yield listener
        finally:
            await listener.stop()


@contextlib.contextmanager
def remembering(config: Config) -> Iterator[Store | Unwritable | None]:
    """
    Hold the state file open, where one is configured.

    A full or read-only disk must not take the gauges away; only counting has to wait.
    """
    if config.state.path is None:
        yield None
        return
    try:
        opened = Store.opened(Path(config.state.path))
    except StateInUse:
        raise
    except StateError as error:
        get().error("state.unusable", error=str(error))
        yield Unwritable(error, _readable(Path(config.state.path)))
        return
    with contextlib.closing(opened) as store:
        if store.set_aside is not None:
            get().error("state.set_aside", path=config.state.path, kept_as=str(store.set_aside))
        yield store


def _readable(path: Path) -> dict[str, Ledger]:
    """Return what can be read of a state file that cannot be used: its counts are shown."""
    try:
        return saved_in(path)
    except StateError:
        return {}


async def run_daemon(
    config: Config,
    clock: Clock | None = None,
    demo: str = "",
    load: Callable[[], Config] | None = None,
) -> int:
    """Run until SIGTERM or SIGINT, `load` anew at SIGHUP; return the exit code."""
    configure(config.log.level, config.log.format)
    asyncio.get_running_loop().set_default_executor(Unwaited())
    logger = get()
    stop = asyncio.create_task(stop_signal())
    hangup = asyncio.Event()
    if load is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hangup.set)
    await asyncio.sleep(0)  # from here on signals end it cleanly
    async with running(config, clock or SystemClock(), demo, load) as run:
        logger.info(
            "exporter.started",
            version=__version__,
            listen=_bound(config.web.listen_address, run.listener.ports),
            targets=len(config.targets),
            **_shard(run.daemon.status()),
            **({"simulator": demo} if demo else {}),
        )
        for warning in warnings(config):
            logger.warning("config.doubtful", warning=warning)
        following = asyncio.create_task(_reload_at(hangup, run.reload))
        await asyncio.wait((stop, run.work), return_when=asyncio.FIRST_COMPLETED)
        following.cancel()
        if not stop.done():
            logger.error("exporter.failed", error=type(run.work.exception()).__name__)
            stop.cancel()
            return 1
    logger.info("exporter.stopped", signal=stop.result())
    return 0


async def _reload_at(hangup: asyncio.Event, reload: Reload[Config]) -> NoReturn:
    """Reload whenever told to; what comes while one is under way makes one more."""
    while True:
        await hangup.wait()
        hangup.clear()
        with contextlib.suppress(ConfigError):  # it is in the log, and in a metric
            await reload.now()


def _shard(status: Status) -> dict[str, object]:
    """Say which shard this is, where there are several."""
    if status.shard_total == 1:
        return {}
    return {"polled": status.polled, "shard": f"{status.shard_index} of {status.shard_total}"}


def _bound(addresses: Sequence[str], ports: Sequence[int]) -> list[str]:
    """Return the addresses with the ports that were chosen."""
    hosts = (address.rpartition(":")[0] for address in addresses)
    return [f"{host}:{port}" for host, port in zip(hosts, ports, strict=True)]


async def run_demo(
    *, scenario: str, seed: int, speed: float, web: WebSettings, log: LogSettings
) -> int:
    """Run simulated clouds and an exporter that watches them, on one clock; loopback only."""
    clock = SystemClock() if speed == 1 else ScaledClock(speed)
    async with simulated(Simulator(clock, scenario=scenario, seed=seed)) as url:
        config = msgspec.structs.replace(
            parse(configuration(url, run_logs=True), os.environ), web=web, log=log
        )
        return await run_daemon(config, clock, f"{url}/control/")


async def run_simulator(*, scenario: str, seed: int, host: str, port: int, log: LogSettings) -> int:
    """Run only the simulated clouds, and print the configuration that goes with them."""
    configure(log.level, log.format)
    async with simulated(Simulator(SystemClock(), scenario=scenario, seed=seed), host, port) as url:
        print(configuration(url, run_logs=True), flush=True)  # noqa: T201 - for the user to save
        get().info("simulator.started", url=url, control=f"{url}/control/", scenario=scenario)
        await stop_signal()
    return 0


@contextlib.asynccontextmanager
async def simulated(
    simulator: Simulator, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Run simulated clouds until the end of the context; give their base URL."""
    url = await simulator.start(host, port)
    try:
        yield url
    finally:
        await simulator.stop()


async def stop_signal() -> str:
    """Wait for SIGTERM or SIGINT and return its name."""
    loop = asyncio.get_running_loop()
    came: asyncio.Future[str] = loop.create_future()

    def note(number: signal.Signals) -> None:
        if not came.done():
            came.set_result(number.name)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, note, number)
    try:
        return await came
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
