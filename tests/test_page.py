"""Pages: the families of all owners, as text and as one gzip member."""

import gzip
import subprocess
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample
from tools import needs

from exporter.exposition.family import Family, Histogram, Kind, MetricType
from exporter.exposition.page import Page
from exporter.exposition.shard import Shard, prefix, render_samples

INFO = Family(name="task_info", help='What "it" is.', kind=Kind.STATE, labels=("name",))
RUNS = Family(
    name="runs_total", help="Runs.", kind=Kind.COUNT, type=MetricType.COUNTER, labels=("outcome",)
)
TOOK = Family(name="took_seconds", help="Time.", kind=Kind.SECONDS, type=MetricType.HISTOGRAM)
CATALOGUE = (RUNS, TOOK, INFO)
ROMA, KAFKA = ("roma", "task_monitors"), ("kafka", "background_tasks")


def shard(family: Family, target: str, *labels: str) -> Shard:
    """Return a shard with a sample for each label."""
    return render_samples(family, prefix(target, {}), [((label,), 1.0) for label in labels])


def page() -> Page:
    """Return a page with a counter, a histogram and a gauge of two owners."""
    histogram = Histogram(bounds=(1.0,), counts=(2, 1), sum=4.0)
    return (
        Page(CATALOGUE)
        .replace(ROMA, {"task_info": shard(INFO, "roma", "a", "b")})
        .replace(ROMA, {"runs_total": shard(RUNS, "roma", "failed")})
        .replace(ROMA, {"took_seconds": render_samples(TOOK, b'target="roma"', [((), histogram)])})
        .replace(KAFKA, {"task_info": shard(INFO, "kafka", 'c "\\\n')})
    )


def tail(*, openmetrics: bool) -> bytes:
    """Return the exporter's own metrics as the library renders them."""
    registry = CollectorRegistry()
    Counter("own_polls", "Polls.", registry=registry).inc()
    if openmetrics:
        return bytes(generate_openmetrics(registry))  # type: ignore[no-untyped-call] # theirs
    return generate_latest(registry)


def body(shown: Page, *, openmetrics: bool = False) -> str:
    """Return the text of a page."""
    return b"".join(shown.body(openmetrics=openmetrics)).decode()


def samples(text: str, *, openmetrics: bool) -> set[tuple[str, str, frozenset[tuple[str, str]]]]:
    """Return what the reference parser reads, without when counters were created."""
    parse = parse_openmetrics if openmetrics else parse_text
    read: Iterable[Sample] = [s for family in parse(text) for s in family.samples]
    return {
        (s.name, str(float(s.value)), frozenset(s.labels.items()))
        for s in read
        if not s.name.endswith("_created")
    }


def test_families_come_in_the_order_of_the_catalogue() -> None:
    """Each family that has samples has its header once, then the shards of all owners."""
    assert body(page()) == (
        "# HELP runs_total Runs.\n"
        "# TYPE runs_total counter\n"
        'runs_total{target="roma",outcome="failed"} 1\n'
        "# HELP took_seconds Time.\n"
        "# TYPE took_seconds histogram\n"
        'took_seconds_bucket{target="roma",le="1.0"} 2\n'
        'took_seconds_bucket{target="roma",le="+Inf"} 3\n'
        'took_seconds_sum{target="roma"} 4.0\n'
        'took_seconds_count{target="roma"} 3\n'
        '# HELP task_info What "it" is.\n'
        "# TYPE task_info gauge\n"
        'task_info{target="kafka",name="c \\"\\\\\\n"} 1\n'
        'task_info{target="roma",name="a"} 1\n'
        'task_info{target="roma",name="b"} 1\n'
    )


def test_the_formats_differ_only_in_headers() -> None:
    """Sample lines, and with them what was deflated, are shared."""
    text, openmetrics = body(page()), body(page(), openmetrics=True)

    differing = set(text.splitlines()) ^ set(openmetrics.splitlines())
    assert differing == {
        "# HELP runs_total Runs.",
        "# HELP runs Runs.",
        "# TYPE runs_total counter",
        "# TYPE runs counter",
        '# HELP task_info What "it" is.',
        '# HELP task_info What \\"it\\" is.',
    }


