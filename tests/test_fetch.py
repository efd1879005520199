"""Asking for many single documents at once."""

import asyncio
from typing import Any

import pytest
from scripted import Query, ScriptedClient

from exporter.errors import (
    BadPayload,
    ClockSkewed,
    Forbidden,
    NotFound,
    RateLimited,
    ServerFailed,
    SourceError,
    TimedOut,
    Unauthorized,
    Unreachable,
)
from exporter.sources.fetch import IN_VAIN, SEVERAL, path, read_apart


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        (("v2", "p", "tasks", "t-1"), "/v2/p/tasks/t-1"),
        (("tasks", "a b?c=d"), "/tasks/a b?c=d"),
        (("tasks", "a/../b"), "/tasks/a%2F%2E%2E%2Fb"),
        (("tasks", ".."), "/tasks/%2E%2E"),
        (("tasks", "a.b"), "/tasks/a.b"),
        (("tasks", "a/\ud800"), "/tasks/a%2F%3F"),
    ],
)
def test_no_id_leads_elsewhere(segments: tuple[str, ...], expected: str) -> None:
    """Every segment stays one segment; what else is special, the client encodes."""
    assert path(*segments) == expected


def is_gone(error: SourceError) -> bool:
    """Whether the thing asked for does not exist."""
    return isinstance(error, NotFound)


async def ask(
    client: ScriptedClient, *keys: str, several: int = SEVERAL
) -> tuple[dict[str, Any], set[str]]:
    """Ask for the path of each key; return what was found, and what failed."""
    answers = await read_apart(keys, lambda key: client.get("show", key), is_gone, several=several)
    return answers.found, set(answers.failed)


async def test_what_is_gone_is_left_out() -> None:
    """The rest is there, each under its key, in the order in which it was asked for."""
    answers = {"/c": 3, "/a": {"n": 1}, "/b": NotFound("gone")}
    client = ScriptedClient(lambda path, _: answers[path])

    assert await ask(client, *answers) == ({"/c": 3, "/a": {"n": 1}}, set())
    assert client.paths("show") == ["/c", "/a", "/b"]


@pytest.mark.parametrize("error", [BadPayload("x"), Forbidden("x"), ServerFailed("x")])
async def test_one_that_fails_does_not_hide_the_others(error: SourceError) -> None:
    """As long as there are fewer than several, or some that do not fail."""
    client = ScriptedClient(lambda path, _: error if path > "/m" else path)

    assert await ask(client, "/a", "/x", "/y", "/z") == ({"/a": "/a"}, {"/x", "/y", "/z"})
    assert await ask(client, "/x", "/y") == ({}, {"/x", "/y"})
    with pytest.raises(type(error)):
        await ask(client, "/x", "/y", "/z")
    with pytest.raises(type(error)):
        await ask(client, "/x", several=1)


async def test_what_is_gone_shows_that_the_service_works() -> None:
    """So those that fail beside it fail for themselves."""
    client = ScriptedClient(
        lambda path, _: NotFound("gone") if path == "/gone" else ServerFailed("x")
    )

    assert await ask(client, "/gone", "/x", "/y", "/z") == ({}, {"/x", "/y", "/z"})


async def test_a_service_that_fails_is_not_asked_for_all_of_them() -> None:
    """A thousand failures tell no more than twenty."""
    one_at_a_time = asyncio.Lock()

    class Limited(ScriptedClient):
        async def get(self, operation: str, path: str, query: Any = ()) -> Any:
            async with one_at_a_time:
                await asyncio.sleep(0)
                return await super().get(operation, path, query)

    client = Limited(lambda *_: ServerFailed("down"))

    with pytest.raises(ServerFailed):
        await ask(client, *(f"/{number}" for number in range(1000)))

    assert IN_VAIN <= len(client.calls) <= 2 * IN_VAIN


@pytest.mark.parametrize("kind", [RateLimited, Unauthorized, Unreachable, TimedOut, ClockSkewed])
async def test_an_error_of_every_call_ends_all_of_them(kind: type[SourceError]) -> None:
    """It is raised as it is, and no call is left under way."""

    class Slow(ScriptedClient):
        cancelled = 0

        async def get(self, operation: str, path: str, query: Any = ()) -> Any:
            if path.startswith("/slow"):
                try:
                    await asyncio.Event().wait()
                finally:
                    self.cancelled += 1
            return await super().get(operation, path, query)

    client = Slow(lambda _path, _query: kind("down"))

    with pytest.raises(kind, match="down"):
        await ask(client, "/slow1", "/fast", "/slow2")

    assert client.cancelled == 2


async def test_a_bug_is_not_hidden_by_the_weather() -> None:
    """Of several errors, one that is no SourceError is raised."""

    def script(path: str, _query: Query) -> Any:
        return KeyError("bug") if path == "/bug" else Unreachable("down")

    with pytest.raises(KeyError):
        await ask(ScriptedClient(script), "/x", "/bug")
