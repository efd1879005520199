"""The exporter as a user has it: a process, its pages, and a real Prometheus."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import aiohttp
import bcrypt
import pytest
from certificates import Authority
from processes import eventually, exporter, free_port, prometheus
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain
from tools import needs

PROMISED = (
    "fdi_tasks",
    "fdi_task_monitors",
    "fdi_task_info",
    "dms_background_tasks",
    "ocp_task_instances",
    "ocp_subtask_instances",
    "cloud_tasks",
    "cloud_task_runs_total",
    "cloud_task_exporter_collector_up",
)


def samples(families: Iterable[Metric]) -> Counter[tuple[object, ...]]:
    """Return the samples of polled families as a bag."""
    return Counter(
        (sample.name, *sorted(sample.labels.items()), sample.value)
        for family in families
        for sample in family.samples
        if not sample.name.startswith(("cloud_task_exporter_", "process_", "python_"))
    )


async def get(session: aiohttp.ClientSession, url: str, accept: str = "") -> str:
    """Return the text of a page."""
    async with session.get(url, headers={"Accept": accept} if accept else {}) as response:
        assert response.status == 200
        return await response.text()


async def check_metrics(text: str) -> tuple[int, str]:
    """Return what promtool finds."""
    process = await asyncio.create_subprocess_exec(
        "promtool",
        "check",
        "metrics",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate(text.encode())
    return process.returncode or 0, out.decode()


@needs("promtool")
async def test_the_demo_shows_all_three_systems() -> None:
    """Every promised family is there, promtool is content, and SIGTERM ends it with 0."""
    async with exporter("demo") as demo, aiohttp.ClientSession() as session:
        await eventually(session, f"{demo.url}/-/ready")
        text = await get(session, f"{demo.url}/metrics")
        found = {(s.name, s.labels.get("target")) for f in plain(text) for s in f.samples}
        names = {name for name, _ in found}

        assert set(PROMISED) <= names
        assert {t for name, t in found if name == "cloud_task_exporter_collector_up"} == {
            "roma-demo",
            "kafka-demo",
            "ocp-demo",
        }
        assert all(s.value == 1 for f in plain(text) for s in f.samples if s.name == PROMISED[-1])
        assert await check_metrics(text) == (0, "")
        assert "OceanBase" in await get(session, f"{demo.url}/")
        assert await demo.stopped() == 0


async def test_both_formats_say_the_same() -> None:
    """Polled families are equal in text and OpenMetrics; the simulator stands still meanwhile."""
    async with exporter("demo") as demo, aiohttp.ClientSession() as session:
        await eventually(session, f"{demo.url}/-/ready")
        world = demo.simulator + "world"
        async with session.post(world, json={"frozen": True}) as response:
            assert response.status == 200
        accept = "application/openmetrics-text; version=1.0.0"
        async with asyncio.timeout(30):
            while True:
                before = samples(plain(await get(session, f"{demo.url}/metrics")))
                middle = await get(session, f"{demo.url}/metrics", accept)
                after = samples(plain(await get(session, f"{demo.url}/metrics")))
                if before == after:
                    break

        assert middle.endswith("# EOF\n")
        parsed = list(openmetrics(middle))  # type: ignore[no-untyped-call] # the library has none
        assert samples(parsed) == before
        assert len(before) > 500


@needs("prometheus")
@pytest.mark.parametrize("query", ["count(cloud_tasks)", 'up{job="cloud-task-exporter"} == 1'])
async def test_a_real_prometheus_scrapes_it(tmp_path: Path, query: str) -> None:
    """It takes the page as it is."""
    async with exporter("demo") as demo, aiohttp.ClientSession() as session:
        await eventually(session, f"{demo.url}/-/ready")
        target = demo.url.removeprefix("http://")
        async with prometheus(tmp_path, target, free_port()) as server:
            assert min((await server.value(query)).values()) > 0


@needs("prometheus")
async def test_a_real_prometheus_logs_in_over_tls(tmp_path: Path) -> None:
    """With a password and a certificate, as it does with other exporters."""
    authority = Authority(tmp_path / "tls")
    server, client = authority.sign("server"), authority.sign("client")
    hashed = bcrypt.hashpw(b"hunter2-canary", bcrypt.gensalt(4)).decode()
    file = tmp_path / "web.yml"
    file.write_text(
        f"tls_server_config:\n  cert_file: {server.cert}\n  key_file: {server.key}\n"
        f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {authority.cert}\n"
        f"basic_auth_users: {{prometheus: '{hashed}'}}\n"
    )
    config = f"""\
global: {{{{scrape_interval: 1s}}}}
scrape_configs:
  - job_name: cloud-task-exporter
    scheme: https
    basic_auth: {{{{username: prometheus, password: hunter2-canary}}}}
    tls_config:
      ca_file: {authority.cert}
      cert_file: {client.cert}
      key_file: {client.key}
    static_configs: [{{{{targets: ['{{}}']}}}}]
"""
    async with exporter("demo", "--web.config.file", str(file)) as demo:
        target = demo.url.removeprefix("http://")
        async with prometheus(tmp_path, target, free_port(), config) as scraping:
            up = await scraping.value('up{job="cloud-task-exporter"} == 1')
            wrong = await scraping.value("cloud_task_exporter_web_wrong_passwords_total")

    assert list(up.values()) == [1]
    assert list(wrong.values()) == [0]
