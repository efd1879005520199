"""How labels, values and headers are written."""

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.exposition.family import Family, Histogram, Kind, MetricType
from exporter.exposition.text import LONGEST, escape, fill, header, lines, number, template

TASKS = Family(name="tasks", help="Tasks.", kind=Kind.COUNT, labels=("name",))
RUNS = Family(name="runs_total", help="Runs.", kind=Kind.COUNT, type=MetricType.COUNTER)
TOOK = Family(
    name="took_seconds", help="Time.", kind=Kind.SECONDS, type=MetricType.HISTOGRAM, labels=("a",)
)
HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs", "Cc"]),
        st.sampled_from('\\"\n{}#=, '),
    ),
    max_size=LONGEST + 20,
)


def parsed(family: Family, body: str, *, openmetrics: bool) -> list[Metric]:
    """Read a family back with the reference parser of the format."""
    text = header(family, openmetrics=openmetrics).decode() + body
    if openmetrics:
        return list(parse_openmetrics(text + "# EOF\n"))  # type: ignore[no-untyped-call] # theirs
    return list(parse_text(text))


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("", ""),
        ("daily copy", "daily copy"),
        ('C:\\new "x"', 'C:\\\\new \\"x\\"'),
        ("two\nlines", "two\\nlines"),
        ("tab\there", "tab\there"),
        ("nul\0 bell\a esc\x1b[31m", "nul� bell� esc�[31m"),
        ("return\r del\x7f csi\x9b", "return� del� csi�"),
        ("half \ud83d of a pair \udc00", "half � of a pair �"),
        ("任务 ✓ 🎉", "任务 ✓ 🎉"),
        ("x" * 200, "x" * 200),
    ],
)
def test_what_parsers_cannot_take_is_escaped_or_replaced(value: str, escaped: str) -> None:
    """Quote, backslash and line end are escaped; controls and lone surrogates become U+FFFD."""
    assert escape(value) == escaped


def test_long_values_are_cut_and_stay_different() -> None:
    """Two values that differ only at their end still have labels of their own, within the limit."""
    one, other = escape("x" * 500 + "1"), escape("x" * 500 + "2")

    assert one != other
    assert len(one) == len(other) == LONGEST
    assert one.startswith("x" * 187 + "…")


@given(HOSTILE)
def test_hostile_values_survive_both_formats(value: str) -> None:
    """Any text comes back from both parsers, as it was or as said above."""
    shown = "".join(
        "\ufffd" if unicodedata.category(c) in {"Cc", "Cs"} and c not in "\t\n" else c
        for c in value
    )
    line = lines(TASKS, fill(template(TASKS.labels), [value]), 1)
    line.encode()

    for openmetrics in (False, True):
        [metric] = parsed(TASKS, line, openmetrics=openmetrics)
        [sample] = metric.samples
        if len(value) <= LONGEST:
            assert sample.labels == {"name": shown}
        else:
            assert sample.labels["name"].startswith(shown[:187] + "…")


def test_labels_are_filled_into_a_template() -> None:
    """What all rows of a target share is rendered once, whatever it contains."""
    labels = template(("task", "type"), 'target="100 %s"')

    assert fill(labels, ('a"b', "TIMING")) == r'target="100 %s",task="a\"b",type="TIMING"'


def test_a_label_without_value_is_a_mistake() -> None:
    """A family whose labels and values do not pair up is never shown half."""
    with pytest.raises(TypeError):
        fill(template(("task", "type")), ("only one",))


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        (Kind.COUNT, 3, "3"),
        (Kind.COUNT, 3.0, "3"),
        (Kind.COUNT, 12345678901, "12345678901"),
        (Kind.COUNT, 2**53, "9007199254740992"),
        (Kind.COUNT, 2**60, "1.152921504606847e+18"),
        (Kind.COUNT, 10**400, "+Inf"),
        (Kind.COUNT, -(10**400), "-Inf"),
        (Kind.STATE, True, "1"),
        (Kind.STATE, False, "0"),
        (Kind.TIMESTAMP, 1732240367.0, "1732240367"),
        (Kind.TIMESTAMP, 1732240367.25, "1732240367.25"),
        (Kind.TIMESTAMP, -1.0, "-1"),
        (Kind.SECONDS, 3, "3.0"),
        (Kind.SECONDS, 0.1, "0.1"),
        (Kind.SECONDS, 1234567.5, "1234567.5"),
        (Kind.SECONDS, 1e-7, "1e-07"),
        (Kind.RATIO, 1 / 3, "0.3333333333333333"),
        (Kind.RATIO, math.nan, "NaN"),
        (Kind.RATIO, math.inf, "+Inf"),
    ],
)
def test_values_are_written_by_kind(kind: Kind, value: float, written: str) -> None:
    """Counts, states and times are whole numbers without exponent, as far as they are exact."""
    assert number(kind, value) == written


