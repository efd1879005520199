"""The web server, asked over real sockets."""

import asyncio
import gzip
import hashlib
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text
from structlog.testing import capture_logs
from tools import needs

from exporter.errors import ConfigError
from exporter.exposition.family import Family, Kind, MetricType
from exporter.exposition.page import Page
from exporter.exposition.shard import prefix, render_samples
from exporter.runtime import listener, web
from exporter.runtime.listener import Listener, serve
from exporter.runtime.negotiation import OPENMETRICS, TEXT
from exporter.runtime.status import CollectorStatus, Status

TASKS = Family(name="tasks", help="Tasks.", kind=Kind.COUNT, labels=("name",))
RUNS = Family(name="runs_total", help="Runs.", kind=Kind.COUNT, type=MetricType.COUNTER)
HOSTILE = 'a "b" \\ \n \ud800 <script>'

Start = Callable[..., Awaitable[str]]


class FakeView:
    """A view whose parts a test can set."""

    def __init__(self, rows: int = 3) -> None:
        """Show `rows` tasks with long names that do not compress."""
        names = [HOSTILE, *(hashlib.sha512(b"%d" % n).hexdigest() for n in range(1, rows))]
        tasks = render_samples(TASKS, prefix("roma", {}), [((name,), 1) for name in names])
        runs = render_samples(RUNS, prefix("roma", {}), [((), 5)])
        shards = {"tasks": tasks, "runs_total": runs}
        self.shown = Page((TASKS, RUNS)).replace(("roma", "task_monitors"), shards)
        self.registry = CollectorRegistry()
        Counter("own_polls", "Polls.", registry=self.registry).inc()
        self.is_ready = True
        self.bug: Exception | None = None
        self.collectors: tuple[CollectorStatus, ...] = ()

    def page(self) -> Page:
        """Return the page, or fail as a bug would."""
        if self.bug is not None:
            raise self.bug
        return self.shown

    def tail(self, *, openmetrics: bool) -> bytes:
        """Return metrics as the library renders them."""
        if openmetrics:
            text = generate_openmetrics(self.registry)  # type: ignore[no-untyped-call] # theirs
            return bytes(text)
        return generate_latest(self.registry)

    def status(self) -> Status:
        """Return a status with the collectors of the test."""
        return Status(
            version="1.2.3",
            now=1_000_000.0,
            started=0.0,
            ready=self.is_ready,
            collectors=self.collectors,
        )

    def ready(self) -> bool:
        """Return what the test says."""
        return self.is_ready


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start servers that end with the test; each call returns an address as `host:port`."""
    running: list[Listener] = []

    async def run(view: FakeView, **options: object) -> str:
        app = web.application(view, **options)  # type: ignore[arg-type] # as the test says
        server = await serve(app, ["127.0.0.1:0"])
        running.append(server)
        return f"127.0.0.1:{server.ports[0]}"

    yield run
    for server in running:
        await server.stop()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """Return a client that shows bodies as they were sent."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


async def exchange(address: str, request: bytes) -> bytes:
    """Send bytes, and return all that comes back until the server closes."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


async def output(*command: str, feed: bytes = b"") -> tuple[int | None, bytes]:
    """Run a tool, and return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=-1, stdout=-1, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate(feed)
    return process.returncode, said


async def test_both_formats_have_the_same_samples(
    start: Start, client: aiohttp.ClientSession
) -> None:
    """Each reference parser takes its format, and OpenMetrics ends with one EOF."""
    address = await start(FakeView())
    read = []
    for content_type in (TEXT, OPENMETRICS):
        headers = {"Accept": content_type, "Accept-Encoding": "identity"}
        async with client.get(f"http://{address}/metrics", headers=headers) as response:
            text = (await response.read()).decode()
            assert response.headers["Content-Type"] == content_type
            assert response.content_length == len(text.encode())
        if content_type == OPENMETRICS:
            families = parse_openmetrics(text)  # type: ignore[no-untyped-call] # theirs
            assert text.endswith("\n# EOF\n")
            assert text.count("# EOF") == 1
        else:
            families = parse_text(text)
        samples = [sample for family in families for sample in family.samples]
        read.append({(s.name, str(s.labels), float(s.value)) for s in samples})

    assert {s for s in read[0] if "_created" not in s[0]} == {
        s for s in read[1] if "_created" not in s[0]
    }
    assert len(read[0]) >= 5


