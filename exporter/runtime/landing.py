"""The page for people: one HTML document that needs no script and nothing from elsewhere."""

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from typing import NamedTuple

from exporter.duration import UNITS, format_duration
from exporter.runtime.status import CollectorStatus, Status
from exporter.runtime.style import STYLE

FAMILIES = 10
"""How many of the biggest families are listed."""


class _State(NamedTuple):
    word: str
    style: str
    meaning: str


_UP = _State("up", "good", "The last poll gave a whole reading.")
_DOWN = _State("down", "bad", "The last poll failed. Metrics show what the last good one found.")
_STALE = _State(
    "stale", "worst", "No good poll for so long that its gauges were taken away. Counters stay."
)
_NEVER = _State("not yet polled", "none", "The first poll has not ended.")
_STATES = (_STALE, _DOWN, _NEVER, _UP)
"""The worst first."""


def render(status: Status, *, telemetry_path: str) -> bytes:
    """Return the page; whatever names and messages contain is shown as it is."""
    title = f"cloud-task-exporter {escape(status.version)}"
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>cloud-task-exporter <small>{escape(status.version)}</small></h1>
<p class="soft">Polls the tasks of Huawei Cloud ROMA Connect FDI, DMS and OceanBase OCP,
and shows them to Prometheus.</p>
</header>
{_banner(status)}
<nav>
<a href="{escape(telemetry_path)}">Metrics</a>
<a href="/-/ready">Ready?</a>
<a href="/api/v1/status">Status as JSON</a>
</nav>
<main>
{_collectors(status)}
{_families(status)}
{_exporter(status)}
</main>
</body>
</html>
"""
    return page.encode("utf-8", "replace")


def _banner(status: Status) -> str:
    states = [_state(collector) for collector in status.collectors]
    wrong = sum(state in (_DOWN, _STALE) for state in states)
    if not states:
        none = "No collectors are configured."
        shared = f"Other shards poll all of the {_counted(status.targets, 'target')}."
        return _paragraph("none", shared if status.shard_total > 1 else none)
    if wrong:
        return _paragraph(
            "bad", f"{wrong} of {_counted(len(states), 'collector')} cannot be polled."
        )
    if _NEVER in states:
        waiting = states.count(_NEVER)
        return _paragraph("none", f"Starting: {waiting} of {len(states)} not yet polled.")
    return _paragraph("good", "All collectors are up.")


def _paragraph(style: str, text: str) -> str:
    return f'<p class="banner {style}">{text}</p>'


def _collectors(status: Status) -> str:
    if not status.collectors:
        return ""
    order = sorted(
        status.collectors, key=lambda c: (_STATES.index(_state(c)), c.target, c.collector)
    )
    rows = "\n".join(_collector(collector, status.now) for collector in order)
    seen = {_state(collector) for collector in order}
    legend = "".join(
        _definition(f'<span class="state {state.style}">{state.word}</span>', state.meaning)
        for state in _STATES
        if state in seen
    )
    return f"""<h2>Targets and collectors</h2>
