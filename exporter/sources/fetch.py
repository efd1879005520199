"""Asking for single documents: paths that are safe to build, and many calls at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar
from urllib.parse import quote

import msgspec

from exporter.errors import BadPayload, Forbidden, NotFound, ServerFailed, SourceError

Answer = TypeVar("Answer")

ABOUT_ONE = (BadPayload, Forbidden, NotFound, ServerFailed)
"""Errors that may concern the one thing that was asked for; all others concern every call."""
SEVERAL = 3
"""Things that fail together when it is the service that fails, and not its record of one."""
IN_VAIN = 20
"""Failures without any answer after which no more is asked."""


class Answers(msgspec.Struct, Generic[Answer], frozen=True):
    """What came of asking for single things; those in neither field do not exist any more."""

    found: dict[str, Answer]
    failed: frozenset[str]
    """At these the service failed, but not at all of them."""


def path(*segments: str) -> str:
    """
    Return the path of these segments as plain text, which the client percent-encodes.

    A slash inside a segment, or dots alone, would lead elsewhere: there the encoded form is the
    plain text. No cloud knows such an id, so nothing is found, but nothing else is asked either.
    """
    return "".join(f"/{_segment(segment)}" for segment in segments)


async def read_apart(
    keys: Iterable[str],
    read: Callable[[str], Awaitable[Answer]],
    gone: Callable[[SourceError], bool],
    *,
    several: int = SEVERAL,
) -> Answers[Answer]:
    """
    Return what `read` gives for each key that is not `gone`, though it may fail for some.

    A cloud may fail at one thing for ever: that must not hide all others. When it fails at each
    of `several` or more, or with an error that concerns every call, the first error is raised.
    """
    wanted = list(keys)
    found: dict[str, Answer] = {}
    failures: dict[str, SourceError] = {}

    async def attempt(key: str) -> None:
        try:
            found[key] = await read(key)
        except ABOUT_ONE as error:
            if gone(error):
                raise
            failures[key] = error
            if len(failures) == IN_VAIN and not found:
                raise

    await read_each(wanted, attempt, gone)
    if failures and len(failures) == len(wanted) >= several:
        raise next(iter(failures.values()))
    return Answers({key: found[key] for key in wanted if key in found}, frozenset(failures))


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
