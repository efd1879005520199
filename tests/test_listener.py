"""Where the server listens; how it serves and ends is tested with the web server."""

import aiohttp
import pytest
from aiohttp import web

from exporter.errors import ConfigError
from exporter.runtime.listener import Address, parse_address, serve


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":10047", Address("", 10047)),
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("0.0.0.0:65535", Address("0.0.0.0", 65535)),  # noqa: S104 - parsed, not bound
        ("localhost:80", Address("localhost", 80)),
        ("node-1.example.org:80", Address("node-1.example.org", 80)),
        ("[::1]:9", Address("::1", 9)),
        ("[::]:9", Address("::", 9)),
        ("[fe80::1%eth0]:9", Address("fe80::1%eth0", 9)),
    ],
)
def test_addresses_are_read(text: str, address: Address) -> None:
    """A host may be left out; an IPv6 address stands in brackets."""
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "10047", "localhost", "localhost:", ":65536", ":-1", ":+1", ":1e3", ":123456"),
        *("::1:9", "::1", "[::1]", "[::1", "::1]:9", "[x]:9", "[127.0.0.1]:9", "[]:9"),
        *("http://x:80", "a b:80", "host:80:90", " :80", ":80 ", ":\uff18\uff10", "-x:80"),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """The message shows what was given and how to write it."""
    with pytest.raises(ConfigError, match=r"cannot listen on .*: write it like :10047"):
        parse_address(text)


async def test_several_addresses_can_be_served() -> None:
    """Each has its port, in the order given; all of the machine's addresses are one socket."""
    server = await serve(web.Application(), ["127.0.0.1:0", ":0"])
    async with aiohttp.ClientSession() as client:
        statuses = []
        for port in server.ports:
            async with client.get(f"http://127.0.0.1:{port}/") as response:
                statuses.append(response.status)
    await server.stop()

    assert statuses == [404, 404]


async def test_an_address_in_use_is_a_mistake_in_the_configuration() -> None:
    """Nothing listens when one of the addresses cannot be had."""
    first = await serve(web.Application(), ["127.0.0.1:0"])
    taken = f"127.0.0.1:{first.ports[0]}"
    try:
        with pytest.raises(ConfigError, match=f"cannot listen on {taken}: Address already in use"):
            await serve(web.Application(), ["127.0.0.1:0", taken])
    finally:
        await first.stop()


async def test_an_address_of_another_machine_is_a_mistake_in_the_configuration() -> None:
    """The message names the address and says why."""
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1:0: Cannot assign"):
        await serve(web.Application(), ["192.0.2.1:0"])
