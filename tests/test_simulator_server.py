"""The simulator as a whole: scenarios, control, journal and truth."""

from email.utils import formatdate

import aiohttp
import pytest
import yaml
from simulated import (
    FDI,
    INSTANCES,
    KAFKA,
    LIVELY,
    MONITORS,
    OCP,
    START,
    TASKS,
    Caller,
    HeldClock,
    basic,
    simulated,
    tally,
)

from exporter.errors import ExporterError
from exporter.simulator import accounts
from exporter.simulator.demo import configuration
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.server import Simulator
from exporter.simulator.world.world import Size


async def test_frozen_world() -> None:
    """While frozen nothing changes but the clouds' clocks; afterwards it goes on."""
    async with simulated(size=LIVELY) as caller:
        caller.clock.now += 100.0
        state = (await caller.send("POST", "/control/world", json={"frozen": True})).body
        truth = await caller.get("/control/truth")
        page = (await caller.huawei(MONITORS)).body
        caller.clock.now += 1000.0
        later = await caller.get("/control/truth")
        page_later = (await caller.huawei(MONITORS)).body
        time = await caller.send("GET", "/api/v2/time")
        await caller.send("POST", "/control/world", json={"frozen": False})
        caller.clock.now += 60.0
        thawed = await caller.get("/control/truth")

    assert state == {
        "clock": START + 100.0,
        "now": START + 100.0,
        "frozen": True,
        "scenario": "healthy",
    }
    assert truth["settled"] == later["settled"]
    assert page == page_later
    assert time.text == "2026-03-14T18:18:20+08:00"
    assert later["world"]["now"] == START + 100.0
    assert thawed["world"]["now"] == START + 160.0
    assert tally(thawed["settled"]).total() > tally(later["settled"]).total()


async def test_scenarios_switch_at_run_time() -> None:
    """A scenario is told, listed and switched; one that does not exist is refused by name."""
    async with simulated() as caller:
        before = await caller.get("/control/scenario")
        after = (await caller.send("POST", "/control/scenario", json={"name": "stuck"})).body
        unknown = await caller.send("POST", "/control/scenario", json={"name": "calm"})
        malformed = [
            await caller.send("POST", path, data=body)
            for path in ("/control/scenario", "/control/world")
            for body in (b"", b"[]", b"\xff", b'{"name": 1, "frozen": "yes"}', b"[" * 100_000)
        ]
        world = await caller.get("/control/world")

    assert before["name"] == "healthy"
    assert set(before["scenarios"]) == set(SCENARIOS)
    assert {"healthy", "failing", "stuck", "outage", "odd"} < set(SCENARIOS)
    assert after["name"] == world["scenario"] == "stuck"
    assert unknown.status == 400
    assert "failing" in unknown.body["error"]
    assert {reply.status for reply in malformed} == {400}


async def test_failing_shows_at_once() -> None:
    """Runs fail as soon as the scenario says so."""
    async with simulated(size=LIVELY) as caller:
        await caller.play("failing")
        caller.clock.now += 600.0
        truth = await caller.get("/control/truth")
        pages = (await caller.huawei(f"{FDI}/task-monitors?execute_status=ERROR&limit=999")).body
    settled = tally(truth["settled"])
    failed = sum(count for key, count in settled.items() if key[2] == "failed")

    assert failed > 0.2 * settled.total()
    assert pages["total"] > 1


async def test_outage(caplog: pytest.LogCaptureFixture) -> None:
    """APIs and IAM answer 503 or drop the connection; control goes on; nothing is shown."""
    async with simulated(size=LIVELY) as caller:
        await caller.play("outage")
        statuses: list[int] = []
        targets = (MONITORS, TASKS, INSTANCES, "/api/v2/time", "/v3/auth/tokens", "/nothing")
        for target in targets * 2:
            try:
                statuses.append((await caller.send("GET", target, basic())).status)
            except aiohttp.ClientConnectionError:
                statuses.append(0)
        log = await caller.get("/control/log")
        truth = await caller.get("/control/truth")
        caller.clock.now += 120.0
        await caller.play("healthy")
        back = await caller.huawei(MONITORS)
        settled = await caller.get("/control/truth")

    assert set(statuses) == {0, 503}
    assert {entry["status"] for entry in log["requests"]} == {0, 503}
    assert truth["shown"] == truth["shown_before_start"] == []
    assert not caplog.records
    assert back.status == 200
    assert tally(settled["settled"]).total() > 0


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
async def test_writes_are_refused_and_counted(method: str) -> None:
    """Nothing but GET is taken, with credentials or without, and each try is counted."""
    targets = (f"{FDI}/tasks/x/run", f"{KAFKA}/tasks/x", f"{OCP}/1/retry", "/elsewhere")
    async with simulated() as caller:
        headers = await caller.token()
        replies = [await caller.send(method, target, headers) for target in targets]
        truth = await caller.get("/control/truth")

    assert {reply.status for reply in replies} == {405}
    assert truth["writes"] == len(targets)