@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text"])
async def test_gzip_is_the_same_text(
    start: Start, client: aiohttp.ClientSession, accept: str
) -> None:
    """The compressed answer is the plain one, and says how long it is."""
    url = f"http://{await start(FakeView(rows=600))}/metrics"
    async with client.get(url, headers={"Accept": accept, "Accept-Encoding": "gzip"}) as response:
        packed = await response.read()
    async with client.get(
        url, headers={"Accept": accept, "Accept-Encoding": "gzip;q=0"}
    ) as response:
        plain = await response.read()
        assert "Content-Encoding" not in response.headers

    assert gzip.decompress(packed) == plain


@needs("curl")
async def test_curl_reads_the_compressed_page_to_its_end(start: Start) -> None:
    """The answer is one gzip member: curl stops after the first."""
    url = f"http://{await start(FakeView(rows=600))}/metrics"

    code, packed = await output("curl", "-sS", "--noproxy", "*", "--compressed", url)
    _, plain = await output("curl", "-sS", "--noproxy", "*", url)

    assert code == 0
    assert packed == plain
    assert packed.count(b"\n") > 600


@needs("promtool")
async def test_promtool_finds_nothing(start: Start, client: aiohttp.ClientSession) -> None:
    """Prometheus's own linter has nothing to say about a scrape."""
    headers = {"Accept-Encoding": "identity"}
    async with client.get(f"http://{await start(FakeView())}/metrics", headers=headers) as response:
        text = await response.read()

    assert await output("promtool", "check", "metrics", feed=text) == (0, b"")


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_head_has_the_headers_of_get(
    start: Start, client: aiohttp.ClientSession, encoding: str
) -> None:
    """A HEAD is answered like a GET, without the body."""
    url, headers = f"http://{await start(FakeView())}/metrics", {"Accept-Encoding": encoding}
    async with client.get(url, headers=headers) as get, client.head(url, headers=headers) as head:
        assert await head.read() == b""
        assert head.status == 200
        assert {**get.headers, "Date": ""} == {**head.headers, "Date": ""}


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/-/healthy", 200, "Healthy.\n"),
        ("GET", "/-/ready", 200, "Ready.\n"),
        ("POST", "/metrics", 405, "Method Not Allowed.\n"),
        ("DELETE", "/", 405, "Method Not Allowed.\n"),
        ("GET", "/metrics/", 404, "Not Found.\n"),
        ("GET", "/-/reload", 405, "Method Not Allowed.\n"),
        (
            "POST",
            "/-/reload",
            403,
            "Not enabled: send SIGHUP instead, or set web.enable_reload to true.\n",
        ),
        ("GET", "/..%2f..%2fetc/passwd", 404, "Not Found.\n"),
        ("GET", "/%ff%00", 404, "Not Found.\n"),
    ],
)
async def test_paths_and_methods(
    start: Start, client: aiohttp.ClientSession, method: str, path: str, status: int, body: str
) -> None:
    """What there is answers; what there is not says so in a line of text."""
    async with client.request(method, f"http://{await start(FakeView())}{path}") as response:
        assert (response.status, await response.text()) == (status, body)
        assert response.content_type == "text/plain"
        assert ("Allow" in response.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/ready", "/api/v1/status", "/nothing"])
async def test_every_answer_is_guarded(
    start: Start, client: aiohttp.ClientSession, path: str
) -> None:
    """No version of any library, no sniffing, no scripts, nothing kept."""
    async with client.get(f"http://{await start(FakeView())}{path}") as response:
        headers = response.headers

        assert headers["Server"] == "cloud-task-exporter"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"].startswith(
            "default-src 'none'; style-src 'sha256"
        )


