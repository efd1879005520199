"""
Another configuration while the daemon runs: all of it is put in force, or nothing.

Whatever can fail comes first. Then the pollers that are not wanted any more, or that would poll in
another way, end when their poll under way does; those that take their places go on from what was
counted. All other pollers, logins and limits of rate go on undisturbed.
"""

import socket
from collections.abc import Iterator
from functools import partial

import msgspec

from exporter.api.session import Sessions
from exporter.config.assignment import own_share
from exporter.config.doubts import warnings
from exporter.config.settings import Config
from exporter.errors import ConfigError, StateError
from exporter.log import configure, get
from exporter.runtime.daemon import Daemon
from exporter.runtime.past import Past
from exporter.runtime.poller import Poller
from exporter.wiring import Wiring


class Rewiring:
    """Knows what is in force, and puts something else in its place."""

    def __init__(self, wiring: Wiring, daemon: Daemon, sessions: Sessions) -> None:
        """Take what was wired at the start."""
        self._wiring = wiring
        self._daemon = daemon
        self._recollection = wiring.recollection
        self._sessions = sessions

    async def apply(self, config: Config) -> None:
        """Put it in force; raise ConfigError, with nothing changed, where that cannot be."""
        if fixed := tuple(_fixed(self._wiring.config, config)):
            raise ConfigError(fixed)
        share = own_share(config.shard, socket.gethostname())
        wiring = self._wiring.changed(config, share)
        lanes = {lane.owner: lane for lane in wiring.lanes}
        kept = [
            poller
            for poller in self._daemon.pollers
            if poller.owner in lanes and lanes[poller.owner].polls_like(poller.lane)
        ]
        gone = [poller for poller in self._daemon.pollers if poller not in kept]
        pasts = await self._recalled(wiring, kept, gone)

        configure(config.log.level, config.log.format)
        await self._daemon.end(gone)
        pasts |= {poller.lane.name: poller.heritage() for poller in gone}
        await self._recollection.between_commits(partial(self._recollection.leave, config, share))
        crew = wiring.crew(kept, pasts)
        self._daemon.go_on(crew)
        for poller in kept:
            await poller.relabel(lanes[poller.owner].prefix)
        await self._sessions.close(keep=wiring.checks)
        self._wiring = wiring
        get().info(
            "config.reloaded",
            targets=len(config.targets),
            collectors=len(crew.pollers),
            started=len(crew.pollers) - len(kept),
            ended=len(gone),
        )
        for warning in warnings(config):
            get().warning("config.doubtful", warning=warning)

    async def _recalled(
        self, wiring: Wiring, kept: list[Poller], gone: list[Poller]
    ) -> dict[str, Past]:
        """Return what the state file holds of what was not polled until now."""
        known = {poller.lane.name for poller in (*kept, *gone)}
        names = [lane.name for lane in wiring.lanes if lane.name not in known]
        try:
            return await self._recollection.between_commits(
                lambda: {name: self._recollection.past(name) for name in names}
            )
        except StateError as error:
            raise ConfigError([str(error)]) from error


def _fixed(old: Config, new: Config) -> Iterator[str]:
    """Say which keys differ that hold from start to end."""
    web = zip(msgspec.structs.fields(type(old.web)), *map(_values, (old.web, new.web)), strict=True)
    changed = [f"web.{field.name}" for field, before, after in web if before != after]
    if old.state.path != new.state.path:
        changed.append("state.path")
    for key in changed:
        yield f"{key}: cannot change while the exporter runs; restart it, or put the old value back"


def _values(settings: msgspec.Struct) -> tuple[object, ...]:
    return msgspec.structs.astuple(settings)
