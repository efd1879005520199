"""Requests to IAM and to the metadata service are counted, like those to the clouds."""

from collections.abc import Iterable
from random import Random

import pytest
from prometheus_client.parser import text_string_to_metric_families
from simulated import simulated
from test_ways_in import DMS, FDI, LOGINS, OCP, TEXTS

from exporter.api.session import Sessions
from exporter.config import parse
from exporter.simulator import accounts
from exporter.simulator.oddities.oddity import Oddity
from exporter.wiring import Wiring

FAMILY = "cloud_task_exporter_credential_requests_total"


async def counted(
    login: str, targets: str, polls: int, oddities: Iterable[Oddity] = ()
) -> dict[str, float]:
    """Return the requests by code after so many polls of each collector."""
    for word, text in TEXTS.items():
        login = login.replace(word, text)
    text = f"credentials: {{login: {{{login}}}}}\ntargets: [{targets}]\n"
    async with simulated(oddities=oddities) as caller, Sessions() as sessions:
        config = parse(text.replace("URL", caller.base), {})
        wiring = Wiring(config, caller.clock, sessions, Random(1))
        crew = wiring.crew()
        for _ in range(polls):
            for poller in crew.pollers:
                await poller.poll()
        tail = wiring.answering(crew).tail(openmetrics=False).decode()
    return {
        sample.labels["code"]: sample.value
        for family in text_string_to_metric_families(tail)
        for sample in family.samples
        if sample.name == FAMILY and sample.labels["credentials"] == "login"
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a password", {"201": 1, "401": 0, "403": 0}),
        ("keys", {"200": 1, "401": 0, "403": 0}),
        ("an agency", {"200": 3, "401": 0, "403": 0}),
    ],
)
async def test_each_request_is_counted_once(name: str, expected: dict[str, float]) -> None:
    """A token, an id of a project; a token of the service, keys and an id. Refusals stand at 0."""
    assert await counted(LOGINS[name], f"{DMS}, {FDI}", 2) == expected


async def test_a_refused_password_is_counted() -> None:
    """Once, for it is not shown again."""
    right = LOGINS["a password"].replace("PERSON", TEXTS["PERSON"])
    wrong = right.replace(accounts.PASSWORD, "wrong")

    assert await counted(wrong, DMS, 3) == {"201": 0, "401": 1, "403": 0}


async def test_where_no_answer_comes_the_reason_is_counted() -> None:
    """As with requests to the clouds."""
    nobody = f"iam_endpoint: 'http://127.0.0.1:1', project: {accounts.PROJECT_NAME}"
    gone = LOGINS["a password"].replace("IAM", nobody)

    assert await counted(gone, DMS, 1) == {"201": 0, "401": 0, "403": 0, "network": 3}


async def test_who_asks_nobody_has_no_count() -> None:
    """A password of OCP goes with each request to OCP itself."""
    assert await counted(LOGINS["a user of OCP"], OCP, 2) == {}
