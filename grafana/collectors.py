"""Panels on the collectors: whether what the other panels show is current."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from grafana.dashboard import JOB, link
from grafana.panels import GREEN, RED, Json, graph, mapping, stat, steps, wide
from grafana.scope import COLLECTOR, OWN, Scope, number
from grafana.table import Column, Label, table

LABELS = {
    "target": Label("Target"),
    "system": None,
    "collector": Label("Collector", width=138),
}
REASON = {"reason": Label("Reason", width=100)}
BUILD = f"{OWN}_build_info{{{JOB}}}"
"""By which an exporter is told from other programs, which All jobs would hold too."""
ANSWERS = {"1": ("good", GREEN), "0": ("failed", RED)}


def reached() -> Json:
    """Return whether there is an exporter at all."""
    up = f"up{{{JOB}}}"
    was_one = f"last_over_time({BUILD}[7d])"
    others = f"max_over_time({up}[7d]) == 1 unless on (job, instance) {was_one}"
    never_seen = f"{up} and on (job) {BUILD} unless on (job) ({others})"
    exporters = f"{was_one} or ({never_seen})"
    return stat(
        "Exporter",
        "Whether Prometheus reaches each exporter that it looks for: what was one within a week,"
        " or stands beside nothing but exporters. What one that is down polls is not current here.",
        f"min({up} and on (job, instance) ({exporters}))",
        noValue="absent",
        mappings=mapping({"1": ("up", GREEN), "0": ("down", RED)}),
        thresholds=steps((1, GREEN), first=RED),
    )


def down(scope: Scope) -> Json:
    """Return how many collectors are down."""
    return stat(
        "Collectors down",
        "Collectors whose last poll failed: what this page says of them is old.",
        number(f"{scope.up} == 0", scope.up),
        links=[link("exporter", "How well the exporter sees")],
    )


def freshness(scope: Scope) -> list[Json]:
    """Return how old what is shown is: now and over time."""
    interval = scope.of_collectors("collector_interval_seconds")
    why = f"0 * max by ({COLLECTOR}, reason) ({OWN}_collector_failing{{{scope.chosen}}})"
    last = f"{scope.up} == 1 or on ({COLLECTOR}) {why} or on ({COLLECTOR}) {scope.up}"
    now = table(
        "Collectors",
        "Whether the last poll of each collector gave a whole reading, or why not, how old that is,"
        " and how often it is polled.",
        LABELS | REASON,
        [
            Column("Last poll", last, words=ANSWERS),
            Column("Age of data", scope.age, "s"),
            Column("Polled every", interval, "s"),
        ],
        sort="Age of data",
    )
    over_time = graph(
        "Age of data, in intervals",
        "How old the last whole reading is, measured in polls. Near 1 is normal; above 3, polls"
        " fail or are slow.",
        [(f"({scope.age}) / {interval}", "{{target}} {{collector}}")],
        decimals=1,
        top=3,
    )
    return [wide(now, 13), over_time]