async def test_not_ready_says_what_is_missing(start: Start, client: aiohttp.ClientSession) -> None:
    """Until every collector was polled once, readiness is 503 with a line that counts them."""
    view = FakeView()
    view.is_ready = False
    view.collectors = (
        CollectorStatus(target="a", system="fdi", collector="statistics", interval=30, up=False),
        CollectorStatus(target="a", system="fdi", collector="task_monitors", interval=60),
    )
    async with client.get(f"http://{await start(view)}/-/ready") as response:
        assert response.status == 503
        assert await response.text() == "Not ready: 1 of 2 collectors not polled yet.\n"


async def test_status_is_json_whatever_names_contain(
    start: Start, client: aiohttp.ClientSession
) -> None:
    """A lone surrogate in a name does not break the document."""
    view = FakeView()
    view.collectors = (
        CollectorStatus(target=HOSTILE, system="fdi", collector="statistics", interval=30),
    )
    async with client.get(f"http://{await start(view)}/api/v1/status") as response:
        status = json.loads(await response.read())
        assert response.content_type == "application/json"

    assert status["version"] == "1.2.3"
    assert status["collectors"][0]["target"] == HOSTILE
    assert status["collectors"][0]["up"] is None


async def test_people_get_a_page(start: Start, client: aiohttp.ClientSession) -> None:
    """The landing page links to where the metrics really are."""
    address = await start(FakeView(), telemetry_path="/m")
    async with client.get(f"http://{address}/") as response:
        text = await response.text()

        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert '<a href="/m">' in text
    async with client.get(f"http://{address}/m") as response:
        assert response.status == 200
    async with client.get(f"http://{address}/metrics") as response:
        assert response.status == 404


async def test_metrics_can_take_the_place_of_the_page(
    start: Start, client: aiohttp.ClientSession
) -> None:
    """With the telemetry path / there is no landing page."""
    async with client.get(f"http://{await start(FakeView(), telemetry_path='/')}/") as response:
        assert response.headers["Content-Type"] == TEXT


@pytest.mark.parametrize(
    "path", ["", "metrics", "/-/ready", "/api/v1/status", "/{x}", "/m?x", "/m m", "/m#x"]
)
def test_a_telemetry_path_that_cannot_be_served_is_refused(path: str) -> None:
    """It must be a plain path that is not in use."""
    with pytest.raises(ConfigError, match="telemetry_path"):
        web.application(FakeView(), telemetry_path=path)


async def test_a_bug_is_logged_and_not_shown(start: Start, client: aiohttp.ClientSession) -> None:
    """The answer to a failing handler tells nothing of it, and the server goes on."""
    view = FakeView()
    address = await start(view)
    view.bug = RuntimeError("token=canary")
    with capture_logs() as logs:
        async with client.get(f"http://{address}/metrics") as response:
            assert (response.status, await response.text()) == (
                500,
                "Internal error; see the log.\n",
            )
    view.bug = None

    assert [entry["event"] for entry in logs] == ["web.bug"]
    assert "canary" not in str(logs)
    async with client.get(f"http://{address}/metrics") as response:
        assert response.status == 200


async def test_reload_is_a_post(start: Start, client: aiohttp.ClientSession) -> None:
    """Only POST reloads; a bad file is answered with all its mistakes."""
    mistakes: list[str] = []

    async def reload() -> None:
        if mistakes:
            raise ConfigError(mistakes)

    url = f"http://{await start(FakeView(), reload=reload)}/-/reload"
    async with client.get(url) as response:
        assert response.status == 405
    async with client.post(url) as response:
        assert (response.status, await response.text()) == (200, "Reloaded.\n")
    mistakes += ["line 3: one", "line 4: two"]
    async with client.post(url) as response:
        assert response.status == 500
        assert await response.text() == (
            "Not reloaded, nothing was changed:\nline 3: one\nline 4: two\n"
        )


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/9.9\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 1000 + b"\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /../../etc/passwd HTTP/1.0\r\n\r\n", b"404"),
        (b"GET http://[ HTTP/1.0\r\n\r\n", b"400"),
        (
            (
                b"GET /metrics HTTP/1.0\r\nAccept: ;q=\xff,,/;;;q=9\r\n"
                b"Accept-Encoding: gzip;q=x\r\n\r\n"
            ),
            b"200",
        ),
    ],
)
async def test_broken_requests_are_answered_in_a_line(
    start: Start, caplog: pytest.LogCaptureFixture, request_bytes: bytes, status: bytes
) -> None:
    """No traceback, neither sent nor logged, nothing of what was sent, and no version."""
    with caplog.at_level(logging.DEBUG):
        answer = await exchange(await start(FakeView()), request_bytes)

    assert answer.split(b" ")[1] == status
    assert b"aiohttp" not in answer
    assert b"Server: cloud-task-exporter\r\n" in answer
    assert [entry for entry in caplog.records if entry.name.startswith("aiohttp")] == []
    if status == b"400":
        assert answer.endswith(b"\r\n\r\nBad Request.\n")


