"""The projects of the account, from IAM: `GET /v3/projects`, by token or signature."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exporter.simulator import accounts
from exporter.simulator.gateway import Gateway
from exporter.simulator.wire import authenticated

PATH = "/v3/projects"


class Projects:
    """Lists projects to whoever the gateway knows, whatever project that is for."""

    def __init__(self, gateway: Gateway) -> None:
        """Let `gateway` tell who asks."""
        self._handler = gateway.identify(_list)

    def routes(self) -> list[web.RouteDef]:
        """Return what is served."""
        return [web.get(PATH, self._handler, allow_head=False)]


def _list(request: web.Request, _: str | None) -> Mapping[str, Any]:
    authenticated.set(True)
    domain_id = "d" * 32
    project = {
        "id": accounts.PROJECT_ID,
        "name": accounts.PROJECT_NAME,
        "description": "",
        "domain_id": domain_id,
        "parent_id": domain_id,
        "is_domain": False,
        "enabled": True,
        "links": {"self": f"https://iam.example.test{PATH}/{accounts.PROJECT_ID}"},
    }
    asked = request.query.get("name", accounts.PROJECT_NAME)
    return {
        "links": {"self": f"https://iam.example.test{PATH}", "previous": None, "next": None},
        "projects": [project] if asked == accounts.PROJECT_NAME else [],
    }
