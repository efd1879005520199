"""What the page says of logins that go wrong is what happens."""

from pathlib import Path

import pytest
from five_minutes import PAGE, play, section, written
from mishaps import MISHAPS, RIGHT, WRONG

from exporter.api.auth import SCHEMES


@pytest.mark.parametrize("kind", SCHEMES)
async def test_the_page_tells_every_request(kind: str, tmp_path: Path) -> None:
    """After a change: `.venv/bin/python tests/five_minutes.py`, and a look at what became of it."""
    text = PAGE.read_text(encoding="utf-8")
    match = written(kind, text)

    assert match is not None
    assert match.group() == await section(kind, tmp_path / "secret")


@pytest.mark.parametrize(
    ("kind", "at"), [(kind, at) for kind in SCHEMES for at, _ in enumerate(MISHAPS[kind])]
)
async def test_no_refusal_is_provoked_twice(kind: str, at: int, tmp_path: Path) -> None:
    """Whatever goes wrong: in five minutes one refused login for each secret; nothing leaks."""
    polls, errors = await play(kind, MISHAPS[kind][at], tmp_path / "secret")
    refused = [
        request
        for poll in polls
        for request in poll.requests
        if poll.at < 300.0 and poll.outcome != "fails: `clock_skew`"
        if request.endswith("401") and "/latest/" not in request
    ]

    # A token that is called back is refused, and then the login that replaces it may be.
    assert len(refused) <= (2 if kind == "huawei_password" else 1)
    assert not any(word in error for error in errors for word in (RIGHT, WRONG))
