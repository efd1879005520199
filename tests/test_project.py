"""The id of the project, from the login where the target does not give it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cloud import Cloud, ManualClock, Reach, Reply, reaching, surroundings

from exporter.api.auth import SCHEMES
from exporter.api.auth.iam import IamOptions, iam_url
from exporter.api.auth.scheme import Scheme
from exporter.api.client import RateLimit
from exporter.api.session import Sessions
from exporter.config import parse
from exporter.errors import (
    BadPayload,
    ClockSkewed,
    ConfigError,
    Forbidden,
    NotFound,
    RateLimited,
    ServerFailed,
    SourceError,
    Unauthorized,
)
from exporter.runtime.store import Store
from exporter.secret import Secret
from exporter.wiring import Wiring

NAME = "eu-de sub/+é"
PATH = "/v2/{project_id}/instances/i1/tasks"
FOUND = Reply({"projects": [{"id": "other", "name": "eu-de"}, {"id": "0a1b", "name": NAME}]})
KEYS = {"access_key": Secret("AK"), "secret_key": Secret("canary-secret")}
PERSON = {"domain": "d", "username": "u", "password": Secret("canary-password")}


def token(project: object) -> Reply:
    """Return IAM's answer to a login."""
    document = {"token": {"project": project, "expires_at": "2036-03-14T10:00:00Z"}}
    return Reply(document, status=201, headers={"X-Subject-Token": "canary-token"})


@asynccontextmanager
async def asking(
    kind: str, options: Mapping[str, Any], iam_host: Cloud, *replies: Reply
) -> AsyncIterator[tuple[Reach, Cloud, Scheme]]:
    """Make a client that knows no project, its cloud and its login."""
    clock = ManualClock()
    async with iam_host, Sessions() as sessions, Cloud(*replies) as cloud:
        around = surroundings(clock, sessions=sessions.get)
        scheme = SCHEMES[kind](
            SCHEMES[kind].options_type(iam_endpoint=f"{iam_host.url}/v3", project=NAME, **options),
            around,
        )
        fast = RateLimit(requests_per_second=1e9, concurrency=8)
        async with reaching(cloud.url, scheme, clock=clock, rate_limit=fast) as reach:
            yield reach, cloud, scheme


async def test_keys_look_up_the_project_once_for_all_requests() -> None:
    """Signed like any other request, by the exact name; then the id stands in every path."""
    async with asking("huawei_aksk", KEYS, Cloud(usual=FOUND)) as (reach, cloud, scheme):
        await asyncio.gather(*(reach.client.get("list", PATH) for _ in range(5)))
        seen = cloud.seen

    assert {one.target for one in seen} == {"/v2/0a1b/instances/i1/tasks"}
    assert scheme.project_id == "0a1b"


async def test_the_lookup() -> None:
    """One GET, encoded in the canonical way, with a signature of its own."""
    iam_host = Cloud(usual=FOUND)
    async with asking("huawei_aksk", KEYS, iam_host) as (reach, _, scheme):
        await asyncio.gather(*(scheme.project() for _ in range(5)))
        await reach.client.get("list", PATH)

    (seen,) = iam_host.seen
    assert (seen.method, seen.target) == ("GET", "/v3/projects?name=eu-de%20sub%2F%2B%C3%A9")
    assert seen.headers["Authorization"].startswith("SDK-HMAC-SHA256 Access=AK, Signed")


async def test_a_token_names_the_project_itself() -> None:
    """No request more than the login, which is made if need be."""
    iam_host = Cloud(token({"id": "0a1b", "name": NAME}))
    async with asking("huawei_password", PERSON, iam_host) as (reach, cloud, _):
        await reach.client.get("list", PATH)

    assert [seen.method for seen in iam_host.seen] == ["POST"]
    assert [seen.target for seen in cloud.seen] == ["/v2/0a1b/instances/i1/tasks"]


@pytest.mark.parametrize("project", [None, {}, {"id": ""}, {"id": 7}, {"id": "../x"}, "x"])
async def test_a_token_may_name_none(project: object) -> None:
    """Or none that can be a part of a path: then the target must."""
    async with asking("huawei_password", PERSON, Cloud(token(project))) as (reach, cloud, _):
        with pytest.raises(NotFound, match=r"^the login names no project: give project_id at"):
            await reach.client.get("list", PATH)

    assert cloud.seen == []