<table class="collectors">
<thead><tr><th>State</th><th>Target</th><th>Collector</th><th>Last success (UTC)</th>
<th>Next poll</th><th class="number">Records</th><th class="number">Invalid</th></tr></thead>
{rows}
</table>
<dl>{legend}</dl>"""


def _collector(collector: CollectorStatus, now: float) -> str:
    state = _state(collector)
    cells = "".join(_cells(collector, state, now))
    return f"<tbody><tr>{cells}</tr>{_error(collector, now)}</tbody>"


def _cells(collector: CollectorStatus, state: _State, now: float) -> Iterator[str]:
    every = f"every {format_duration(collector.interval)}"
    if collector.poll_seconds is not None:
        every += f", took {collector.poll_seconds:.1f} s"
    yield f'<td><span class="state {state.style}">{state.word}</span></td>'
    yield f"<td><b>{_name(collector.target)}</b> <small>{escape(collector.system)}</small></td>"
    yield f"<td>{escape(collector.collector)} <small>{every}</small></td>"
    yield _fact("Last success (UTC)", _moment(collector.last_success, now))
    yield _fact("Next poll", _until(collector.next_poll, now))
    records = "none" if collector.records is None else f"{collector.records:,}"
    yield _fact("Records", records, "number")
    style = "number warn" if collector.invalid else "number"
    yield _fact("Invalid", f"{collector.invalid:,}", style)


def _fact(name: str, content: str, style: str = "") -> str:
    return f'<td data-name="{name}" class="fact {style}">{content}</td>'


def _name(text: str) -> str:
    """Keep text that runs from right to left from turning what stands beside it."""
    return f"<bdi>{escape(text)}</bdi>"


def _error(collector: CollectorStatus, now: float) -> str:
    if not collector.reason and not collector.error:
        return ""
    failures = _counted(collector.failures_in_a_row, "failure")
    tried = f", tried {_ago(collector.last_attempt, now)}" if collector.last_attempt else ""
    return (
        f'<tr class="error"><td colspan="7"><b class="bad">{escape(collector.reason)}</b>'
        f" {_name(collector.error)}"
        f" <small>{failures} in a row{tried}</small></td></tr>"
    )


def _families(status: Status) -> str:
    if not status.families:
        return ""
    rows = "\n".join(
        f'<tr><td><code>{escape(name)}</code></td><td class="number">{count:,}</td></tr>'
        for name, count in status.families[:FAMILIES]
    )
    total = sum(count for _, count in status.families)
    return f"""<h2>Biggest families</h2>
<p class="soft">{_counted(total, "polled sample")}
in {_counted(len(status.families), "family", "families")}.</p>
<table class="families">
<thead><tr><th>Family</th><th class="number">Samples</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>"""


def _exporter(status: Status) -> str:
    state = (
        f"<code>{escape(status.state_path)}</code>"
        if status.state_path
        else "not kept: counters begin at 0 at every start (set state.path to keep them)"
    )
    demo = f"simulated clouds, controlled at <code>{escape(status.demo)}</code>"
    facts = [
        ("Time", f"{_utc(status.now)} UTC"),
        ("Started", _moment(status.started, status.now)),
        ("Ready", "yes" if status.ready else "not yet"),
        ("State file", state),
        *([("Shard", _shard(status))] if status.shard_total > 1 else []),
        *([("Demo", demo)] if status.demo else []),
    ]
    return f"<h2>Exporter</h2>\n<dl>{''.join(_definition(*fact) for fact in facts)}</dl>"


def _shard(status: Status) -> str:
    polled = _counted(status.targets, "target")
    return f"index {status.shard_index} of {status.shard_total}: polls {status.polled} of {polled}"


def _definition(term: str, text: str) -> str:
    return f"<dt>{term}</dt><dd>{text}</dd>"


def _state(collector: CollectorStatus) -> _State:
    if collector.stale:
        return _STALE
    if collector.up is None:
        return _NEVER
    return _UP if collector.up else _DOWN


def _moment(moment: float | None, now: float) -> str:
    if moment is None:
        return "never"
    return f"{_utc(moment)} <small>{_ago(moment, now)}</small>"


def _utc(moment: float) -> str:
    text = f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}"
    return f'<time datetime="{text.replace(" ", "T")}Z">{text}</time>'


def _until(moment: float | None, now: float) -> str:
    if moment is None:
        return ""
    return f"in {_rough(moment - now)}" if moment - now >= 1 else "now"


def _ago(moment: float, now: float) -> str:
    return f"{_rough(now - moment)} ago" if now - moment >= 1 else "just now"


def _rough(seconds: float) -> str:
    """Return a duration of two units at most."""
    unit = UNITS["h"] if seconds >= UNITS["d"] else UNITS["m"] if seconds >= UNITS["h"] else 1.0
    return format_duration(seconds // unit * unit)


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
