"""Flow control: refusals for the rate of requests, in every form that is known."""

from collections.abc import Iterator, Mapping
from email.utils import formatdate
from http import HTTPStatus
from itertools import cycle
from typing import NamedTuple

from aiohttp import web

from exporter.simulator.gateway import Gateway
from exporter.simulator.ocp import OcpApi
from exporter.simulator.play import Play

SHORT, LONG = 2, 20
"""Seconds to wait that are asked for."""
GATEWAY_TEXT = "The throttling threshold has been reached: policy user over ratelimit,limit:100"


class Form(NamedTuple):
    """How a request is refused; `wait` is in seconds."""

    status: HTTPStatus
    code: str
    message: str
    header: str = ""
    """The header that tells the seconds to wait; `date` has them as a date in Retry-After."""
    wait: int = SHORT


_THROTTLED = HTTPStatus.TOO_MANY_REQUESTS
_BY_HEADER = Form(_THROTTLED, "APIGW.0308", GATEWAY_TEXT, "Retry-After")
_BY_MESSAGE = Form(_THROTTLED, "APIGW.0308", f"{GATEWAY_TEXT},time:{SHORT} second")
_FOR_LONG = Form(_THROTTLED, "APIGW.0308", GATEWAY_TEXT, "Retry-After", LONG)
_FLOW_CONTROL = Form(HTTPStatus.NOT_FOUND, "DMS.10240407", "The request is under flow control.")
_BY_RESET = Form(_THROTTLED, "", "Too many requests.", "RateLimit-Reset")
_BY_DATE = Form(_THROTTLED, "", "Too many requests.", "date")
_RESET_LONG = Form(_THROTTLED, "", "Too many requests.", "RateLimit-Reset", LONG)

FORMS: Mapping[str, tuple[Form, ...]] = {
    "fdi": (_BY_HEADER, _BY_MESSAGE, _BY_HEADER, _BY_MESSAGE, _FOR_LONG),
    "dms": (_BY_MESSAGE, _FLOW_CONTROL, _BY_HEADER),
    "ocp": (*(_BY_RESET, _BY_DATE) * 8, _RESET_LONG),
}
"""What each system does by turns; polls that take many requests must succeed now and then."""


class Throttle:
    """Refuses as many requests of each system as the scenario says, evenly spread."""

    def __init__(self, play: Play, gateway: Gateway, ocp: OcpApi) -> None:
        """Let `gateway` and `ocp` write the errors of their systems."""
        self._play = play
        self._gateway = gateway
        self._ocp = ocp
        self._debts = dict.fromkeys(FORMS, 0.0)
        self._forms: Mapping[str, Iterator[Form]] = {s: cycle(forms) for s, forms in FORMS.items()}

    def refusal(self, request: web.Request) -> web.Response | None:
        """Return the refusal of a request; None if it may pass."""
        system = _system(request.path)
        if system is None:
            return None
        self._debts[system] += self._play.scenario.throttled_share
        if self._debts[system] < 1.0:
            return None
        self._debts[system] -= 1.0
        form = next(self._forms[system])
        response = self._document(form) if system == "ocp" else self._plain(form)
        if form.header == "date":
            until = self._play.time() + form.wait
            response.headers["Retry-After"] = formatdate(until, usegmt=True)
        elif form.header:
            response.headers[form.header] = str(form.wait)
        return response

    def _plain(self, form: Form) -> web.Response:
        return self._gateway.refuse(form.status, form.code, form.message)

    def _document(self, form: Form) -> web.Response:
        response = self._ocp.refuse(form.status, 0, form.message)
        response.headers.update({"RateLimit-Limit": "100", "RateLimit-Remaining": "0"})
        return response


def _system(path: str) -> str | None:
    if path.startswith("/api/v2/tasks"):
        return "ocp"
    if path.startswith("/v2/"):
        return "fdi" if "/fdi/" in path else "dms"
    return None
