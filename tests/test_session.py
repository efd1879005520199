"""How a target's certificate is checked."""

import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from cloud import Cloud, reaching

from exporter.api.session import Sessions, Tls
from exporter.errors import ConfigError, TlsFailed


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with key and certificate for 127.0.0.1, which nobody signed."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    subprocess.run(
        [
            *command.split(),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return folder


@asynccontextmanager
async def tls_server(folder: Path) -> AsyncIterator[str]:
    """Serve `{}` with the certificate and yield the URL."""

    async def handle(_: web.Request) -> web.Response:
        return web.json_response({})

    checks = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    checks.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    application = web.Application()
    application.router.add_get("/{anything:.*}", handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=checks).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_sessions_that_are_not_needed_any_more_are_closed() -> None:
    """Those that are go on."""
    async with Sessions() as sessions:
        kept, other = sessions.get(Tls()), sessions.get(Tls(insecure_skip_verify=True))
        await sessions.close(keep=[Tls()])

        assert (kept.closed, other.closed) == (False, True)
        assert sessions.get(Tls()) is kept
    assert kept.closed


async def test_an_unknown_authority_is_refused(certificate: Path) -> None:
    """It fails closed, at the first try, and the message says why."""
    async with tls_server(certificate) as url, reaching(url) as reach:
        with pytest.raises(TlsFailed, match=r"certificate is refused \(self-signed") as caught:
            await reach.client.get("list", "/x")

    assert "tls.ca_file" in str(caught.value)
    assert reach.telling.requests == [("list", "tls")]


async def test_the_authority_of_a_private_cloud_is_trusted(certificate: Path) -> None:
    """With its file the same server is fine."""
    tls = Tls(ca_file=certificate / "cert.pem")
    async with tls_server(certificate) as url, reaching(url, tls=tls) as reach:
        assert await reach.client.get("list", "/x") == {}


async def test_a_certificate_for_another_name_is_refused(certificate: Path) -> None:
    """A trusted authority is not enough."""
    tls = Tls(ca_file=certificate / "cert.pem")
    async with tls_server(certificate) as url:
        other = url.replace("127.0.0.1", "localhost")
        async with reaching(other, tls=tls) as reach:
            with pytest.raises(TlsFailed, match="certificate is refused"):
                await reach.client.get("list", "/x")


async def test_nothing_is_checked_only_when_told_so(certificate: Path) -> None:
    """For tests."""
    tls = Tls(insecure_skip_verify=True)
    async with tls_server(certificate) as url, reaching(url, tls=tls) as reach:
        assert await reach.client.get("list", "/x") == {}


async def test_a_server_without_tls_is_told_as_such() -> None:
    """It is neither a timeout nor a broken network."""
    async with Cloud() as cloud, reaching(f"https://{cloud.host}") as reach:
        with pytest.raises(TlsFailed, match="the TLS handshake failed"):
            await reach.client.get("list", "/x")


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_file_of_authorities_that_cannot_be_used(
    tmp_path: Path, content: str | None
) -> None:
    """It is a mistake of the configuration, named with its path."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, encoding="utf-8")

    async with Sessions() as sessions:
        with pytest.raises(ConfigError, match=r"ca\.pem"):
            sessions.get(Tls(ca_file=path))


async def test_targets_that_check_alike_share_a_session() -> None:
    """And all are closed with their owner."""
    async with Sessions() as sessions:
        session = sessions.get(Tls())
        lax = sessions.get(Tls(insecure_skip_verify=True))

        assert sessions.get(Tls()) is session
        assert lax is not session
    assert session.closed
    assert lax.closed
