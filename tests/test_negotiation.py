"""Which format and encoding a client gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.runtime.negotiation import accepts_gzip, prefers_openmetrics

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROTOBUF_FIRST = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "text/plain;version=0.0.4;q=0.7,application/openmetrics-text;version=1.0.0;q=0.6"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        (PROMETHEUS_2, True),
        (PROMETHEUS_3, True),
        (PROTOBUF_FIRST, False),
        (BROWSER, False),
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("text/plain; version=0.0.4", False),
        ("application/openmetrics-text", True),
        ("Application/OpenMetrics-Text; Version=1.0.0; charset=UTF-8", True),
        ("application/openmetrics-text;version=0.0.1,text/plain;q=0.1", False),
        ("application/openmetrics-text;version=0.0.1", False),
        ("application/openmetrics-text;version=2.0.0,*/*;q=0.1", False),
        ("application/openmetrics-text,text/plain", True),
        ("text/plain;q=0.4,application/openmetrics-text;q=0.5", True),
        ("text/plain;q=0.5,application/openmetrics-text;q=0.4", False),
        ("application/openmetrics-text;q=0,*/*", False),
        ("application/openmetrics-text;q=0", False),
        ("application/*", True),
        ("application/*;q=0.2,text/*;q=0.3", False),
        ("*/*;q=0.9,application/openmetrics-text;version=1.0.0;q=0.8", False),
        ("application/openmetrics-text;q=0.1;version=1.0.0,application/openmetrics-text", True),
        ("application/openmetrics-text;q=high", False),
        ("application/openmetrics-text;q=nan", False),
        ("application/openmetrics-text;q=2", False),
        (";;,,=;q,/", False),
    ],
)
def test_openmetrics_is_sent_to_those_who_prefer_it(
    accept: str,
    openmetrics: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The quality of the most specific range decides; text is for everyone else."""
    assert prefers_openmetrics(accept) is openmetrics


@pytest.mark.parametrize(
    ("accept_encoding", "gzip"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("deflate, gzip;q=0.5", True),
        ("*", True),
        ("*;q=0.1, identity;q=0", True),
        ("", False),
        ("identity", False),
        ("deflate", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("gzip;q=0.5, identity;q=0.8", False),
        ("gzip;q=0.8, identity;q=0.5", True),
        ("gzip;q=", False),
        ("notgzip", False),
    ],
)
def test_gzip_is_sent_to_those_who_want_it(
    accept_encoding: str,
    gzip: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A quality of 0 forbids, and the plain body may be liked better."""
    assert accepts_gzip(accept_encoding) is gzip


@given(st.text(max_size=60) | st.text(alphabet="*/;,=q.01 gziptextplain", max_size=60))
def test_no_header_is_too_strange(header: str) -> None:
    """Whatever is sent has an answer."""
    assert prefers_openmetrics(header) in {True, False}
    assert accepts_gzip(header) in {True, False}
