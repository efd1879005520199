"""
What the clouds see of a daemon whose login goes wrong: every request of the first minutes.

The daemon is wired as in production, but one collector polls, under a clock set by hand. To write
the tables in docs/credentials.md anew: `.venv/bin/python tests/five_minutes.py`.
"""

import asyncio
import itertools
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import msgspec
from cloud import NOW, Cloud, ManualClock
from mishaps import MISHAPS, Event, Mishap, World

from exporter.api.session import Sessions
from exporter.config import parse
from exporter.runtime.poller import Poller
from exporter.wiring import Wiring

PAGE = Path(__file__).parent.parent / "docs" / "credentials.md"
END = 480.0
"""Seconds; the five minutes and the next try."""

LOGINS: Mapping[str, str] = {
    "basic": "username: viewer, password_file: secret",
    "huawei_aksk": "access_key: AK, secret_key_file: secret",
    "huawei_metadata": "endpoint: URL",
    "huawei_password": "domain: acme, username: exporter, password_file: secret, project: eu-de,"
    " iam_endpoint: URL",
    "ocp_aksk": "access_key: AK, secret_key_file: secret",
}
DMS = (
    "system: dms, engine: kafka, project_id: p, instance_id: i,"
    " collectors: {background_tasks: {interval: 30s}}"
)
OCP = "system: ocp, collectors: {task_instances: {interval: 30s}}"


class Poll(msgspec.Struct, frozen=True):
    """One poll, or an event."""

    at: float
    requests: tuple[str, ...]
    outcome: str


class Stage(ManualClock):
    """A clock under which events happen, and which stops at the end."""

    def __init__(self, world: World, events: tuple[Event, ...]) -> None:
        """Begin with what happens at the beginning."""
        super().__init__()
        self.over = asyncio.Event()
        self.polls: list[Poll] = []
        self.errors: list[str] = []
        self.poller: Poller | None = None
        self._world = world
        self._events = list(events)
        self._seen: float | None = None
        world.elapsed = lambda: self._elapsed
        self._happen()

    async def sleep(self, seconds: float) -> None:
        """Note the poll that has ended, let happen what is due, and stop at the end."""
        self._note()
        if self._elapsed + seconds > END:
            self.over.set()
            await asyncio.Event().wait()
        await super().sleep(seconds)
        self._happen()

    def _happen(self) -> None:
        while self._events and self._events[0].at <= self._elapsed:
            event = self._events.pop(0)
            event.happen(self._world)
            self.polls.append(Poll(event.at, (), f"*{event.text}*"))

    def _note(self) -> None:
        if self.poller is None or self.poller.health.last_attempt in {None, self._seen}:
            return
        health = self.poller.health
        self._seen = health.last_attempt
        at = (self._seen or NOW) - NOW
        outcome = "succeeds" if health.up else f"fails: `{health.reason}`"
        self.polls.append(Poll(at, tuple(self._world.requests), outcome))
        self._world.requests.clear()
        if health.error and _timeless(health.error) not in map(_timeless, self.errors):
            self.errors.append(health.error)


def _timeless(error: str) -> str:
    return re.sub(r"[0-9:TZ]{8,}", "", error)


class Still(Random):
    """Chance that leaves nothing to chance."""

    def random(self) -> float:
        """Return the least."""
        return 0.0


async def play(kind: str, mishap: Mishap, file: Path) -> tuple[list[Poll], list[str]]:
    """Return the polls of the first minutes, and what they say that went wrong."""
    world = World(kind, file)
    async with Cloud(usual=world.answer) as cloud, Sessions() as sessions:
        stage = Stage(world, mishap.events)
        target = OCP if kind in {"basic", "ocp_aksk"} else DMS
        login = LOGINS[kind].replace("URL", cloud.url).replace("_file: secret", f"_file: {file}")
        text = (
            f"credentials: {{login: {{kind: {kind}, {login}}}}}\n"
            f"targets: [{{name: t, credentials: login, endpoint: '{cloud.url}', {target}}}]\n"
        )
        poller = Wiring(parse(text, {}), stage, sessions, Still()).crew().pollers[0]
        stage.poller = poller
        tasks = [asyncio.create_task(poller.run()), asyncio.create_task(stage.over.wait())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return stage.polls, [error.replace(cloud.host, "HOST") for error in stage.errors]


def table(polls: list[Poll], errors: list[str]) -> Iterator[str]:
    """Yield the lines of a table in which polls that are alike share one, and what they say."""
    yield from ("| time | requests and answers | poll |", "| --- | --- | --- |")
    for (requests, outcome), alike in itertools.groupby(
        polls, lambda poll: (poll.requests, poll.outcome)
    ):
        times = [poll.at for poll in alike]
        gaps = {later - earlier for earlier, later in itertools.pairwise(times)}
        span = ", ".join(_time(at) for at in times)
        if len(times) > 2 and len(gaps) == 1:
            span = f"{_time(times[0])} to {_time(times[-1])}, every {gaps.pop():g} s"
        counted = ((one, len(list(same))) for one, same in itertools.groupby(requests))
        told = ", ".join(one if count == 1 else f"{one} ({count} times)" for one, count in counted)
        asked = told or ("" if outcome.startswith("*") else "none")
        yield f"| {span} | {asked} | {outcome} |"
    for error in errors:
        yield from ("", f"> {error}")


def _time(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


async def section(kind: str, file: Path) -> str:
    """Return what the page says of the first minutes of one way in."""
    lines: list[str] = []
    for mishap in MISHAPS[kind]:
        lines += ["", f"**{mishap.title}**", ""]
        lines += table(*await play(kind, mishap, file))
    return "\n".join(lines) + "\n"


def written(kind: str, text: str) -> re.Match[str] | None:
    """Return where the page holds the section."""
    begin, end = f"<!-- first minutes of {kind} -->", "<!-- end -->"
    return re.search(f"(?<={re.escape(begin)}\n).*?(?=\n{re.escape(end)})", text, re.DOTALL)


def main() -> None:
    """Write all sections anew."""
    text = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        for kind in MISHAPS:
            match = written(kind, text)
            assert match is not None
            new = asyncio.run(section(kind, Path(folder) / "secret"))
            text = text[: match.start()] + new + text[match.end() :]
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
