"""A refused login is not tried again and again."""

import pytest
from cloud import ManualClock

from exporter.api.auth.hold import Hold
from exporter.errors import Unauthorized


def held_for(hold: Hold, clock: ManualClock, secret: str) -> float:
    """Return the seconds until the secret may be shown again, and let them pass."""
    began = clock.monotonic()
    while True:
        try:
            hold.check("h", secret)
        except Unauthorized:
            clock.advance(1.0)
        else:
            return clock.monotonic() - began


def test_nothing_is_held_at_first() -> None:
    """A login is tried until it is refused."""
    assert held_for(Hold(ManualClock()), ManualClock(), "s") == 0.0


def test_holds_grow_while_refusals_go_on() -> None:
    """Two tries in any hour at most: the strictest policy locks after three."""
    clock = ManualClock()
    hold = Hold(clock)
    lengths = []
    for _ in range(5):
        hold.begin("h", "s")
        lengths.append(held_for(hold, clock, "s"))

    assert lengths == [300.0, 3600.0, 3600.0, 3600.0, 3600.0]


def test_a_hold_starts_small_again_when_all_was_well_for_an_hour() -> None:
    """A refusal next month is not the fifth in a row."""
    clock = ManualClock()
    hold = Hold(clock)
    hold.begin("h", "s")
    clock.advance(300.0 + 3600.0)
    hold.begin("h", "s")

    assert held_for(hold, clock, "s") == 300.0


def test_refusals_of_requests_under_way_lengthen_it_once() -> None:
    """Four pages at once are four tries, after which OCP must see no fifth within half an hour."""
    clock = ManualClock()
    hold = Hold(clock)
    for _ in range(4):
        hold.begin("h", "s")

    assert held_for(hold, clock, "s") == 1800.0


def test_another_secret_is_tried_at_once_and_counts_as_another_try() -> None:
    """Who has put the right password in place need not wait; a wrong one again holds longer."""
    clock = ManualClock()
    hold = Hold(clock)
    hold.begin("h", "old")
    hold.check("h", "new")
    hold.begin("h", "new")

    assert held_for(hold, clock, "new") == 3600.0


def test_other_places_are_not_held() -> None:
    """One target that refuses does not stop the others."""
    hold = Hold(ManualClock())
    hold.begin("h", "s")

    hold.check("other", "s")
    with pytest.raises(Unauthorized):
        hold.check("h", "s")


def test_the_message_says_until_when_and_what_helps() -> None:
    """And not what the secret is."""
    hold = Hold(ManualClock())
    hold.begin("ocp.example:8080", "canary")

    with pytest.raises(Unauthorized) as caught:
        hold.check("ocp.example:8080", "canary")

    assert str(caught.value) == (
        "the login was refused at ocp.example:8080;"
        " not tried again before 10:05:00 UTC, unless the secret changes"
    )
    assert "canary" not in repr(vars(hold))
