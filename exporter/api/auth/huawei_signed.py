"""What the ways in have in common that sign with Huawei Cloud's access keys."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from exporter.api.answer import read
from exporter.api.auth import iam
from exporter.api.auth.flight import SingleFlight
from exporter.api.auth.huawei_signing import DATE, Keys, proof
from exporter.api.auth.login import Login
from exporter.api.auth.scheme import Scheme, Surroundings
from exporter.api.exchange import HEADERS, Request
from exporter.errors import Forbidden, NotFound, SourceError, Unauthorized


class HuaweiSigned(Scheme):
    """Signs every request anew; refused keys are held: Huawei locks a key after a few bad tries."""

    def __init__(self, options: iam.IamOptions, surroundings: Surroundings) -> None:
        """Sign nothing yet; ConfigError where the options of IAM make no sense."""
        super().__init__(options, surroundings)
        self._projects_url = iam.projects_url(options) if options.names_project else ""
        self._iam = options
        self._clock = surroundings.clock
        self._search = SingleFlight(self._look_up_project)

    @abstractmethod
    async def keys(self) -> Keys:
        """Return the keys as they are now; `Unauthorized` where there are none."""

    async def keys_instead(self, refused: Keys) -> Keys:
        """Return keys to take the place of refused ones; the same where there are no others."""
        return refused

    async def login(self, request: Request) -> Login:
        """Return the keys as they are now; Huawei locks them at all hosts."""
        keys = await self.keys()
        return Login(
            account=keys.access_key, secret=keys.text, place=request.host, asker=request.asker
        )

    async def authorize(self, request: Request) -> Mapping[str, str]:
        """Return the signature as of now."""
        now = datetime.fromtimestamp(self._clock.time(), UTC)
        return proof(request, await self.keys(), f"{now:%Y%m%dT%H%M%SZ}")

    async def renew(self, error: SourceError, request: Request) -> bool:  # noqa: ARG002 - a 401
        """Return whether the keys have changed since, or others could be had; hold them if not."""
        keys = await self.keys()
        if not _signed_with(request, keys) or await self.keys_instead(keys) != keys:
            return True
        self.surroundings.hold.begin(await self.login(request))
        return False

    async def project(self) -> str:
        """Return the id of the project, from IAM when it is asked for first."""
        if not self.project_id:
            self.project_id = await self._search.result()
        return self.project_id

    async def _look_up_project(self) -> str:
        """Ask IAM, signed like any other request."""
        name = self._iam.project_name
        if name is None or not self._projects_url:
            return await super().project()
        what = f"search for the project {name} at {urlsplit(self._projects_url).netloc}"
        request = Request(
            method="GET", url=self._projects_url, headers=HEADERS, asker=f"the project {name}"
        )
        found = iam.parse_project(await self._asked(request, what), name)
        if not found:
            msg = f"{what}: the keys may see none of that name; check project or give project_id"
            raise NotFound(msg)
        return found

    async def _asked(self, request: Request, what: str) -> Any:
        """Return the document; the client that waits for it is the one who retries."""
        async with self.trial(request) as taken:
            document = await self._answered(request, what)
            taken()
        return document

    async def _answered(self, request: Request, what: str) -> Any:
        signature = await self.authorize(request)
        sent = msgspec.structs.replace(request, headers={**HEADERS, **signature})
        within = self.surroundings.request_timeout
        answer = await self.ask(sent, what, self._iam.tls, within=within)
        try:
            hide = tuple(sent.headers.values())
            return read(answer, what, now=self._clock.time(), hide=hide)
        except Unauthorized as error:
            await self.renew(error, sent)
            raise
        except Forbidden as error:
            msg = f"{error}, or give project_id"
            raise Forbidden(msg, status=error.status, code=error.code) from error


def _signed_with(request: Request, keys: Keys) -> bool:
    """Whether the request, as sent, bears the signature of these keys."""
    signature = proof(request, keys, request.headers.get(DATE, ""))["Authorization"]
    return signature == request.headers.get("Authorization")
