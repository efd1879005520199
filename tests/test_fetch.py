"""Asking for many single documents at once."""

import asyncio
from typing import Any

import pytest
from scripted import Query, ScriptedClient

from exporter.errors import NotFound, ServerFailed, SourceError
from exporter.sources.fetch import fetch_each, path


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


async def test_what_is_gone_is_none() -> None:
    """The rest is there, each under its key."""
    answers = {"/a": {"n": 1}, "/b": NotFound("gone")}
    client = ScriptedClient(lambda path, _: answers[path])

    found = await fetch_each(client, "show", {"a": "/a", "b": "/b"}, is_gone)

    assert found == {"a": {"n": 1}, "b": None}
    assert client.calls == [("show", "/a", {}), ("show", "/b", {})]


async def test_an_error_ends_all_of_them() -> None:
    """The first error is raised as it is, and no call is left under way."""

    class Slow(ScriptedClient):
        cancelled = 0

        async def get(self, operation: str, path: str, query: Any = ()) -> Any:
            if path == "/slow":
                try:
                    await asyncio.Event().wait()
                finally:
                    self.cancelled += 1
            return await super().get(operation, path, query)

    client = Slow(lambda _path, _query: ServerFailed("down"))

    with pytest.raises(ServerFailed, match="down"):
        await fetch_each(client, "show", {"1": "/slow", "2": "/fast", "3": "/slow"}, is_gone)

    assert client.cancelled == 2


async def test_a_bug_is_not_hidden_by_the_weather() -> None:
    """Of several errors, one that is no SourceError is raised."""

    def script(path: str, _query: Query) -> Any:
        return KeyError("bug") if path == "/bug" else ServerFailed("down")

    with pytest.raises(KeyError):
        await fetch_each(ScriptedClient(script), "show", {"1": "/x", "2": "/bug"}, is_gone)