async def test_reading_counts_no_writes() -> None:
    """Logins and reads are no writes, and neither is a wrong method at IAM."""
    async with simulated() as caller:
        await caller.token()
        await caller.huawei(MONITORS)
        wrong = await caller.send("GET", "/v3/auth/tokens")
        lost = await caller.send("GET", "/v3/nothing")
        truth = await caller.get("/control/truth")

    assert truth["writes"] == 0
    assert [wrong.status, lost.status] == [405, 404]
    assert lost.body["error"]["title"] == "Not Found"


async def test_journal() -> None:
    """Requests are told with path, query, status and whether they were authenticated."""
    async with simulated() as caller:
        await caller.login()
        await caller.huawei(MONITORS)
        await caller.send("GET", MONITORS)
        await caller.ocp(f"{OCP}/1")
        log = await caller.get("/control/log")
        some = await caller.get("/control/log?path=task-monitors&limit=1")
        none = await caller.get("/control/log?limit=0")
        bad = await caller.send("GET", "/control/log?limit=few")
    told = [
        (entry["method"], entry["path"], entry["status"], entry["authenticated"])
        for entry in log["requests"]
    ]

    assert told == [
        ("POST", "/v3/auth/tokens", 201, True),
        ("GET", f"{FDI}/task-monitors", 200, True),
        ("GET", f"{FDI}/task-monitors", 401, False),
        ("GET", f"{OCP}/1", 404, True),
    ]
    assert log["requests"][1]["query"] == "limit=999&offset=1"
    assert log["total"] == 4
    assert log["counts"]["GET /v2/{project}/fdi/instances/{instance}/task-monitors 200"] == 1
    assert [entry["status"] for entry in some["requests"]] == [401]
    assert none["requests"] == []
    assert bad.status == 400


async def test_journal_is_bounded_and_keeps_no_secrets() -> None:
    """A thousand requests are kept, long paths cut, and no credential is written down."""
    async with simulated(size=Size(fdi_tasks=1, history=0.0)) as caller:
        await caller.login()
        await caller.send("GET", "/x" * 2000, basic())
        for _ in range(1000):
            await caller.send("GET", "/api/v2/time", basic())
        kept = await caller.get("/control/log")
        reply = await caller.send("GET", "/control/log")

    assert len(kept["requests"]) == 1000
    assert kept["total"] == 1002
    assert not any(secret in reply.text for secret in accounts.SECRETS)
    assert kept["counts"]["GET (none) 404"] == 1


async def test_the_clock_is_the_one_given() -> None:
    """Even the Date header follows the simulator's clock, not the machine's."""
    async with simulated() as caller:
        caller.clock.now += 12_345.0
        reply = await caller.huawei(MONITORS)

    assert reply.headers["Date"] == formatdate(START + 12_345.0, usegmt=True)


async def test_people_find_their_way() -> None:
    """The control API lists its calls and the scenarios."""
    async with simulated() as caller:
        reply = await caller.send("GET", "/control/")
        lost = await caller.send("GET", "/control/nothing")

    assert reply.headers["Content-Type"].startswith("text/plain")
    assert all(name in reply.text for name in SCENARIOS)
    assert "/control/truth" in reply.text
    assert lost.status == 404


async def test_same_seed_same_answers() -> None:
    """Two simulators of one seed answer alike; another seed answers otherwise."""
    pages = []
    for seed in (7, 7, 8):
        clock = HeldClock()
        simulator = Simulator(clock, seed=seed, start=START - 10.0, size=LIVELY)
        base = await simulator.start()
        async with aiohttp.ClientSession() as session:
            pages.append((await Caller(session, base, clock).huawei(MONITORS)).text)
        await simulator.stop()

    assert pages[0] == pages[1] != pages[2]


async def test_start_and_stop() -> None:
    """A port that is taken is an error that names it; stopping twice is fine."""
    first = Simulator(HeldClock(), size=LIVELY)
    base = await first.start()
    port = int(base.rpartition(":")[2])
    second = Simulator(HeldClock(), size=LIVELY)
    with pytest.raises(ExporterError, match=f"cannot listen on 127.0.0.1 port {port}"):
        await second.start(port=port)
    await first.stop()
    await first.stop()

    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(base)


def test_unknown_scenario() -> None:
    """A scenario that does not exist is refused when the simulator is made."""
    with pytest.raises(KeyError, match="calm"):
        Simulator(HeldClock(), scenario="calm", size=LIVELY)


def test_demo_configuration() -> None:
    """The demo watches one target of each system on one endpoint, with the simulator's accounts."""
    document = yaml.safe_load(configuration("http://127.0.0.1:1234"))
    targets = {target["name"]: target for target in document["targets"]}

    assert {name: target["system"] for name, target in targets.items()} == {
        "roma-demo": "fdi",
        "kafka-demo": "dms",
        "ocp-demo": "ocp",
    }
    assert {target["endpoint"] for target in targets.values()} == {"http://127.0.0.1:1234"}
    assert {target["credentials"] for target in targets.values()} == set(document["credentials"])
    assert {entry["kind"] for entry in document["credentials"].values()} == {
        "huawei_password",
        "huawei_aksk",
        "basic",
    }
    assert targets["roma-demo"]["collectors"]["task_monitors"]["page_size"] == 20
    assert document["credentials"]["huawei"]["password"] == accounts.PASSWORD