async def test_pipelined_requests_are_answered_in_order(start: Start) -> None:
    """Two requests in one packet have two answers."""
    answer = await exchange(
        await start(FakeView()),
        b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
        b"GET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )

    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.index(b"Healthy.") < answer.index(b"Ready.")


async def hang(
    address: str, path: str = "/metrics"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Ask for a page and take only its first bytes; the kernel takes little more."""
    host, _, port = address.rpartition(":")
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)  # noqa: FBT003 - there is no keyword
    await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await reader.readexactly(10)
    return reader, writer


async def missing(reader: asyncio.StreamReader) -> int:
    """Read to the end, and return how much of the body did not come."""
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return int(length) - len(body)


async def scraped(client: aiohttp.ClientSession, address: str) -> None:
    """Scrape until there is room for it."""
    status = 503
    async with asyncio.timeout(10):
        while status == 503:
            async with client.get(f"http://{address}/metrics") as response:
                status = response.status
                await response.read()
    assert status == 200


async def test_a_hung_client_is_hung_up_on(
    start: Start, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not take the answer in time loses the connection, and its place."""
    monkeypatch.setattr(web, "MAX_SCRAPES", 1)
    address = await start(FakeView(rows=60_000), timeout=1.0)
    reader, writer = await hang(address)

    await scraped(client, address)

    assert await missing(reader) > 0
    writer.close()


async def test_scrapes_at_once_are_bounded(
    start: Start, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One too many gets a 503, until another ends, even by leaving; others pages are served."""
    monkeypatch.setattr(web, "MAX_SCRAPES", 1)
    address = await start(FakeView(rows=60_000))
    _, writer = await hang(address)
    async with client.get(f"http://{address}/metrics") as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "1"
    async with client.get(f"http://{address}/-/healthy") as response:
        assert response.status == 200

    writer.transport.abort()

    await scraped(client, address)


async def test_connections_are_bounded(
    start: Start, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Idle connections cannot take all file descriptors from the polls."""
    monkeypatch.setattr(listener, "MAX_CONNECTIONS", 1)
    address = await start(FakeView())
    _, writer = await hang(address, "/-/healthy")

    with pytest.raises(aiohttp.ClientError):
        await client.get(f"http://{address}/-/healthy")
    writer.close()


async def test_the_server_stops_with_hung_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that takes nothing cannot hold the process."""
    monkeypatch.setattr(listener, "GRACE", 0.1)
    server = await serve(web.application(FakeView(rows=60_000)), ["127.0.0.1:0"])
    address = f"127.0.0.1:{server.ports[0]}"
    hung = [await hang(address) for _ in range(3)]

    async with asyncio.timeout(5):
        await server.stop()

    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("127.0.0.1", server.ports[0])
    for reader, writer in hung:
        assert await missing(reader) > 0
        writer.close()


async def test_an_answer_under_way_is_finished_when_the_server_stops() -> None:
    """A scrape that is being read is not cut."""
    server = await serve(web.application(FakeView(rows=60_000)), ["127.0.0.1:0"])
    reader, writer = await hang(f"127.0.0.1:{server.ports[0]}")

    stopping = asyncio.create_task(server.stop())
    assert await missing(reader) == 0
    await stopping
    writer.close()


@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(1, 30))
def test_slices_are_the_same_bytes(pieces: list[bytes], size: int) -> None:
    """Nothing is lost, empty or longer than allowed."""
    parts = list(web.slices(pieces, size))

    assert b"".join(parts) == b"".join(pieces)
    assert all(0 < len(part) <= size for part in parts)
