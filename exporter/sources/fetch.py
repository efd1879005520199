"""Asking for single documents: paths that are safe to build, and many calls at once."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from exporter.api.client import Client
from exporter.errors import SourceError


def path(*segments: str) -> str:
    """
    Return the path of these segments as plain text, which the client percent-encodes.

    A slash inside a segment, or dots alone, would lead elsewhere: there the encoded form is the
    plain text. No cloud knows such an id, so nothing is found, but nothing else is asked either.
    """
    return "".join(f"/{_segment(segment)}" for segment in segments)


async def fetch_each(
    client: Client,
    operation: str,
    paths: Mapping[str, str],
    gone: Callable[[SourceError], bool],
) -> dict[str, Any]:
    """
    Return the answer of each path by its key; None where the error means that it is `gone`.

    The client bounds how many are under way. Any other error cancels the rest and is raised.
    """

    async def fetch(where: str) -> Any:
        try:
            return await client.get(operation, where)
        except SourceError as error:
            if gone(error):
                return None
            raise

    try:
        async with asyncio.TaskGroup() as group:
            calls = {key: group.create_task(fetch(where)) for key, where in paths.items()}
    except BaseExceptionGroup as group_error:
        # A bug of ours is worth more attention than the weather that came with it.
        raise min(
            group_error.exceptions, key=lambda error: isinstance(error, SourceError)
        ) from group_error
    return {key: call.result() for key, call in calls.items()}


def _segment(segment: str) -> str:
    if "/" in segment or not segment.strip("."):
        return quote(segment, safe="", errors="replace").replace(".", "%2E")
    return segment
