"""HTTP Basic authentication."""

import pytest
from cloud import Cloud, ManualClock, Reply, reaching, surroundings

from exporter.api.auth.basic import Basic, Options
from exporter.errors import Unauthorized
from exporter.secret import Secret


def basic(username: str, password: str, clock: ManualClock) -> Basic:
    """Return the scheme with this pair."""
    around = surroundings(clock)
    return Basic(Options(username=username, password=Secret(password)), around)


@pytest.mark.parametrize(
    ("username", "password", "expected"),
    [
        ("exporter", "not-a-secret", "Basic ZXhwb3J0ZXI6bm90LWEtc2VjcmV0"),
        ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("test", "123\u00a3", "Basic dGVzdDoxMjPCow=="),
    ],
)
async def test_the_header(username: str, password: str, expected: str) -> None:
    """The examples of RFC 7617, in UTF-8."""
    async with (
        Cloud() as cloud,
        reaching(cloud.url, basic(username, password, ManualClock())) as reach,
    ):
        await reach.client.get("list", "/x")

    assert cloud.seen[0].headers["Authorization"] == expected


async def test_a_wrong_password_is_shown_once_and_then_held() -> None:
    """OCP locks accounts: for five minutes nothing is sent, then one try."""
    clock = ManualClock()
    async with (
        Cloud(usual=Reply(status=401)) as cloud,
        reaching(cloud.url, basic("u", "canary", clock), clock=clock) as reach,
    ):
        errors = []
        for _ in range(20):
            with pytest.raises(Unauthorized) as caught:
                await reach.client.get("list", "/x")
            errors.append(str(caught.value))
            clock.advance(30.0)

    assert len(cloud.seen) == 2
    assert "HTTP 401" in errors[0]
    assert "not tried again before" in errors[1]
    assert reach.telling.requests == [("list", "401")] * 2
