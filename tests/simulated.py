"""A simulator on a real socket under a held clock, and a caller who knows the ways in."""

import asyncio
import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import aiohttp
from yarl import URL

from exporter.clock import ScaledClock
from exporter.simulator import accounts
from exporter.simulator.oddities.oddity import Oddity
from exporter.simulator.server import Simulator
from exporter.simulator.world.world import Size

START = 1_773_482_400.0  # 2026-03-14T10:00:00Z
FDI = f"/v2/{accounts.PROJECT_ID}/fdi/instances/{accounts.FDI_INSTANCE}"
KAFKA = f"/v2/{accounts.PROJECT_ID}/instances/{accounts.DMS_INSTANCES['kafka']}"
OCP = "/api/v2/tasks/instances"
MONITORS = f"{FDI}/task-monitors?limit=999&offset=1"
TASKS = f"{KAFKA}/tasks?limit=100&start=1"
INSTANCES = f"{OCP}?size=2000"
LIVELY = Size(fdi_tasks=15, dms_mean_gap=30.0, ocp_load=2.0, history=1800.0)

Key = tuple[str, str, str]
"""System, task type and outcome."""


class HeldClock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: float = START) -> None:
        """Stand at `now` (epoch seconds)."""
        self.now = now

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return self.now

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return self.now - START

    async def sleep(self, seconds: float) -> None:
        """Move on at once, by no less than epoch seconds can show: who waits must get there."""
        self.now += max(seconds, 0.001)
        await asyncio.sleep(0)


class RestingClock(HeldClock):
    """
    A held clock that can be let run, `speed` times as fast as the machine's.

    What is polled while it rests takes next to no time of it, however slow the machine is.
    """

    def __init__(self, speed: float) -> None:
        """Rest at the start."""
        super().__init__()
        self._speed = speed
        self._running: ScaledClock | None = None

    def run(self) -> None:
        """Go on from where it rests."""
        self._running = ScaledClock(self._speed, start=self.now)

    def rest(self) -> None:
        """Stand where it has come to."""
        self.now, self._running = self.time(), None

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return super().time() if self._running is None else self._running.time()

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return self.time() - START

    async def sleep(self, seconds: float) -> None:
        """Wait while it runs; move on at once while it rests."""
        if self._running is None:
            await super().sleep(seconds)
        else:
            await self._running.sleep(seconds)


@dataclass(frozen=True)
class Reply:
    """An answer that was read to its end."""

    status: int
    headers: Mapping[str, str]
    text: str
    body: Any


class Caller:
    """Calls the simulator as a client would."""

    def __init__(self, session: aiohttp.ClientSession, base: str, clock: HeldClock) -> None:
        """Call `base` with `session`."""
        self.session = session
        self.base = base
        self.clock = clock

    async def send(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Reply:
        """Send a request whose target (path and query) stands on the wire as given."""
        url = URL(self.base + target, encoded=True)
        async with self.session.request(method, url, headers=headers, **more) as response:
            text = await response.text()
            body = await response.json() if response.content_type == "application/json" else None
            return Reply(response.status, response.headers, text, body)

    async def login(self, password: str = accounts.PASSWORD, **scope: str) -> Reply:
        """Ask IAM for a token of a project."""
        user = {
            "name": accounts.USERNAME,
            "password": password,
            "domain": {"name": accounts.DOMAIN},
        }
        auth = {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": scope or {"name": accounts.PROJECT_NAME}},
        }
        return await self.send("POST", "/v3/auth/tokens?nocatalog=true", json={"auth": auth})

    async def token(self) -> dict[str, str]:
        """Return the headers that a new token makes."""
        return {"X-Auth-Token": (await self.login()).headers["X-Subject-Token"]}

    async def huawei(self, target: str) -> Reply:
        """Get something of FDI or DMS, signed."""
        return await self.send("GET", target, self.sdk_signature(target))

    async def ocp(self, target: str) -> Reply:
        """Get something of OCP with HTTP Basic."""
        return await self.send("GET", target, basic())

    async def get(self, target: str) -> Any:
        """Return what the control API says."""
        return (await self.send("GET", target)).body

    async def play(self, name: str) -> None:
        """Play a scenario."""
        assert (await self.send("POST", "/control/scenario", json={"name": name})).status == 200

    def sdk_signature(
        self,
        target: str,
        *,
        access_key: str = accounts.ACCESS_KEY,
        secret_key: str = accounts.SECRET_KEY,
        security_token: str = "",
        age: float = 0.0,
    ) -> dict[str, str]:
        """Sign a GET whose query is sorted and needs no encoding, and the token if there is one."""
        path, _, query = target.partition("?")
        stamp = datetime.fromtimestamp(self.clock.now - age, UTC).strftime("%Y%m%dT%H%M%SZ")
        empty = hashlib.sha256(b"").hexdigest()
        token = {"x-security-token": security_token} if security_token else {}
        signed = {"x-sdk-date": stamp, **token}
        headers = "".join(f"{name}:{value}\n" for name, value in signed.items())
        names = ";".join(signed)
        canonical = f"GET\n{path}/\n{query}\n{headers}\n{names}\n{empty}"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"SDK-HMAC-SHA256\n{stamp}\n{digest}".encode()
        signature = hmac.new(secret_key.encode(), text, hashlib.sha256).hexdigest()
        scheme = f"SDK-HMAC-SHA256 Access={access_key}, SignedHeaders={names}"
        return {**signed, "Authorization": f"{scheme}, Signature={signature}"}

    def ocp_signature(self, target: str, *, age: float = 0.0) -> dict[str, str]:
        """Sign a GET whose query is sorted and encoded."""
        date = formatdate(self.clock.now - age, usegmt=True)
        host = self.base.removeprefix("http://")
        text = f"GET\n\napplication/json\n{date}\n{host}\n\n{target}".encode()
        digest = hmac.new(accounts.OCP_SECRET_KEY.encode(), text, hashlib.sha1).digest()
        signature = base64.b64encode(digest).decode()
        return {
            "Content-Type": "application/json",
            "Date": date,
            "Authorization": f"OCP-ACCESS-KEY-HMACSHA1 {accounts.OCP_ACCESS_KEY}:{signature}",
        }


def tally(rows: list[dict[str, Any]]) -> Counter[Key]:
    """Return the truth's rows of the targets of the demo, by system, type and outcome."""
    asked = {accounts.FDI_TARGET, accounts.dms_target("kafka"), accounts.OCP_TARGET}
    return Counter(
        {
            (row["system"], row["task_type"], row["outcome"]): row["count"]
            for row in rows
            if row["target"] in asked
        }
    )


def basic(user: str = accounts.OCP_USERNAME, password: str = accounts.OCP_PASSWORD) -> Any:
    """Return the headers of HTTP Basic."""
    text = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {text}"}


@asynccontextmanager
async def simulated(
    *,
    scenario: str = "healthy",
    size: Size | None = None,
    oddities: Iterable[Oddity] = (),
) -> AsyncIterator[Caller]:
    """Run a simulator on 127.0.0.1 and yield a caller of it."""
    clock = HeldClock()
    simulator = Simulator(clock, scenario=scenario, size=size)
    simulator.be_odd(simulator.oddities | set(oddities))
    base = await simulator.start()
    try:
        async with aiohttp.ClientSession(max_line_size=131_072, max_field_size=131_072) as session:
            yield Caller(session, base, clock)
    finally:
        await simulator.stop()
