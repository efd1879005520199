"""
The metadata service of an ECS, which hands out the keys of the machine's agency.

Implements `PUT /meta-data/latest/api/token` and `GET /openstack/latest/securitykey`.
"""

from http import HTTPStatus
from itertools import cycle

from aiohttp import web

from exporter.simulator.iam import iam_time
from exporter.simulator.keyring import Keyring
from exporter.simulator.oddities.oddity import Oddity
from exporter.simulator.play import Play
from exporter.simulator.query import digits
from exporter.simulator.wire import authenticated

TOKEN_PATH = "/meta-data/latest/api/token"  # noqa: S105 - a path
KEYS_PATH = "/openstack/latest/securitykey"
LONGEST_TTL = 21_600
TOKENS_KEPT = 100


class Metadata:
    """Answers with keys whoever brings a token that it issued."""

    def __init__(self, play: Play, keyring: Keyring) -> None:
        """Hand out keys of `keyring`."""
        self._play = play
        self._keyring = keyring
        self._issued = 0
        self._tokens: dict[str, float] = {}
        self._no_tokens = cycle(
            (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.SERVICE_UNAVAILABLE)
        )

    def routes(self) -> list[web.RouteDef]:
        """Return what is served."""
        return [
            web.put(TOKEN_PATH, self._create_token),
            web.get(KEYS_PATH, self._security_key, allow_head=False),
        ]

    async def _create_token(self, request: web.Request) -> web.Response:
        if self._play.is_odd(Oddity.METADATA_WITHOUT_TOKEN):
            return web.Response(status=next(self._no_tokens))
        seconds = digits(request.headers.get("X-Metadata-Token-Ttl-Seconds", ""))
        if seconds is None or not 1 <= seconds <= LONGEST_TTL:
            text = "X-Metadata-Token-Ttl-Seconds must be from 1 to 21600."
            return web.Response(status=HTTPStatus.BAD_REQUEST, text=text)
        authenticated.set(True)
        self._issued += 1
        token = f"metadata-token-{self._issued:040}"
        self._tokens[token] = self._play.time() + seconds
        if len(self._tokens) > TOKENS_KEPT:
            del self._tokens[next(iter(self._tokens))]
        return web.Response(text=token)

    async def _security_key(self, request: web.Request) -> web.Response:
        if not self._may_read(request.headers.get("X-Metadata-Token", "")):
            text = "The metadata token is missing, unknown or has expired."
            return web.Response(status=HTTPStatus.UNAUTHORIZED, text=text)
        if self._play.is_odd(Oddity.METADATA_WITHOUT_AGENCY):
            text = "Please configure Cloud Service Agency first"
            return web.Response(status=HTTPStatus.UNAUTHORIZED, text=text)
        authenticated.set(True)
        access_key, key, expires = self._keyring.agency_keys(self._play.time())
        credential = {
            "access": access_key,
            "secret": key.secret_key,
            "securitytoken": key.security_token,
            "expires_at": iam_time(expires),
        }
        return web.json_response({"credential": credential})

    def _may_read(self, token: str) -> bool:
        without = self._play.is_odd(Oddity.METADATA_WITHOUT_TOKEN)
        return without or self._play.time() < self._tokens.get(token, 0.0)
