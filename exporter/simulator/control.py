"""
The control API, by which tests and people steer the simulator and learn the truth.

It asks for no credentials: the simulator belongs on a loopback address.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from json import JSONDecodeError
from typing import Any, Protocol

from aiohttp import web

from exporter.simulator.journal import KEPT, Journal
from exporter.simulator.oddities.oddity import ODDITIES, Oddity
from exporter.simulator.query import whole_number
from exporter.simulator.scenarios import SCENARIOS, Scenario

PREFIX = "/control"
HELP = """\
The simulated clouds. All answers are JSON.

GET  /control/scenario                        what is being played, and what there is
POST /control/scenario {"name": "stuck"}      play another scenario from now on
GET  /control/oddities                        how answers are odd, and how they can be
POST /control/oddities {"names": ["dms-nulls"]}  be odd in these ways only, until another scenario
GET  /control/world                           the world's time, and whether it stands still
POST /control/world {"frozen": true}          stop the world's time; false lets it go on
GET  /control/truth                           runs settled, and runs shown, since the start
GET  /control/log?path=/tasks&limit=20        the latest requests, and counts of all

Scenarios:
"""


class Steered(Protocol):
    """What is controlled."""

    journal: Journal

    @property
    def scenario(self) -> Scenario:
        """Return what is being played."""

    @property
    def oddities(self) -> frozenset[Oddity]:
        """Return how answers differ from the plain documents."""

    def be_odd(self, oddities: Iterable[Oddity]) -> None:
        """Answer with these oddities, and no others."""

    def play(self, scenario: Scenario) -> None:
        """Play `scenario` from now on."""

    def freeze(self, *, frozen: bool) -> None:
        """Stop the world's time, or let it go on."""

    def world_document(self) -> Mapping[str, Any]:
        """Return the state of the world."""

    def truth_document(self) -> Mapping[str, Any]:
        """Return what happened and what was shown."""


class Control:
    """Serves the control API."""

    def __init__(self, steered: Steered) -> None:
        """Control `steered`."""
        self._steered = steered

    def routes(self) -> list[web.RouteDef]:
        """Return what is served."""
        return [
            web.get(f"{PREFIX}/", self._help),
            web.get(f"{PREFIX}/scenario", self._get_scenario),
            web.post(f"{PREFIX}/scenario", self._set_scenario),
            web.get(f"{PREFIX}/oddities", self._get_oddities),
            web.post(f"{PREFIX}/oddities", self._set_oddities),
            web.get(f"{PREFIX}/world", self._get_world),
            web.post(f"{PREFIX}/world", self._set_world),
            web.get(f"{PREFIX}/truth", self._truth),
            web.get(f"{PREFIX}/log", self._log),
        ]

    async def _help(self, _: web.Request) -> web.Response:
        scenarios = [
            f"  {scenario.name:14} {scenario.summary}\n" for scenario in SCENARIOS.values()
        ]
        oddities = [f"  {oddity:26} {oddity.summary}\n" for oddity in ODDITIES.values()]
        return web.Response(text="".join((HELP, *scenarios, "\nOddities:\n", *oddities)))

    async def _get_scenario(self, _: web.Request) -> web.Response:
        scenarios = {scenario.name: scenario.summary for scenario in SCENARIOS.values()}
        return web.json_response({"name": self._steered.scenario.name, "scenarios": scenarios})

    async def _set_scenario(self, request: web.Request) -> web.Response:
        name = await _field(request, "name")
        if not isinstance(name, str) or name not in SCENARIOS:
            return _bad_request(f'give {{"name": …}}, one of: {", ".join(SCENARIOS)}')
        self._steered.play(SCENARIOS[name])
        return await self._get_scenario(request)

    async def _get_oddities(self, _: web.Request) -> web.Response:
        oddities = {name: oddity.summary for name, oddity in ODDITIES.items()}
        return web.json_response({"names": sorted(self._steered.oddities), "oddities": oddities})

    async def _set_oddities(self, request: web.Request) -> web.Response:
        names = await _field(request, "names")
        if not isinstance(names, list) or not all(_is_oddity(name) for name in names):
            return _bad_request(f'give {{"names": […]}}, any of: {", ".join(ODDITIES)}')
        self._steered.be_odd(ODDITIES[name] for name in names)
        return await self._get_oddities(request)

    async def _get_world(self, _: web.Request) -> web.Response:
        return web.json_response(self._steered.world_document())

    async def _set_world(self, request: web.Request) -> web.Response:
        frozen = await _field(request, "frozen")
        if not isinstance(frozen, bool):
            return _bad_request('give {"frozen": true} or {"frozen": false}')
        self._steered.freeze(frozen=frozen)
        return await self._get_world(request)

    async def _truth(self, _: web.Request) -> web.Response:
        return web.json_response(self._steered.truth_document())

    async def _log(self, request: web.Request) -> web.Response:
        limit = whole_number(request, "limit", KEPT)
        if limit is None:
            return _bad_request("limit must be a whole number")
        path = request.query.get("path", "")
        return web.json_response(self._steered.journal.document(path, limit))


def _is_oddity(name: object) -> bool:
    return isinstance(name, str) and name in ODDITIES


async def _field(request: web.Request, name: str) -> object:
    try:
        document = await request.json()
    except (JSONDecodeError, UnicodeDecodeError, RecursionError):
        return None
    return document.get(name) if isinstance(document, dict) else None


def _bad_request(message: str) -> web.Response:
    return web.json_response({"error": message}, status=HTTPStatus.BAD_REQUEST)