async def test_keys_without_iam_name_none() -> None:
    """The configuration says so before; this is what a bug there would lead to."""
    around = surroundings(ManualClock())
    for kind, options in (("huawei_aksk", KEYS), ("huawei_metadata", {}), ("ocp_aksk", KEYS)):
        scheme = SCHEMES[kind](SCHEMES[kind].options_type(**options), around)
        with pytest.raises(NotFound, match=r"^the login names no project"):
            await scheme.project()

        assert scheme.project_id == ""


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (Reply({"projects": []}), NotFound, "the keys may see none of that name; check project"),
        (Reply({"projects": [{"id": "a/b", "name": NAME}]}), NotFound, "none of that name"),
        (Reply({"projects": [{"id": "p", "name": "eu-de"}]}), NotFound, "none of that name"),
        (Reply({"projects": ["canary", {"name": NAME}]}), NotFound, "none of that name"),
        (Reply([]), NotFound, "none of that name"),
        (Reply(status=404), NotFound, "HTTP 404"),
        (Reply(status=403), Forbidden, "right to read tasks, or give project_id"),
        (Reply(status=401), Unauthorized, "HTTP 401; check the credentials"),
        (
            Reply({"error": {"code": 401, "message": "signature expired"}}, status=401),
            ClockSkewed,
            "signature expired",
        ),
        (Reply(body=b"<html>"), BadPayload, "a page of HTML"),
        (Reply(status=429, headers={"Retry-After": "60"}), RateLimited, "HTTP 429"),
    ],
)
async def test_a_lookup_that_fails_fails_the_poll_with_its_own_reason(
    reply: Reply, kind: type[SourceError], text: str
) -> None:
    """The target itself is not asked; the next poll looks again."""
    iam_host = Cloud(reply, usual=FOUND)
    async with asking("huawei_aksk", KEYS, iam_host) as (reach, cloud, _):
        with pytest.raises(SourceError) as caught:
            await reach.client.get("list", PATH)
        asked = len(iam_host.seen)
        reach.clock.advance(301.0)
        await reach.client.get("list", PATH)

    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"search for the project {NAME} at {iam_host.host}: ")
    assert text in str(caught.value)
    assert "canary" not in str(caught.value)
    assert (asked, len(cloud.seen)) == (1, 1)


async def test_keys_that_iam_refuses_are_held_there() -> None:
    """IAM counts bad signatures, too; the targets that know their project go on."""
    iam_host = Cloud(usual=Reply(status=401))
    async with asking("huawei_aksk", KEYS, iam_host) as (reach, cloud, _):
        for _ in range(9):
            with pytest.raises(Unauthorized):
                await reach.client.get("list", PATH)
            reach.clock.advance(30.0)
        await reach.client.get("list", "/v2/p1/instances/i1/tasks")

    assert (len(iam_host.seen), len(cloud.seen)) == (1, 1)


async def test_an_iam_that_is_down_is_tried_thrice() -> None:
    """By the client that waits; what is a matter of weather is told as weather."""
    iam_host = Cloud(usual=Reply(status=502))
    async with asking("huawei_aksk", KEYS, iam_host) as (reach, cloud, _):
        with pytest.raises(ServerFailed, match=r"^search for the project"):
            await reach.client.get("list", PATH)

    assert (len(iam_host.seen), cloud.seen) == (3, [])


@pytest.mark.parametrize("path", ["/v2/p1/tasks/{project_id}", "/{project_id}", "/a{project_id}b/"])
async def test_only_the_place_of_the_project_is_filled_in(path: str) -> None:
    """A hostile id of a task that looks like it is only an id."""
    async with Cloud() as cloud, reaching(cloud.url) as reach:
        await reach.client.get("list", path)

    assert cloud.seen[0].target == path.replace("{", "%7B").replace("}", "%7D")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (IamOptions(region="eu-west-101"), "https://iam.eu-west-101.myhuaweicloud.eu"),
        (IamOptions(region="eu-de", project="eu-de_x"), "https://iam.eu-de.otc.t-systems.com"),
        (IamOptions(iam_endpoint="https://i/gate/v3/", project="p"), "https://i/gate"),
    ],
)
def test_where_iam_is(options: IamOptions, expected: str) -> None:
    """By region or by its URL, with or without the version."""
    assert iam_url(options) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (IamOptions(region="eu-de", iam_endpoint="https://i"), "iam_endpoint: give either"),
        (IamOptions(iam_endpoint="https://i"), "project: is missing: the name of the project"),
        (IamOptions(project="p"), "project: cannot be looked up without IAM"),
        (IamOptions(iam_endpoint="i", project="p"), "iam_endpoint: not a URL"),
    ],
)
def test_options_that_make_no_sense(options: IamOptions, expected: str) -> None:
    """Told when the scheme is made, for whoever makes one without a configuration file."""
    with pytest.raises(ConfigError) as caught:
        iam_url(options)

    assert str(caught.value).startswith(expected)


async def test_what_is_remembered_does_not_hang_on_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who gives the id that was looked up before goes on with the counts there are."""
    loaded = []
    monkeypatch.setattr(Store, "load", lambda _, name: loaded.append(name))
    store = Store.opened(tmp_path / "state.sqlite")
    async with Sessions() as sessions:
        for project in ("", "project_id: p1, "):
            text = (
                "credentials: {login: {kind: huawei_metadata, region: eu-west-101}}\n"
                "targets: [{name: t, system: dms, engine: kafka, credentials: login,"
                f" region: eu-west-101, {project}instance_id: i1}}]\n"
            )
            Wiring(parse(text, {}), ManualClock(), sessions, Random(1), store=store).crew()
    store.close()

    assert loaded == ["dms https://dms.eu-west-101.myhuaweicloud.eu i1 background_tasks"] * 2