def test_both_formats_say_the_same() -> None:
    """The reference parsers read the same samples from both, with the exporter's own at the end."""
    read = [
        samples(
            body(page(), openmetrics=openmetrics) + tail(openmetrics=openmetrics).decode(),
            openmetrics=openmetrics,
        )
        for openmetrics in (False, True)
    ]

    assert read[0] == read[1]
    assert len(read[0]) == 9


def test_an_empty_page_is_empty() -> None:
    """Before the first poll only the exporter's own metrics are there."""
    assert body(Page(CATALOGUE)) == ""
    assert dict(Page(CATALOGUE).samples()) == {}


def test_a_page_does_not_change() -> None:
    """What a scrape is being sent stays whole while a poll replaces the page."""
    old = page()
    before = body(old)

    new = old.replace(ROMA, {"task_info": shard(INFO, "roma", "other")})

    assert body(old) == before
    assert 'name="other"' in body(new)


def test_replacing_leaves_what_is_not_named() -> None:
    """Other families of the owner, and other owners, stay; None takes a family away."""
    new = page().replace(ROMA, {"task_info": None})

    assert dict(new.samples()) == {"runs_total": 1, "took_seconds": 4, "task_info": 1}


def test_counters_outlive_gauges() -> None:
    """What is stale goes away; what was counted stays."""
    new = page().without_gauges(ROMA)

    assert dict(new.samples()) == {"runs_total": 1, "took_seconds": 4, "task_info": 1}
    assert 'task_info{target="roma"' not in body(new)


def test_a_family_outside_the_catalogue_is_a_mistake() -> None:
    """Nothing is shown that has no declared place."""
    with pytest.raises(KeyError):
        Page(CATALOGUE).replace(ROMA, {"other": None})


def test_samples_are_counted_by_family() -> None:
    """Every line counts, those of histograms too."""
    assert dict(page().samples()) == {"runs_total": 1, "took_seconds": 4, "task_info": 3}


@pytest.mark.parametrize("openmetrics", [False, True])
def test_gzip_is_one_member_with_the_tail(openmetrics: bool) -> None:  # noqa: FBT001 - a parameter
    """A reader that stops after the first member (as curl does) has everything."""
    end = tail(openmetrics=openmetrics)
    shown = page()

    packed = b"".join(shown.gzip(end, openmetrics=openmetrics))

    reader = zlib.decompressobj(wbits=31)
    plain = reader.decompress(packed)
    assert plain == b"".join([*shown.body(openmetrics=openmetrics), end])
    assert reader.eof
    assert reader.unused_data == b""
    assert gzip.decompress(packed) == plain


@given(st.lists(st.binary(max_size=2000), max_size=4))
def test_gzip_takes_any_tail_any_number_of_times(tails: list[bytes]) -> None:
    """What is kept for a page is not used up by a scrape."""
    shown = page()
    text = b"".join(shown.body(openmetrics=False))

    unpacked = [gzip.decompress(b"".join(shown.gzip(t, openmetrics=False))) for t in tails]

    assert unpacked == [text + end for end in tails]


def test_gzip_deflates_only_what_is_new() -> None:
    """The deflated form of a shard moves on to the next page; headers differ by format."""
    old = page()
    before = old.gzip(b"", openmetrics=False)
    new = old.replace(KAFKA, {"task_info": shard(INFO, "kafka", "new")})

    assert old.is_deflated(openmetrics=False)
    assert not old.is_deflated(openmetrics=True)
    assert not new.is_deflated(openmetrics=False)
    after = new.gzip(b"", openmetrics=False)
    kept = {id(block) for block in before} & {id(block) for block in after}
    assert len(kept) == len(before) - 3  # all but the new shard, the tail and the end


@needs("promtool")
def test_promtool_has_nothing_to_say() -> None:
    """The page follows the conventions that Prometheus's own linter checks."""
    text = body(page()) + tail(openmetrics=False).decode()

    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
