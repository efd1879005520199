"""A request in the form that is verified."""

from aiohttp import web

from exporter.simulator.signatures import Wire

AUTHENTICATED = "authenticated"
"""Key under which a request notes that it proved who sent it."""


async def read_wire(request: web.Request) -> Wire:
    """Return `request` as it stood on the wire."""
    return Wire(
        method=request.method,
        target=request.raw_path,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read(),
    )
