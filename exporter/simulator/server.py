"""All simulated clouds on one port, told apart by path."""

from collections.abc import Iterable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from random import Random
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.clock import Clock
from exporter.errors import ExporterError
from exporter.simulator import iam, metadata
from exporter.simulator.control import PREFIX as CONTROL_PREFIX
from exporter.simulator.control import Control
from exporter.simulator.dms import DmsApi
from exporter.simulator.fdi import FdiApi
from exporter.simulator.gateway import Gateway
from exporter.simulator.iam import Iam
from exporter.simulator.journal import DROPPED, LONGEST, Entry, Journal
from exporter.simulator.keyring import Keyring
from exporter.simulator.metadata import Metadata
from exporter.simulator.ocp import OcpApi
from exporter.simulator.oddities.oddity import Oddity
from exporter.simulator.play import Play
from exporter.simulator.projects import Projects
from exporter.simulator.scenarios import SCENARIOS, Scenario
from exporter.simulator.throttle import Throttle
from exporter.simulator.truth import Truth
from exporter.simulator.wire import authenticated
from exporter.simulator.world.world import Size, World

MAX_HEADER = 131_072
"""Characters of the longest header line that is read: tokens are long."""
LOGINS = frozenset({("POST", iam.PATH), ("PUT", metadata.TOKEN_PATH)})
"""What changes nothing in the clouds though it is no GET."""


