"""Asking for single documents: paths that are safe to build, and many calls at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from exporter.api.client import Client
from exporter.errors import SourceError

Answer = TypeVar("Answer")


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
    """Return the answer of each path by its key, as `read_each` does."""
    return await read_each(paths, lambda key: client.get(operation, paths[key]), gone)


async def read_each(
    keys: Iterable[str],
    read: Callable[[str], Awaitable[Answer]],
    gone: Callable[[SourceError], bool],
) -> dict[str, Answer | None]:
    """
    Return what `read` gives for each key; None where its error means that the thing is `gone`.

    The client bounds how many are under way. Any other error cancels the rest and is raised.
    """

    async def attempt(key: str) -> Answer | None:
        try:
            return await read(key)
        except SourceError as error:
            if gone(error):
                return None
            raise

    try:
        async with asyncio.TaskGroup() as group:
            calls = {key: group.create_task(attempt(key)) for key in keys}
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
