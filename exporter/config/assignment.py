"""
Which of several processes polls which target: pure, and the same on every machine.

By rendezvous hashing: each process draws a number for the name of the target, and the highest one
has it. So when a process is added, about one target in `total` moves, to the new one; all others
stay. When the last one is taken away, only what it had moves.

A target that moves is counted anew where it goes: the first poll there counts nothing, so what
settles between the last poll here and the first one there is not counted, and streaks and times of
success begin with what that poll shows. Exported and imported state (`cloud-task-exporter state`)
goes with it instead. What a process remembers of targets that it does not poll is made a new
baseline at its start, so that one that comes back later counts nothing that another has counted.
"""

import hashlib
import re

import msgspec

from exporter.config.settings import ShardSettings
from exporter.errors import ConfigError

_ORDINAL = re.compile(r"-(0|[1-9][0-9]{0,5})\Z")


class Share(msgspec.Struct, frozen=True):
    """What one of `total` processes polls; the only one polls all."""

    index: int = 0
    total: int = 1

    def holds(self, target: str) -> bool:
        """Whether the target of that name is among it."""
        return shard_of(target, self.total) == self.index


def shard_of(target: str, total: int) -> int:
    """Return the index of the process that polls the target of that name."""
    return max(range(total), key=lambda index: _draw(target, index))


def own_share(settings: ShardSettings, hostname: str) -> Share:
    """Return the share that is ours; raise ConfigError where the host's name does not tell it."""
    if settings.index != "hostname":
        return Share(settings.index or 0, settings.total)
    first = hostname.partition(".")[0]
    ordinal = _ORDINAL.search(first)
    if ordinal is None or int(ordinal[1]) >= settings.total:
        msg = (
            f"shard.index is hostname, but the host's name {first!r} does not end in a number from"
            f" -0 to -{settings.total - 1}, as those of the pods of a StatefulSet do"
        )
        raise ConfigError([msg])
    return Share(int(ordinal[1]), settings.total)


def _draw(target: str, index: int) -> bytes:
    return hashlib.sha256(f"{index}\n{target}".encode(errors="surrogatepass")).digest()