class Simulator:
    """
    IAM, metadata, ROMA Connect FDI, DMS and OCP on one port, and the control API under `/control/`.

    Equal seeds and starts give equal histories. All time comes from `clock`; the world begins at
    `start` (epoch seconds, by default now).
    """

    def __init__(
        self,
        clock: Clock,
        *,
        scenario: str = "healthy",
        seed: int = 1,
        start: float | None = None,
        size: Size | None = None,
    ) -> None:
        """Set the world up; raise `KeyError` for a scenario that does not exist."""
        self._clock = clock
        start = clock.time() if start is None else start
        self._truth = Truth(start)
        # Not for secrets: a seed makes histories repeatable.
        self._world = World(Random(seed), start, self._truth.settle, size)  # noqa: S311 - see above
        self._play = Play(clock, SCENARIOS[scenario])
        self.journal = Journal()
        self._breakdowns = 0
        self._runner: web.AppRunner | None = None
        play, keyring = self._play, Keyring()
        self._iam = Iam(play, seed)
        self._gateway = Gateway(play, self._iam, keyring)
        self._metadata = Metadata(play, keyring)
        self._projects = Projects(self._gateway)
        self._fdi = FdiApi(self._world.fdi, self._gateway, play, self._truth)
        self._dms = DmsApi(self._world.dms, self._gateway, play, self._truth)
        self._ocp = OcpApi(self._world.ocp, play, self._truth)
        self._throttle = Throttle(play, self._gateway, self._ocp)
        self.play(self._play.scenario)

    @property
    def scenario(self) -> Scenario:
        """Return what is being played."""
        return self._play.scenario

    @property
    def oddities(self) -> frozenset[Oddity]:
        """Return how answers differ from the plain documents now."""
        return self._play.oddities

    def application(self) -> web.Application:
        """Return a new application that serves everything."""
        application = web.Application(middlewares=[self._front])
        logins = (self._iam, self._projects, self._metadata)
        for part in (*logins, self._fdi, self._dms, self._ocp, Control(self)):
            application.add_routes(part.routes())
        return application

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, on a free port if `port` is 0, and return the base URL."""
        runner = web.AppRunner(
            self.application(),
            access_log=None,
            max_field_size=MAX_HEADER,
            max_line_size=MAX_HEADER,
            shutdown_timeout=1.0,
        )
        await runner.setup()
        self._runner = runner
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await self.stop()
            msg = f"the simulator cannot listen on {host} port {port}: {error.strerror}"
            raise ExporterError(msg) from error
        chosen = runner.addresses[0][1]
        return f"http://[{host}]:{chosen}" if ":" in host else f"http://{host}:{chosen}"

    async def stop(self) -> None:
        """Close all connections; nothing happens when it is not listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def play(self, scenario: Scenario) -> None:
        """Play `scenario`, with its oddities, from now on."""
        self._play.change(scenario)
        self._world.play(scenario, self._clock.time())

    def be_odd(self, oddities: Iterable[Oddity]) -> None:
        """Answer with these oddities, and no others, until another scenario is played."""
        self._play.oddities = frozenset(oddities)

    def freeze(self, *, frozen: bool) -> None:
        """Stop the world's time, or let it go on from where it stands."""
        now = self._clock.time()
        if frozen:
            self._world.freeze(now)
        else:
            self._world.thaw(now)

    def world_document(self) -> Mapping[str, Any]:
        """Return the state of the world; times are epoch seconds."""
        now = self._clock.time()
        self._world.advance(now)
        return {
            "clock": now,
            "now": self._world.now,
            "frozen": self._world.frozen,
            "scenario": self.scenario.name,
        }

    def truth_document(self) -> Mapping[str, Any]:
        """Return what happened and what was shown."""
        world = self.world_document()
        return {"world": world, **self._truth.document()}

    @web.middleware
    async def _front(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._world.advance(self._clock.time())
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        authenticated.set(False)
        response = await self._answer(request, handler)
        # aiohttp would write the machine's own time, and clients compare it with their clock.
        response.headers["Date"] = formatdate(self._play.time(), usegmt=True)
        self._note(request, response)
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._play.is_answering():
            return self._break_down(request)
        refusal = self._throttle.refusal(request)
        if refusal is not None:
            return refusal
        if request.method != "GET" and (request.method, request.path) not in LOGINS:
            self._truth.writes += 1
            return self._refuse(request, HTTPStatus.METHOD_NOT_ALLOWED)
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return self._refuse(request, HTTPStatus.NOT_FOUND)
        except web.HTTPMethodNotAllowed:
            return self._refuse(request, HTTPStatus.METHOD_NOT_ALLOWED)

    def _break_down(self, request: web.Request) -> web.Response:
        """
        Answer as a broken cloud: two requests with a proxy's page, the next two not at all.

        Two, because clients repeat a GET in silence when a connection that they kept is gone.
        """
        self._breakdowns += 1
        if self._breakdowns % 4 in {3, 0} and request.transport is not None:
            request.transport.abort()
        return web.Response(
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            text="<html><h1>503 Service Temporarily Unavailable</h1></html>",
            content_type="text/html",
        )

    def _refuse(self, request: web.Request, status: HTTPStatus) -> web.Response:
        """Refuse a path or method in the way of the system that the path belongs to."""
        missing = status is HTTPStatus.NOT_FOUND
        if request.path.startswith("/api/"):
            if missing:
                msg = f"Could not find the {request.method} method for URL."
                return self._ocp.refuse(HTTPStatus.BAD_REQUEST, 0, msg)
            return self._ocp.refuse(status, 0, "Request method not supported.")
        if request.path.startswith("/v2/"):
            if missing:
                msg = "The API does not exist or has not been published in the environment."
                return self._gateway.refuse(status, "APIGW.0101", msg)
            return self._gateway.refuse(status, "DMS.00405001", "The method is not allowed.")
        return iam.error(status, status.phrase)

    def _note(self, request: web.Request, response: web.StreamResponse) -> None:
        dropped = request.transport is None or request.transport.is_closing()
        resource = request.match_info.route.resource
        entry = Entry(
            at=self._clock.time(),
            method=request.method,
            path=request.path[:LONGEST],
            query=request.query_string[:LONGEST],
            status=DROPPED if dropped else response.status,
            authenticated=authenticated.get(),
        )
        self.journal.note(entry, "(none)" if resource is None else resource.canonical)
