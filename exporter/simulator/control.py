"""
The control API, by which tests and people steer the simulator and learn the truth.

It asks for no credentials: the simulator belongs on a loopback address.
"""

from collections.abc import Mapping
from http import HTTPStatus
from json import JSONDecodeError
from typing import Any, Protocol

from aiohttp import web

from exporter.simulator.journal import KEPT, Journal
from exporter.simulator.query import whole_number
from exporter.simulator.scenarios import SCENARIOS, Scenario

PREFIX = "/control"
HELP = """\
The simulated clouds. All answers are JSON.

GET  /control/scenario                        what is being played, and what there is
POST /control/scenario {"name": "stuck"}      play another scenario from now on
GET  /control/world                           the world's time, and whether it stands still
POST /control/world {"frozen": true}          stop the world's time; false lets it go on
GET  /control/truth                           runs settled, and runs shown, since the start
GET  /control/log?path=/tasks&limit=20        the latest requests, and counts of all

Scenarios:
"""


class Steered(Protocol):
    """What is controlled."""

    scenario: Scenario
    journal: Journal

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
            web.get(f"{PREFIX}/world", self._get_world),
            web.post(f"{PREFIX}/world", self._set_world),
            web.get(f"{PREFIX}/truth", self._truth),
            web.get(f"{PREFIX}/log", self._log),
        ]

    async def _help(self, _: web.Request) -> web.Response:
        lines = [f"  {scenario.name:10} {scenario.summary}" for scenario in SCENARIOS.values()]
        return web.Response(text=HELP + "\n".join(lines) + "\n")

    async def _get_scenario(self, _: web.Request) -> web.Response:
        scenarios = {scenario.name: scenario.summary for scenario in SCENARIOS.values()}
        return web.json_response({"name": self._steered.scenario.name, "scenarios": scenarios})

    async def _set_scenario(self, request: web.Request) -> web.Response:
        name = await _field(request, "name")
        if not isinstance(name, str) or name not in SCENARIOS:
            return _bad_request(f'give {{"name": …}}, one of: {", ".join(SCENARIOS)}')
        self._steered.play(SCENARIOS[name])
        return await self._get_scenario(request)

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


async def _field(request: web.Request, name: str) -> object:
    try:
        document = await request.json()
    except (JSONDecodeError, UnicodeDecodeError, RecursionError):
        return None
    return document.get(name) if isinstance(document, dict) else None


def _bad_request(message: str) -> web.Response:
    return web.json_response({"error": message}, status=HTTPStatus.BAD_REQUEST)
