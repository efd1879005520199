"""Who comes in, over real connections, with real certificates."""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import bcrypt
import pytest
from certificates import Authority, Signed
from cloud import ManualClock
from simulated import basic

from exporter.config.web_file import load_access
from exporter.errors import ConfigError
from exporter.runtime import listener
from exporter.runtime.door import AGAIN, Door, credentials
from exporter.runtime.listener import serve
from exporter.runtime.status import Status
from exporter.runtime.web import application

PASSWORD = "hunter2-canary"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
USERS = f"basic_auth_users: {{alice: '{HASH}'}}\n"
ALICE = basic("alice", PASSWORD)


class Nothing:
    """A view of an exporter that polls nothing."""

    def page(self) -> Any:
        """Show no page: nobody asks."""

    def tail(self, *, openmetrics: bool) -> bytes:
        """Show nothing."""
        return b"# EOF\n" if openmetrics else b""

    def status(self) -> Status:
        """Be empty."""
        return Status(version="1", now=1.0, started=1.0, ready=True)

    def ready(self) -> bool:
        """Be ready."""
        return True


class House:
    """A server with a door, and the file that says who comes in."""

    def __init__(self, path: Path) -> None:
        """Begin with what the file says."""
        self.path = path
        self.clock = ManualClock()
        self.door = Door(lambda: load_access(path, {}), self.clock, open_health=True)
        self.port = 0

    async def get(self, path: str = "/", auth: Any = None, *, tls: Any = None) -> tuple[int, str]:
        """Return status and text of a page, over a connection of its own."""
        scheme = "http" if tls is None else "https"
        url = f"{scheme}://127.0.0.1:{self.port}{path}"
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, headers=auth, ssl=tls or False) as response,
        ):
            return response.status, await response.text()


@contextlib.asynccontextmanager
async def house(folder: Path, text: str) -> AsyncIterator[House]:
    """Serve with that file."""
    path = folder / "web.yml"
    path.write_text(text, encoding="utf-8")
    made = House(path)
    app = application(Nothing(), guard=made.door.refusal)
    app.on_response_prepare.append(made.door.add_headers)
    server = await serve(app, ["127.0.0.1:0"], made.door.encryption)
    made.port = server.ports[0]
    try:
        yield made
    finally:
        await server.stop()
        made.door.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority."""
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def first(authority: Authority) -> Signed:
    """Return the certificate of a server."""
    return authority.sign("first")


@pytest.fixture(scope="module")
def second(authority: Authority) -> Signed:
    """Return the certificate that comes after it."""
    return authority.sign("second")


def encrypted(signed: Signed, more: str = "") -> str:
    """Return the section that encrypts."""
    return f"tls_server_config: {{cert_file: {signed.cert}, key_file: {signed.key}{more}}}\n"


def trusting(authority: Authority, own: Signed | None = None) -> ssl.SSLContext:
    """Return how a client checks servers, with a certificate of its own."""
    context = ssl.create_default_context(cafile=authority.cert)
    if own is not None:
        context.load_cert_chain(*own)
    return context


async def test_only_those_in_the_file_come_in(tmp_path: Path) -> None:
    """To every page that there is or is not, but for the health; who does not is told why."""
    async with house(tmp_path, USERS) as site:
        for path in ("/", "/metrics", "/api/v1/status", "/nothing"):
            assert (await site.get(path))[0] == 401
        assert await site.get() == (401, "Log in with a name and a password.\n")
        wrong = basic("alice", "wrong")
        assert await site.get(auth=wrong) == (401, "Wrong name or password.\n")
        assert (await site.get(auth=ALICE))[0] == 200
        assert (await site.get("/nothing", ALICE))[0] == 404
        assert await site.get("/-/healthy") == (200, "Healthy.\n")
        assert await site.get("/-/ready") == (200, "Ready.\n")
        told = {family.name: list(samples) for family, samples in site.door.facts()}

    assert told == {
        "cloud_task_exporter_web_config_last_reload_successful": [((), True)],
        "cloud_task_exporter_web_wrong_passwords_total": [((), 1)],
    }


async def test_a_browser_is_asked_for_a_password(tmp_path: Path) -> None:
    """And every answer bears what the file wants, those to strangers too."""
    text = f"{USERS}http_server_config: {{headers: {{X-Frame-Options: deny}}}}\n"
    async with (
        house(tmp_path, text) as site,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{site.port}/") as response,
    ):
        headers = response.headers

    assert headers["WWW-Authenticate"] == 'Basic realm="cloud-task-exporter", charset="UTF-8"'
    assert headers["X-Frame-Options"] == "deny"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_without_users_everyone_comes_in(tmp_path: Path) -> None:
    """As without the file."""
    async with house(tmp_path, "{}\n") as site:
        assert (await site.get())[0] == 200


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("Bearer abc", None),
        ("Basic", None),
        ("Basic !!!", None),
        ("Basic " + base64.b64encode(b"no colon").decode(), None),
        ("Basic " + base64.b64encode(b"\xff:x").decode(), None),
        ("basic " + base64.b64encode("é:a:ü".encode()).decode(), ("é", "a:ü".encode())),
        ("Basic " + base64.b64encode(b"u:\xff").decode(), ("u", b"\xff")),
    ],
)
def test_what_is_no_login_is_none(header: str, expected: tuple[str, bytes] | None) -> None:
    """Nothing that a client sends is an error of ours."""
    assert credentials(header) == expected


async def test_connections_are_encrypted(
    tmp_path: Path, authority: Authority, first: Signed
) -> None:
    """By the certificate in the file; plain HTTP gets no answer, and nothing is logged for it."""
    async with house(tmp_path, encrypted(first) + USERS) as site:
        assert (await site.get(tls=trusting(authority)))[0] == 401
        assert (await site.get(auth=ALICE, tls=trusting(authority)))[0] == 200
        with pytest.raises(aiohttp.ClientError):
            await site.get()
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await site.get(tls=ssl.create_default_context())


async def test_old_versions_are_refused(
    tmp_path: Path, authority: Authority, first: Signed
) -> None:
    """Where the file says so."""
    old = trusting(authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with house(tmp_path, encrypted(first, ", min_version: TLS13")) as site:
        with pytest.raises(aiohttp.ClientConnectorError):
            await site.get(tls=old)
        assert (await site.get(tls=trusting(authority)))[0] == 200


async def test_clients_show_certificates_of_their_own(
    tmp_path: Path, authority: Authority, first: Signed
) -> None:
    """Signed by the authority in the file; who has none is not let in."""
    asks = f", client_auth_type: RequireAndVerifyClientCert, client_ca_file: {authority.cert}"
    stranger = Authority(tmp_path / "other").sign("stranger")
    async with house(tmp_path, encrypted(first, asks)) as site:
        assert (await site.get(tls=trusting(authority, authority.sign("client"))))[0] == 200
        for own in (None, stranger):
            with pytest.raises(aiohttp.ClientError):
                await site.get(tls=trusting(authority, own))


async def served(site: House, authority: Authority) -> str:
    """Return the name in the certificate that a new connection is shown."""
    _, writer = await asyncio.open_connection("127.0.0.1", site.port, ssl=trusting(authority))
    subject = writer.get_extra_info("peercert")["subject"]
    writer.close()
    await writer.wait_closed()
    return str(subject[0][0][1])


async def test_certificates_are_changed_under_way(
    tmp_path: Path, authority: Authority, first: Signed, second: Signed
) -> None:
    """New connections get the new one; those that stand go on."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    own = Signed(cert, key)
    cert.write_bytes(first.cert.read_bytes())
    key.write_bytes(first.key.read_bytes())
    async with house(tmp_path, encrypted(own)) as site, aiohttp.ClientSession() as session:
        url, tls = f"https://127.0.0.1:{site.port}/-/healthy", trusting(authority)
        async with session.get(url, ssl=tls) as response:
            await response.text()
        names = [await served(site, authority)]
        cert.write_bytes(second.cert.read_bytes())
        names.append(await served(site, authority))
        successes = [site.door.successful]
        key.write_bytes(second.key.read_bytes())
        names.append(await served(site, authority))
        successes.append(site.door.successful)
        async with session.get(url, ssl=tls) as response:
            assert response.status == 200

    assert names == ["first", "first", "second"]
    assert successes == [False, True]


