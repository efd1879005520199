"""A request in the form that is verified."""

from contextvars import ContextVar

from aiohttp import web

from exporter.simulator.signatures import Wire

authenticated: ContextVar[bool] = ContextVar("authenticated")
"""Whether the request under way has proved who sent it; handler and journal share its context."""


async def read_wire(request: web.Request) -> Wire:
    """Return `request` as it stood on the wire."""
    return Wire(
        method=request.method,
        target=request.raw_path,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read(),
    )
