"""Every way in, wired from a configuration and let in by clouds that share no code with it."""

from collections.abc import Iterable, Mapping
from random import Random

import msgspec
import pytest
from simulated import simulated

from exporter.api.session import Sessions
from exporter.config import parse
from exporter.runtime.daemon import Crew
from exporter.simulator import accounts
from exporter.simulator.oddities.oddity import Oddity
from exporter.wiring import Wiring

IAM = f"iam_endpoint: URL/v3, project: {accounts.PROJECT_NAME}"
LOGINS: Mapping[str, str] = {
    "a password": "kind: huawei_password, PERSON, IAM",
    "keys": "kind: huawei_aksk, KEYS, IAM",
    "temporary keys": "kind: huawei_aksk, TEMPORARY, IAM",
    "an agency": "kind: huawei_metadata, endpoint: URL, IAM",
    "a user of OCP": "kind: basic, USER",
    "keys of OCP": "kind: ocp_aksk, OCPKEYS",
}
TEXTS = {
    "IAM": IAM,
    "PERSON": (
        f"domain: {accounts.DOMAIN}, username: {accounts.USERNAME}, password: {accounts.PASSWORD}"
    ),
    "TEMPORARY": (
        f"access_key: {accounts.TEMPORARY_ACCESS_KEY},"
        f" secret_key: {accounts.TEMPORARY_SECRET_KEY},"
        f" security_token: {accounts.SECURITY_TOKEN}"
    ),
    "OCPKEYS": f"access_key: {accounts.OCP_ACCESS_KEY}, secret_key: {accounts.OCP_SECRET_KEY}",
    "KEYS": f"access_key: {accounts.ACCESS_KEY}, secret_key: {accounts.SECRET_KEY}",
    "USER": f"username: {accounts.OCP_USERNAME}, password: {accounts.OCP_PASSWORD}",
}
DMS = (
    "{name: t, system: dms, engine: kafka, credentials: login, endpoint: 'URL',"
    f" instance_id: {accounts.DMS_INSTANCES['kafka']}}}"
)
FDI = (
    "{name: u, system: fdi, credentials: login, endpoint: 'URL', collectors: {run_logs: {}},"
    f" instance_id: {accounts.FDI_INSTANCE}}}"
)
OCP = "{name: t, system: ocp, credentials: login, endpoint: 'URL'}"


class Outcome(msgspec.Struct):
    """What came of some polls."""

    reasons: list[str]
    """Of each poll that failed."""
    refreshes: int
    refused: int
    """Requests that were answered with 401."""


async def polled(name: str, times: int, oddities: Iterable[Oddity] = ()) -> Outcome:
    """Poll every ten minutes."""
    login = LOGINS[name]
    for word, text in TEXTS.items():
        login = login.replace(word, text)
    targets = OCP if name.endswith("OCP") else f"{DMS}, {FDI}"
    text = f"credentials: {{login: {{{login}}}}}\ntargets: [{targets}]\n"
    async with simulated(oddities=oddities) as caller, Sessions() as sessions:
        config = parse(text.replace("URL", caller.base), {})
        crew: Crew = Wiring(config, caller.clock, sessions, Random(1)).crew()
        reasons = []
        for _ in range(times):
            for poller in crew.pollers:
                await poller.poll()
                reasons.append(poller.health.reason)
            caller.clock.now += 600.0
        counts = (await caller.get("/control/log"))["counts"]
    refused = sum(count for what, count in counts.items() if what.endswith(" 401"))
    (credential,) = crew.credentials.values()
    return Outcome([reason for reason in reasons if reason], credential.refreshes, refused)


@pytest.mark.parametrize("name", LOGINS)
async def test_the_clouds_let_it_in(name: str) -> None:
    """The project is looked up, and nothing is refused on the way."""
    outcome = await polled(name, 2)

    assert (outcome.reasons, outcome.refused) == ([], 0)


@pytest.mark.parametrize("oddities", [(), (Oddity.METADATA_WITHOUT_TOKEN,)])
async def test_an_agency_is_renewed_ahead_of_its_end(oddities: tuple[Oddity, ...]) -> None:
    """Its keys last an hour; for three hours no request is refused, with and without tokens."""
    outcome = await polled("an agency", 18, oddities)

    assert (outcome.reasons, outcome.refused) == ([], 0)
    assert 3 <= outcome.refreshes <= 5


async def test_a_machine_without_an_agency_fails_by_itself() -> None:
    """The cloud is not asked at all."""
    outcome = await polled("an agency", 1, (Oddity.METADATA_WITHOUT_AGENCY,))

    assert set(outcome.reasons) == {"auth"}
    assert outcome.refreshes == 0
