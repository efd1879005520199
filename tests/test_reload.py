"""Another configuration while the exporter runs: all of it, or nothing."""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from processes import PATIENCE, Exporter, eventually, exporter
from prometheus_client.parser import text_string_to_metric_families
from simulated import LIVELY
from test_truth import counted, poll_all, shown

from exporter.app import Running, running, simulated
from exporter.clock import ScaledClock, SystemClock
from exporter.config import Config, parse
from exporter.errors import ConfigError
from exporter.runtime.poller import Poller
from exporter.simulator import accounts
from exporter.simulator.demo import configuration
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.server import Simulator

OWN = "cloud_task_exporter_"
SPEED = 100.0
ALL = ["roma-demo", "kafka-demo", "ocp-demo"]
WITHOUT_DETAILS = ("task_details: {enabled: true", "task_details: {enabled: false")
"""Details read FDI's list too, and could be shown what the counting collector is not."""

Samples = list[tuple[str, Mapping[str, str], float]]
Change = Callable[[Any], None]


def document(url: str) -> Any:
    """Return the demo's configuration, to be changed."""
    return yaml.safe_load(configuration(url).replace(*WITHOUT_DETAILS))


def target(told: Any, name: str) -> Any:
    """Return one target of it."""
    return next(one for one in told["targets"] if one["name"] == name)


def another_engine(told: Any) -> None:
    """Add a target."""
    engine = {"engine": "rabbitmq", "name": "rabbitmq-demo"}
    instance = {"instance_id": accounts.DMS_INSTANCES["rabbitmq"]}
    told["targets"].append({**target(told, "kafka-demo"), **engine, **instance})


def without_ocp(told: Any) -> None:
    """Remove a target."""
    told["targets"].remove(target(told, "ocp-demo"))


def every(interval: str, *names: str) -> Change:
    """Return what has all collectors of targets polled at that interval."""

    def change(told: Any) -> None:
        for name in names:
            for settings in target(told, name)["collectors"].values():
                settings["interval"] = interval

    return change


