"""A state file that cannot be opened: gauges go on, and what is not kept is not counted."""

import os
from pathlib import Path

import msgspec
import pytest
from simulated import HeldClock

from exporter.app import remembering, running, simulated
from exporter.config import Config, parse
from exporter.errors import StateInUse
from exporter.runtime.past import Unwritable
from exporter.runtime.store import Store, saved_in
from exporter.simulator.demo import configuration
from exporter.simulator.server import Simulator


def config(url: str, path: Path) -> Config:
    """Return the demo's configuration with a state file."""
    parsed = parse(configuration(url), os.environ)
    state = msgspec.structs.replace(parsed.state, path=str(path))
    web = msgspec.structs.replace(parsed.web, listen_address=("127.0.0.1:0",))
    return msgspec.structs.replace(parsed, state=state, web=web)


def block(path: Path) -> None:
    """Let the file be read but not held, as on a disk that is read-only."""
    lock = path.with_name(f"{path.name}.lock")
    lock.unlink()
    lock.mkdir()


async def shown(path: Path, url: str) -> tuple[str, list[str]]:
    """Return what an exporter with that state file shows at first, and its counters of runs."""
    async with running(config(url, path), HeldClock()) as run:
        await run.daemon.attempted()
        page = b"".join(run.daemon.page().body(openmetrics=False)).decode()
        tail = run.daemon.tail(openmetrics=False).decode()
    counters = [line for line in page.splitlines() if line.startswith("cloud_task_runs_total{")]
    return page + tail, counters


def test_a_pipe_is_no_state_file(tmp_path: Path) -> None:
    """Nobody waits for the other end of it: the daemon starts, and counting waits."""
    path = tmp_path / "pipe"
    os.mkfifo(path)

    with remembering(config("http://127.0.0.1:1", path)) as opened:
        assert isinstance(opened, Unwritable)


async def test_gauges_go_on_without_a_usable_file(tmp_path: Path) -> None:
    """The failed commits are counted, and every counter stands at 0."""
    (tmp_path / "file").write_text("")
    async with simulated(Simulator(HeldClock(), seed=1)) as url:
        page, counters = await shown(tmp_path / "file" / "state.sqlite", url)

    assert 'fdi_tasks{target="roma-demo",category="common",status="running"}' in page
    assert 'cloud_task_exporter_state_write_failures_total{collector="task_monitors"' in page
    assert counters
    assert all(line.endswith(" 0") for line in counters)


async def test_counters_stay_at_what_can_be_read(tmp_path: Path) -> None:
    """From 0 they would jump back once the file can be written, like runs that never were."""
    path = tmp_path / "state.sqlite"
    async with simulated(Simulator(HeldClock(), seed=1)) as url:
        await shown(path, url)
        store = Store.opened(path)
        for name, ledger in saved_in(path).items():
            counts = dict.fromkeys(ledger.counts, 7)
            store.put({name: msgspec.structs.replace(ledger, counts=counts)})
        store.close()
        block(path)
        page, counters = await shown(path, url)

    assert "cloud_task_exporter_state_write_failures_total{" in page
    assert counters
    assert all(line.endswith(" 7") for line in counters)


def test_a_file_in_use_is_refused(tmp_path: Path) -> None:
    """Two that count into one file would both be wrong: better none."""
    path = tmp_path / "state.sqlite"
    store = Store.opened(path)
    with pytest.raises(StateInUse), remembering(config("http://127.0.0.1:1", path)):
        pass
    store.close()
    with remembering(config("http://127.0.0.1:1", path)) as opened:
        assert not isinstance(opened, Unwritable)
