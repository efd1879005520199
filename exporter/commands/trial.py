"""
One poll of each collector, to see whether addresses, logins and rights are right.

Targets of one credentials entry are tried one after the other until a login has worked. If it is
refused first, the entry is not used again: clouds lock accounts after a few wrong passwords.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from random import Random

from exporter.api.client import Recorder, Request
from exporter.api.refusal import Answer
from exporter.api.session import Sessions
from exporter.clock import Clock
from exporter.commands.outcome import Outcome, counted, outcome
from exporter.config import Config
from exporter.errors import Unauthorized
from exporter.runtime.daemon import Credential, Crew
from exporter.runtime.poller import Poller
from exporter.wiring import Wiring

Show = Callable[[str], object]
"""Takes each line as soon as it is known."""


async def try_out(config: Config, clock: Clock, show: Show) -> list[Outcome]:
    """Poll every collector once, show how it went, and return it."""
    async with Sessions() as sessions:
        calls = _Calls()
        random = Random()  # noqa: S311 - only for jitter
        crew = Wiring(config, clock, sessions, random, calls.recorder).crew()
        trial = _Trial(config, crew, calls, show)
        await trial.run()
        return trial.polls


class _Calls:
    """Counts the answers to each target's requests."""

    def __init__(self) -> None:
        self.of: Counter[str] = Counter()

    def recorder(self, target: str) -> Recorder:
        def count(operation: str, sent: Request, answer: Answer) -> None:  # noqa: ARG001 - counted
            self.of[target] += 1

        return count


class _Entry:
    """What is known of a credentials entry."""

    def __init__(self, name: str, credential: Credential) -> None:
        self.name = name
        self.is_proven = False
        self.refused_by = ""
        self._credential = credential

    def learn(self, poll: Outcome) -> None:
        """Draw the conclusions from a poll."""
        # A service may refuse a token that IAM gave for the right password.
        if not poll.reason or self._credential.refreshes:
            self.is_proven = True
        elif poll.reason == Unauthorized.reason and not self.is_proven:
            self.refused_by = poll.target


class _Trial:
    """One run."""

    def __init__(self, config: Config, crew: Crew, calls: _Calls, show: Show) -> None:
        self._config = config
        self._crew = crew
        self._calls = calls
        self._show = show
        self.polls: list[Outcome] = []
        self._widths = (
            max((len(poller.source.place.target) for poller in crew.pollers), default=0),
            max((len(poller.source.collector) for poller in crew.pollers), default=0),
        )

    async def run(self) -> None:
        entries = (_Entry(*item) for item in self._crew.credentials.items())
        await asyncio.gather(*(self._try_entry(entry) for entry in entries))

    async def _try_entry(self, entry: _Entry) -> None:
        """Try the targets of an entry: in order, and all that are left once a login has worked."""
        targets = [target for target in self._config.targets if target.credentials == entry.name]
        while targets and not entry.is_proven:
            await self._try_target(targets.pop(0).name, entry)
        await asyncio.gather(*(self._try_target(target.name, entry) for target in targets))

    async def _try_target(self, target: str, entry: _Entry) -> None:
        for poller in self._crew.pollers:
            if poller.source.place.target != target:
                continue
            if entry.refused_by:
                told = f"not tried: {entry.refused_by} refused the same credentials ({entry.name})"
                self._tell(poller, [told])
            else:
                await self._try_collector(poller, entry)

    async def _try_collector(self, poller: Poller, entry: _Entry) -> None:
        target = poller.source.place.target
        before = self._calls.of[target]
        await poller.poll()
        poll = outcome(poller)
        entry.learn(poll)
        self.polls.append(poll)
        self._tell(poller, self._lines(poll, self._calls.of[target] - before))

    def _lines(self, poll: Outcome, calls: int) -> Iterator[str]:
        if poll.reason:
            yield f"failed ({poll.reason}): {poll.error}"
            return
        skew = self._crew.ways[poll.target, poll.system].skew
        clock = "clock not told" if skew is None else f"clock {skew:+.0f} s"
        yield f"ok: {poll.found}, {counted(calls, 'call')}, {poll.seconds:.1f} s, {clock}"
        if poll.is_empty:
            yield "nothing is listed: there is nothing, or the user may not see it"
        yield from poll.remarks

    def _tell(self, poller: Poller, lines: Iterable[str]) -> None:
        first, *more = lines
        names = (poller.source.place.target, poller.source.collector)
        place = "  ".join(map(str.ljust, names, self._widths))
        for line in (f"{place}  {first}", *(f"    {text}" for text in more)):
            self._show(f"{line}\n")
