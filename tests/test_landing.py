"""The page for people."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import msgspec
import pytest

from exporter.runtime.landing import render
from exporter.runtime.status import CollectorStatus, Status
from exporter.runtime.style import STYLE_HASH

NOW = 1_795_310_407.0  # 2026-11-22 01:20:07 UTC
EMPTY = Status(version="0.1.0", now=NOW, started=NOW - 266_000, ready=True)
FRESH = CollectorStatus(target="roma-test", system="fdi", collector="task_monitors", interval=60)
UP = msgspec.structs.replace(
    FRESH,
    target="roma-prod",
    up=True,
    last_attempt=NOW - 40,
    last_success=NOW - 40,
    next_poll=NOW + 20,
    poll_seconds=1.93,
    records=1842,
    invalid=3,
)
DOWN = msgspec.structs.replace(
    UP,
    target="kafka-prod",
    up=False,
    last_attempt=NOW - 8,
    last_success=NOW - 188,
    next_poll=NOW - 1,
    failures_in_a_row=1,
    reason="throttled",
    error="answered 404 DMS.10240407; lower rate_limit",
)
STALE = msgspec.structs.replace(
    DOWN, target="ocp-main", stale=True, last_success=NOW - 90_210, failures_in_a_row=57
)


class Reader(HTMLParser):
    """Collects what is shown, and whether every element is closed in its turn."""

    VOID = frozenset({"meta", "link"})

    def __init__(self) -> None:
        """Start with nothing open."""
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.add(tag)
        assert not any(name.startswith("on") or name == "style" for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note what is shown."""
        if "style" not in self.open:
            self.words += data.split()


def page(*collectors: CollectorStatus, **changes: object) -> str:
    """Render a status with these collectors."""
    status = msgspec.structs.replace(EMPTY, collectors=collectors, **changes)
    return render(status, telemetry_path="/metrics").decode()


def shown(html: str) -> str:
    """Return the text that a person sees."""
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    assert "script" not in reader.tags
    return " ".join(reader.words)


def test_each_collector_says_how_it_is() -> None:
    """State in plain words, absolute time and age, the error with its reason; the worst first."""
    text = shown(page(FRESH, UP, DOWN, STALE))

    assert (
        "stale ocp-main fdi task_monitors every 1m, took 1.9 s 2026-11-21 00:16:37 1d1h ago"
        " now 1,842 3 throttled answered 404 DMS.10240407; lower rate_limit"
        " 57 failures in a row, tried 8s ago"
        " down kafka-prod fdi task_monitors every 1m, took 1.9 s 2026-11-22 01:16:59 3m8s ago"
        " now 1,842 3 throttled answered 404 DMS.10240407; lower rate_limit"
        " 1 failure in a row, tried 8s ago"
        " not yet polled roma-test fdi task_monitors every 1m never 0 0"
        " up roma-prod fdi task_monitors every 1m, took 1.9 s 2026-11-22 01:19:27 40s ago"
        " in 20s 1,842 3"
    ) in text


@pytest.mark.parametrize(
    ("collectors", "banner"),
    [
        ((), "No collectors are configured."),
        ((UP, UP), "All collectors are up."),
        ((UP, FRESH), "Starting: 1 of 2 not yet polled."),
        ((UP, FRESH, DOWN, STALE), "2 of 4 collectors cannot be polled."),
        ((DOWN,), "1 of 1 collector cannot be polled."),
    ],
)
def test_the_first_line_says_whether_something_is_wrong(
    collectors: tuple[CollectorStatus, ...], banner: str
) -> None:
    """One sentence for somebody who was just woken."""
    assert f"to Prometheus. {banner} Metrics Ready?" in shown(page(*collectors))


def test_the_biggest_families_are_listed() -> None:
    """The first ten, and how many samples there are in all."""
    families = tuple((f"family_{n}", 1000 - n) for n in range(12))

    text = shown(page(families=families))

    assert (
        "11,934 polled samples in 12 families. Family Samples family_0 1,000 family_1 999" in text
    )
    assert "family_9 991" in text
    assert "family_10" not in text


def test_the_exporter_says_how_it_is_run() -> None:
    """When it started, and where it keeps what it counted."""
    kept = shown(page(state_path="/data/<state>.sqlite", demo="http://127.0.0.1:1/"))

    assert (
        "Time 2026-11-22 01:20:07 UTC Started 2026-11-18 23:26:47 3d1h ago Ready yes"
        " State file /data/<state>.sqlite"
        " Demo simulated clouds, controlled at http://127.0.0.1:1/"
    ) in kept
    assert "counters begin at 0 at every start" in shown(page())


def test_hostile_names_are_text() -> None:
    """Names, messages and paths cannot become markup, and lone surrogates break nothing."""
    hostile = "</td><script>alert('\"&')</script>\ud800"
    collector = msgspec.structs.replace(
        DOWN, target=hostile, system=hostile, collector=hostile, reason=hostile, error=hostile
    )
    status = msgspec.structs.replace(
        EMPTY,
        version=hostile,
        collectors=(collector,),
        families=((hostile, 1),),
        state_path=hostile,
        demo=hostile,
    )

    html = render(status, telemetry_path='/"><script>').decode()

    assert shown(html).count("alert('\"&')</script>?") == 10
    assert "<script" not in html


def test_the_style_is_the_one_that_the_policy_allows() -> None:
    """The browser takes the style by its hash."""
    [style] = re.findall("<style>(.*)</style>", page(UP), re.DOTALL)

    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"sha256-{digest}" == STYLE_HASH


def test_nothing_is_fetched_from_elsewhere() -> None:
    """The page works where there is no network but the one to the exporter."""
    html = page(UP, DOWN)

    links = re.findall(r'(?:href|src)="([^"]*)"', html)
    assert links == ["data:,", "/metrics", "/-/ready", "/api/v1/status"]
    assert "url(" not in html
    assert "@import" not in html