@given(st.sampled_from(Kind), st.floats())
def test_values_lose_nothing(kind: Kind, value: float) -> None:
    """What a parser reads is the very float that was given."""
    read = float(number(kind, value))

    assert read == value or (math.isnan(read) and math.isnan(value))


@pytest.mark.parametrize(
    ("family", "openmetrics", "written"),
    [
        (TASKS, False, "# HELP tasks Tasks.\n# TYPE tasks gauge\n"),
        (TASKS, True, "# HELP tasks Tasks.\n# TYPE tasks gauge\n"),
        (RUNS, False, "# HELP runs_total Runs.\n# TYPE runs_total counter\n"),
        (RUNS, True, "# HELP runs Runs.\n# TYPE runs counter\n"),
        (TOOK, True, "# HELP took_seconds Time.\n# TYPE took_seconds histogram\n"),
        (
            Family(name="task_info", help='a "b" \\ c\nd', kind=Kind.STATE),
            False,
            '# HELP task_info a "b" \\\\ c\\nd\n# TYPE task_info gauge\n',
        ),
        (
            Family(name="task_info", help='a "b" \\ c\nd', kind=Kind.STATE),
            True,
            '# HELP task_info a \\"b\\" \\\\ c\\nd\n# TYPE task_info gauge\n',
        ),
    ],
)
def test_headers_follow_the_format(family: Family, openmetrics: bool, written: str) -> None:  # noqa: FBT001 - a column of the table
    """OpenMetrics names a counter without `_total` and also escapes quotes in HELP."""
    assert header(family, openmetrics=openmetrics).decode() == written


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.just("\n")))
def test_help_survives_both_formats(text: str) -> None:
    """HELP comes back as it was declared."""
    family = Family(name="tasks", help=f"Help {text}.", kind=Kind.COUNT, labels=("name",))
    line = lines(family, 'name="x"', 1)

    for openmetrics in (False, True):
        [metric] = parsed(family, line, openmetrics=openmetrics)
        assert metric.documentation == family.help


def test_histograms_are_cumulative() -> None:
    """Buckets add up, their bounds are written as other exporters write them."""
    histogram = Histogram(bounds=(0.5, 1.0, 3600.0, 2592000.0), counts=(1, 0, 2, 1, 1), sum=12.5)

    text = lines(TOOK, 'a="b"', histogram)

    assert text == (
        'took_seconds_bucket{a="b",le="0.5"} 1\n'
        'took_seconds_bucket{a="b",le="1.0"} 1\n'
        'took_seconds_bucket{a="b",le="3600.0"} 3\n'
        'took_seconds_bucket{a="b",le="2.592e+06"} 4\n'
        'took_seconds_bucket{a="b",le="+Inf"} 5\n'
        'took_seconds_sum{a="b"} 12.5\n'
        'took_seconds_count{a="b"} 5\n'
    )
    for openmetrics in (False, True):
        [metric] = parsed(TOOK, text, openmetrics=openmetrics)
        assert metric.type == "histogram"
        assert len(metric.samples) == 7


def test_a_histogram_must_have_one_count_more_than_bounds() -> None:
    """A histogram that does not fit its bounds is a mistake, not a wrong page."""
    with pytest.raises(ValueError, match="zip"):
        lines(TOOK, "", Histogram(bounds=(1.0,), counts=(1,), sum=1.0))