async def test_users_are_changed_under_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who is taken out is out at once, though known; a file with a mistake changes nothing."""
    async with house(tmp_path, USERS) as site:
        assert (await site.get(auth=ALICE))[0] == 200
        site.path.write_text("basic_auth_users: {bob: plain}\n")
        assert (await site.get(auth=ALICE))[0] == 200
        assert (await site.get(auth=ALICE))[0] == 200
        assert not site.door.successful
        site.path.write_text(USERS.replace("alice", "bob"))
        assert (await site.get(auth=ALICE))[0] == 401
        assert (await site.get(auth=basic("bob", PASSWORD)))[0] == 200
        assert site.door.successful
    out = capsys.readouterr().out

    assert out.count("web.config_refused") == 1
    assert "is no bcrypt hash" in out


async def test_a_file_that_it_names_may_come_later(
    tmp_path: Path, authority: Authority, first: Signed, second: Signed
) -> None:
    """After a mistake it looks again now and then, though the file itself has not changed."""
    late = tmp_path / "late.key"
    async with house(tmp_path, encrypted(first)) as site:
        site.path.write_text(encrypted(Signed(second.cert, late)))
        names = [await served(site, authority)]
        late.write_bytes(second.key.read_bytes())
        names.append(await served(site, authority))
        site.clock.advance(AGAIN)
        names.append(await served(site, authority))

    assert names == ["first", "first", "second"]


async def test_encryption_cannot_come_or_go(tmp_path: Path, first: Signed) -> None:
    """Half of the connections would be readable; the old file holds until a restart."""
    async with house(tmp_path, encrypted(first)) as site:
        site.path.write_text("{}\n")
        assert site.door.access.context is not None
        assert not site.door.successful


def test_a_file_with_a_mistake_opens_no_door(tmp_path: Path) -> None:
    """At the start there is no old one that could hold."""
    with pytest.raises(ConfigError, match=r"cannot read .*web\.yml: No such file"):
        Door(lambda: load_access(tmp_path / "web.yml", {}), ManualClock(), open_health=False)


async def test_handshakes_count_as_connections(
    tmp_path: Path, authority: Authority, first: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opens many and says nothing locks others out for seconds only, and takes no more."""
    monkeypatch.setattr(listener, "MAX_CONNECTIONS", 3)
    async with house(tmp_path, encrypted(first)) as site:
        silent = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(3)]
        with pytest.raises(aiohttp.ClientError):
            await site.get(tls=trusting(authority))
        for _, writer in silent:
            writer.close()
        monkeypatch.setattr(listener, "MAX_CONNECTIONS", 4)
        assert (await site.get(tls=trusting(authority)))[0] == 200


async def test_silent_handshakes_end(
    tmp_path: Path, authority: Authority, first: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then their places are free."""
    monkeypatch.setattr(listener, "HANDSHAKE", 0.05)
    monkeypatch.setattr(listener, "MAX_CONNECTIONS", 1)
    async with house(tmp_path, encrypted(first)) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        assert await reader.read() == b""
        writer.close()
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    if (await site.get(tls=trusting(authority)))[0] == 200:
                        break
                await asyncio.sleep(0.01)  # the place is freed by a timer of the server
