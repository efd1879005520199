"""Secrets that are replaced under the running exporter, as Kubernetes and people do it."""

import json
import shutil
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cloud import NOW, Cloud, ManualClock, Reach, reaching, surroundings

from exporter.api.auth import SCHEMES
from exporter.api.session import Sessions
from exporter.errors import Unauthorized
from exporter.secret import Secret
from exporter.simulator.signatures import Refused, Wire, check_ocp_hmac, check_sdk_hmac

FILES: Mapping[str, tuple[str, ...]] = {
    "basic": ("password",),
    "huawei_aksk": ("access_key", "secret_key", "security_token"),
    "huawei_password": ("password",),
    "ocp_aksk": ("access_key", "secret_key"),
}
"""The secrets of each way; an agency has none."""
TEXTS = {
    "basic": {"username": "viewer"},
    "huawei_password": {"domain": "d", "username": "u", "project": "p"},
}


class Mount:
    """A mounted secret of Kubernetes: files are links through `..data`, which is swapped."""

    def __init__(self, path: Path) -> None:
        """Mount nothing yet."""
        self.path = path

    def publish(self, version: str, names: tuple[str, ...]) -> None:
        """Swap all files at once to the texts of a version, and remove the old ones."""
        data = self.path / "..data"
        old = data.resolve() if data.is_symlink() else None
        folder = self.path / f"..{version}"
        folder.mkdir()
        for name in names:
            (folder / name).write_text(f"{version}-{name}\n", encoding="utf-8")
            if not (self.path / name).is_symlink():
                (self.path / name).symlink_to(Path("..data") / name)
        (self.path / "..data_tmp").symlink_to(folder.name)
        (self.path / "..data_tmp").rename(data)
        if old is not None:
            shutil.rmtree(old)


class Doors:
    """A cloud and an IAM that let in who has the secrets of one version."""

    def __init__(self, kind: str, clock: ManualClock) -> None:
        """Let in the version `good`."""
        self.kind = kind
        self.clock = clock
        self.version = "good"
        self.answers: list[int] = []
        self.meanwhile: Callable[[], None] | None = None
        """What happens while the first request is under way."""

    async def answer(self, request: web.Request) -> web.Response:
        """Answer as a cloud or as IAM."""
        wire = Wire(
            method=request.method,
            target=request.raw_path,
            headers={name.lower(): text for name, text in request.headers.items()},
            body=await request.read(),
        )
        status = 200 if self._lets_in(wire) else 401
        if self.meanwhile is not None:
            self.meanwhile()
            self.meanwhile = None
        self.answers.append(status)
        date = formatdate(self.clock.time(), usegmt=True)
        headers = {"X-Subject-Token": self.version, "Date": date}
        return web.json_response({}, status=status, headers=headers)

    def _lets_in(self, wire: Wire) -> bool:
        now, version = self.clock.time(), self.version
        try:
            if self.kind == "basic":
                given = b64decode(wire.headers["authorization"].removeprefix("Basic ")).decode()
                return given == f"viewer:{version}-password"
            if self.kind == "huawei_aksk":
                keys = {f"{version}-access_key": f"{version}-secret_key"}
                check_sdk_hmac(wire, keys, now)
                return wire.headers["x-security-token"] == f"{version}-security_token"
            if self.kind == "ocp_aksk":
                check_ocp_hmac(wire, {f"{version}-access_key": f"{version}-secret_key"}, now)
                return True
        except Refused:
            return False
        if wire.method == "POST":
            user = json.loads(wire.body)["auth"]["identity"]["password"]["user"]
            return bool(user["password"] == f"{version}-password")
        return wire.headers["x-auth-token"] == version


@asynccontextmanager
async def reached(kind: str, path: Path) -> AsyncIterator[tuple[Reach, Doors]]:
    """Make a client whose secrets are files below `path`."""
    clock = ManualClock()
    doors = Doors(kind, clock)
    async with Cloud(usual=doors.answer) as cloud, Sessions() as sessions:
        around = surroundings(clock, sessions=sessions.get)
        options: dict[str, Any] = {name: Secret(path=path / name) for name in FILES[kind]}
        options |= TEXTS.get(kind, {})
        options |= {"iam_endpoint": cloud.url} if kind == "huawei_password" else {}
        scheme = SCHEMES[kind](SCHEMES[kind].options_type(**options), around)
        async with reaching(cloud.url, scheme, clock=clock) as reach:
            yield reach, doors


def test_every_way_with_secrets_is_here() -> None:
    """The agency of a machine has none to replace."""
    assert set(FILES) == set(SCHEMES) - {"huawei_metadata"}


@pytest.mark.parametrize("kind", FILES)
async def test_a_mounted_secret_that_is_swapped_is_used_at_once(kind: str, tmp_path: Path) -> None:
    """Though the cloud takes the old one no more; a token that holds is used to its end."""
    mount = Mount(tmp_path)
    mount.publish("good", FILES[kind])
    async with reached(kind, tmp_path) as (reach, doors):
        await reach.client.get("list", "/x")
        mount.publish("better", FILES[kind])
        doors.version = "better"
        await reach.client.get("list", "/x")

    # A password shows only at the next login: after the refusal of what the last one gave.
    assert doors.answers == ([200, 200, 401, 200, 200] if kind == "huawei_password" else [200, 200])


@pytest.mark.parametrize("kind", FILES)
async def test_a_login_that_fails_reads_the_secret_again(kind: str, tmp_path: Path) -> None:
    """Each poll looks; nothing is sent until it has changed, and then at once."""
    mount = Mount(tmp_path)
    mount.publish("bad", FILES[kind])
    async with reached(kind, tmp_path) as (reach, doors):
        for _ in range(3):
            with pytest.raises(Unauthorized):
                await reach.client.get("list", "/x")
            reach.clock.advance(30.0)
        refused = list(doors.answers)
        mount.publish("good", FILES[kind])
        await reach.client.get("list", "/x")

    assert refused == [401]
    assert set(doors.answers[1:]) == {200}
    assert reach.clock.time() < NOW + 100.0


@pytest.mark.parametrize("kind", FILES)
async def test_a_secret_that_is_missing_for_a_moment_fails_only_that_poll(
    kind: str, tmp_path: Path
) -> None:
    """Nothing is sent without it, and nothing is held."""
    async with reached(kind, tmp_path) as (reach, doors):
        with pytest.raises(Unauthorized, match="cannot read the secret file"):
            await reach.client.get("list", "/x")
        Mount(tmp_path).publish("good", FILES[kind])
        await reach.client.get("list", "/x")

    assert set(doors.answers) == {200}


@pytest.mark.parametrize("kind", ["huawei_aksk", "ocp_aksk"])
async def test_keys_of_two_versions_are_not_held(kind: str, tmp_path: Path) -> None:
    """Who replaces files one by one is caught halfway: the request is repeated with what is new."""
    mount = Mount(tmp_path)
    mount.publish("bad", FILES[kind])
    async with reached(kind, tmp_path) as (reach, doors):
        doors.meanwhile = lambda: mount.publish("good", FILES[kind])
        await reach.client.get("list", "/x")

    assert doors.answers == [401, 200]