def samples(text: str) -> Samples:
    """Return all samples of a page."""
    return [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


def value(found: Samples, name: str, **labels: str) -> float | None:
    """Return the sum of the samples with these labels; None where there is none."""
    values = [n for own, told, n in found if own == name and labels.items() <= told.items()]
    return sum(values) if values else None


class Process:
    """A real exporter on a simulated cloud, and its configuration file."""

    def __init__(self, run: Exporter, url: str, path: Path) -> None:
        """Take all of it."""
        self.run = run
        self.told = document(url)
        self.path = path
        self.session = aiohttp.ClientSession()

    def write(self, *changes: Change) -> None:
        """Change the configuration file."""
        for change in changes:
            change(self.told)
        self.path.write_text(json.dumps(self.told), encoding="utf-8")

    async def page(self) -> Samples:
        """Return what is shown."""
        return samples(await eventually(self.session, f"{self.run.url}/metrics"))

    async def until(self, met: Callable[[Samples], bool]) -> Samples:
        """Return the first page that meets it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                if met(found := await self.page()):
                    return found
                await asyncio.sleep(0.05)  # another process: there is no event to wait for

    async def post(self) -> tuple[int, str]:
        """Ask for a reload by HTTP."""
        async with self.session.post(f"{self.run.url}/-/reload") as response:
            return response.status, await response.text()


@asynccontextmanager
async def process(folder: Path, text: str = "") -> AsyncIterator[Process]:
    """Run an exporter that has polled everything once; `text` goes before its configuration."""
    path = folder / "my.yaml"
    async with AsyncExitStack() as stack:
        clouds = Simulator(SystemClock(), size=LIVELY)
        url = await stack.enter_async_context(simulated(clouds))
        path.write_text(text + json.dumps(document(url))[1:], encoding="utf-8")
        state = ("--state.path", str(folder / "state.sqlite"))
        run = await stack.enter_async_context(exporter("run", "--config.file", str(path), *state))
        site = Process(run, url, path)
        async with site.session:
            await eventually(site.session, f"{run.url}/-/ready")
            yield site


async def test_sighup_takes_over_what_is_new(tmp_path: Path) -> None:
    """One target comes, one goes, one is polled otherwise, one goes on as if nothing were."""
    async with process(tmp_path, "{") as site:
        before = await site.page()
        site.write(another_engine, without_ocp, every("2s", "kafka-demo"))
        site.run.process.send_signal(signal.SIGHUP)
        line = await site.run.said("config.reloaded")
        after = await site.until(
            lambda page: value(page, f"{OWN}collector_up", target="rabbitmq-demo") == 1
        )
        ready = await eventually(site.session, f"{site.run.url}/-/ready")
        code = await site.run.stopped()

    assert {key: line[key] for key in ("targets", "collectors", "started", "ended")} == {
        "targets": 3,
        "collectors": 4,
        "started": 2,
        "ended": 2,
    }
    assert {told.get("target") for _, told, _ in after} == {
        *("roma-demo", "kafka-demo", "rabbitmq-demo"),
        None,
    }
    assert value(after, f"{OWN}collector_interval_seconds", target="kafka-demo") == 2
    assert value(after, f"{OWN}targets_configured") == 3
    assert value(after, f"{OWN}config_last_reload_successful") == 1
    changed = f"{OWN}config_last_reload_success_timestamp_seconds"
    assert (value(after, changed) or 0) > (value(before, changed) or 0)
    for name in ("roma-demo", "kafka-demo"):
        was = value(before, f"{OWN}polls_total", target=name)
        assert (value(after, f"{OWN}polls_total", target=name) or 0) >= (was or 99)
    assert ready == "Ready.\n"
    assert code == 0


async def test_a_bad_file_changes_nothing(tmp_path: Path) -> None:
    """Every mistake is in the log and in the answer; the failure is shown until it is mended."""
    async with process(tmp_path, '{"web": {"enable_reload": true}, ') as site:
        began = value(await site.page(), f"{OWN}config_last_reload_success_timestamp_seconds")
        good = site.path.read_text()
        site.path.write_text(good.replace('"interval"', '"intervall"', 1).replace("dms", "dmss", 1))
        site.run.process.send_signal(signal.SIGHUP)
        problems = [(await site.run.said("config.refused", n))["problem"] for n in (0, 1)]
        status, answer = await site.post()
        bad = await site.until(
            lambda page: (value(page, f"{OWN}polls_total", collector="statistics") or 0) > 1
        )
        site.path.write_text(good)
        mended = await site.post()
        after = await site.page()

    assert problems[0].endswith("unknown key; did you mean interval?")
    assert problems[1].endswith("is not one of fdi, dms, ocp; did you mean dms?")
    assert (status, answer.splitlines()[0]) == (500, "Not reloaded, nothing was changed:")
    assert answer.splitlines()[1:] == problems
    assert value(bad, f"{OWN}config_last_reload_successful") == 0
    assert value(bad, f"{OWN}config_last_reload_success_timestamp_seconds") == began
    assert value(bad, f"{OWN}targets_configured") == 3
    assert mended == (200, "Reloaded.\n")
    assert value(after, f"{OWN}config_last_reload_successful") == 1


class Scene:
    """A daemon inside the test, and the configuration that it would load."""

    run: Running

    def __init__(
        self, simulator: Simulator, url: str, state: Path | None, clock: ScaledClock
    ) -> None:
        """Begin with the demo's."""
        self.clock = clock
        self.simulator = simulator
        self.told = document(url)
        self.told["web"] = {"listen_address": ["127.0.0.1:0"]}
        self.told["state"] = {"path": state and str(state)}

    def write(self, *changes: Change) -> None:
        """Change it."""
        for change in changes:
            change(self.told)

    def load(self) -> Config:
        """Return it."""
        return parse(json.dumps(self.told), os.environ)

    def pollers(self) -> dict[tuple[str, str], Poller]:
        """Return who is at work."""
        return {poller.owner: poller for poller in self.run.daemon.pollers}

    def lines(self, text: str) -> list[str]:
        """Return the polled samples with that text."""
        page = b"".join(self.run.daemon.page().body(openmetrics=False)).decode()
        return [line for line in page.splitlines() if text in line and not line.startswith("#")]


@asynccontextmanager
async def site(state: Path | None = None) -> AsyncIterator[Scene]:
    """Run a daemon that has polled everything once, while the world stood still."""
    clock = ScaledClock(SPEED)
    simulator = Simulator(clock, seed=3, size=LIVELY)
    simulator.freeze(frozen=True)
    async with simulated(simulator) as url:
        scene = Scene(simulator, url, state, clock)
        async with running(scene.load(), clock, load=scene.load) as scene.run:
            await scene.run.daemon.attempted()
            yield scene


async def test_what_is_not_concerned_is_not_touched() -> None:
    """Its poller, its login with its token, its client with its limits: all are the same."""
    async with site() as scene:
        before = scene.pollers()
        scene.write(without_ocp, another_engine)
        await scene.run.reload.now()
        after = scene.pollers()

        kept = before.keys() & after.keys()
        assert {owner[0] for owner in kept} == {"roma-demo", "kafka-demo"}
        assert all(after[owner] is before[owner] for owner in kept)
        assert scene.lines('target="ocp-demo"') == []
        assert scene.lines('target="kafka-demo"') != []


async def test_limits_and_logins_outlive_a_change_of_the_polls() -> None:
    """A collector that is polled otherwise is not asked harder, and logs in no more often."""
    async with site() as scene:
        before = scene.pollers()
        scene.write(every("7s", "kafka-demo", "roma-demo"))
        await scene.run.reload.now()
        after = scene.pollers()
        await scene.run.daemon.attempted()
        tail = scene.run.daemon.tail(openmetrics=False).decode()

        for owner in after.keys() - {("ocp-demo", "task_instances")}:
            assert after[owner] is not before[owner]
            assert after[owner].source.client is before[owner].source.client
            assert after[owner].health.interval == 7
        assert value(samples(tail), f"{OWN}credential_refreshes_total", credentials="huawei") == 1


async def test_credentials_that_nobody_uses_are_not_shown() -> None:
    """They are not logged in with either."""
    async with site() as scene:
        scene.told["targets"].remove(target(scene.told, "roma-demo"))
        await scene.run.reload.now()
        tail = samples(scene.run.daemon.tail(openmetrics=False).decode())

        assert {told["credentials"] for _, told, _ in tail if "credentials" in told} == {
            *("keys", "ocp")
        }


async def test_a_new_label_is_put_on_all_series_at_once() -> None:
    """Targets without it carry it empty; nobody is polled anew for it."""
    async with site() as scene:
        before = scene.pollers()
        target(scene.told, "ocp-demo")["labels"] = {"stage": "production"}
        await scene.run.reload.now()
        await scene.run.daemon.attempted()

        assert scene.pollers() == before
        assert scene.lines('stage="production"') != []
        bare = [line for line in scene.lines("{") if 'stage="' not in line]
        assert [line for line in bare if "cloud_task_team_info" not in line] == []
        assert {line.split('"')[1] for line in scene.lines('stage=""')} == {
            "roma-demo",
            "kafka-demo",
        }


@pytest.mark.parametrize("state", ["state.sqlite", None])
async def test_a_renamed_target_goes_on_counting(tmp_path: Path, state: str | None) -> None:
    """With a state file and without one: what is polled is the same."""
    async with site(tmp_path / state if state else None) as scene:
        target(scene.told, "kafka-demo")["name"] = "kafka-new"
        baseline = scene.pollers()["kafka-demo", "background_tasks"].counted.watermark
        await scene.run.reload.now()
        went_on = scene.pollers()["kafka-new", "background_tasks"].counted.watermark

        assert went_on == baseline is not None
        assert scene.lines('target="kafka-demo"') == []


async def test_two_reloads_at_once_are_one_after_the_other() -> None:
    """Whoever asks is answered when it is done."""
    async with site() as scene:
        scene.write(another_engine)
        await asyncio.gather(*(scene.run.reload.now() for _ in range(3)))

        assert len({poller.owner[0] for poller in scene.run.daemon.pollers}) == 4


@pytest.mark.parametrize("state", ["state.sqlite", None])
async def test_counts_are_those_of_a_life_without_reloads(
    tmp_path: Path, state: str | None
) -> None:
    """However often collectors are replaced while they poll, nothing is lost or counted twice."""
    async with site(tmp_path / state if state else None) as scene:
        before = shown(scene.simulator)
        scene.simulator.play(SCENARIOS["failing"])
        scene.simulator.freeze(frozen=False)
        for turn in range(25):
            scene.write(every(f"{5 + turn % 2}s", *ALL))
            await scene.clock.sleep(15.0)
            await scene.run.reload.now()
        scene.simulator.freeze(frozen=True)
        pollers = tuple(scene.pollers().values())
        await scene.run.daemon.end(pollers)
        for _ in range(4):  # OCP's details come within a budget per poll
            await poll_all(pollers)
        found = Counter(counted(pollers))
        expected = shown(scene.simulator) - before

    # FDI and OCP do not show each run again and again as DMS does: new sources try how their lists
    # are paged, and what they are shown then may be gone when they read it.
    assert {k: n for k, n in found.items() if k[0] == "kafka-demo"} == {
        k: n for k, n in expected.items() if k[0] == "kafka-demo"
    }
    assert not found - expected
    assert sum(found.values()) > 30


@pytest.mark.parametrize(
    ("section", "key", "new"),
    [
        ("web", "listen_address", [":10048"]),
        ("web", "telemetry_path", "/other"),
        ("web", "enable_reload", True),
        ("state", "path", "other.sqlite"),
    ],
)
async def test_what_holds_from_start_to_end_is_refused(section: str, key: str, new: object) -> None:
    """It says which key, and what to do; whatever else is new is not taken over either."""
    async with site() as scene:
        scene.write(without_ocp)
        scene.told[section][key] = new
        with pytest.raises(ConfigError) as caught:
            await scene.run.reload.now()

        assert caught.value.problems == (
            (
                f"{section}.{key}: cannot change while the exporter runs; restart it, or put the"
                " old value back"
            ),
        )
        assert len({target for target, _ in scene.pollers()}) == 3
        assert not scene.run.reload.successful
