"""The dashboard of the exporter itself: polls, requests, credentials, doubtful readings."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from grafana.overview import CHOSEN, COLLECTOR, number
from grafana.panels import (
    GREEN,
    MAY_BE_EMPTY,
    RED,
    Column,
    Json,
    dashboard,
    graph,
    mapping,
    row,
    stat,
    steps,
    table,
)

OWN = "cloud_task_exporter"
JOB = 'job=~"$job"'
BY = "target, system, collector"
DOUBTS = {
    "Hidden": "tasks_hidden",
    "Invalid": "tasks_invalid",
    "Vanished": "tasks_vanished",
    "Inconsistent list": "list_inconsistent",
    "Schedules unclear": "schedules_not_understood",
    "Unknown words": "unknown_words",
    "Duplicate series": "duplicate_series",
}
"""What may be wrong with a reading."""


def _now() -> list[Json]:
    return [
        stat(
            "Exporter",
            "Whether Prometheus reaches an exporter.",
            f"max(up{{{JOB}}})",
            noValue="absent",
            mappings=mapping({"1": ("up", GREEN), "0": ("down", RED)}),
            thresholds=steps((1, GREEN), first=RED),
        ),
        stat(
            "Targets configured",
            "Targets in the configuration.",
            f"max({OWN}_targets_configured{{{JOB}}})",
            thresholds=steps(),
        ),
        stat(
            "Series",
            "Samples of polled families on the page.",
            f"max({OWN}_series{{{JOB}}})",
            unit="short",
            thresholds=steps(),
        ),
        stat(
            "Throttled",
            "Requests of the last hour that clouds refused because of their rate.",
            f"sum(increase({OWN}_api_throttled_total{{{CHOSEN}}}[1h])) or 0 * count({COLLECTOR})",
            decimals=0,
        ),
        stat(
            "Collectors down",
            "Collectors whose last poll failed.",
            number(f"{COLLECTOR} == 0", COLLECTOR),
        ),
        stat(
            "State file set aside",
            "Whether this start could not use its state file and began to count anew.",
            f"max({OWN}_state_set_aside{{{JOB}}})",
            mappings=mapping({"0": ("no", GREEN), "1": ("yes", RED)}),
        ),
    ]


def _polls() -> list[Json]:
    failures = f"increase({OWN}_poll_failures_total{{{CHOSEN}}}[1h])"
    duration = f"max by ({BY}) ({OWN}_collector_poll_duration_seconds{{{CHOSEN}}})"
    return [
        graph(
            "Failed polls",
            f"Each point: the polls that failed in the hour before it, by reason. {MAY_BE_EMPTY}",
            [
                (
                    f"sum by (target, collector, reason) ({failures}) > 0",
                    "{{target}} {{collector}}: {{reason}}",
                )
            ],
            decimals=0,
            top=5,
        ),
        graph(
            "Duration of polls",
            "How long the last poll of each collector took.",
            [(duration, "{{target}} {{collector}}")],
            unit="s",
        ),
    ]


def _losses() -> list[Json]:
    lost = {
        "polls_skipped": "skipped polls",
        "history_gaps": "history gaps",
        "state_write_failures": "failed writes of state",
    }
    return [
        graph(
            "Runs that may be uncounted",
            "Each point: what happened in the hour before it that can keep runs from being counted:"
            " polls left out, histories that did not reach back, state that was not written.",
            [
                (f"sum(increase({OWN}_{name}_total{{{CHOSEN}}}[1h]))", legend)
                for name, legend in lost.items()
            ],
            decimals=0,
            top=5,
        ),
        graph(
            "Clock skew",
            "The cloud's clock minus the exporter's. Far from 0, signatures are refused.",
            [(f"max by (target) ({OWN}_clock_skew_seconds{{{CHOSEN}}})", "{{target}}")],
            unit="s",
            top=1,
        ),
    ]


def _requests() -> list[Json]:
    requests = f"rate({OWN}_api_requests_total{{{CHOSEN}}}[5m])"
    durations = f"rate({OWN}_api_request_duration_seconds_bucket{{{CHOSEN}}}[15m])"
    return [
        graph(
            "Requests to the clouds",
            "By system and HTTP status, or the reason why there was no answer; over five minutes.",
            [(f"sum by (system, code) ({requests})", "{{system}} {{code}}")],
            unit="reqps",
            stack=True,
        ),
        graph(
            "Duration of requests, 95th percentile",
            "By operation, over a quarter of an hour; a gap is a time without requests.",
            [
                (
                    f"histogram_quantile(0.95, sum by (system, operation, le) ({durations})) > 0",
                    "{{system}} {{operation}}",
                )
            ],
            unit="s",
        ),
    ]


def _doubts() -> Json:
    columns = [
        Column(title, f"max by ({BY}) ({OWN}_{name}{{{CHOSEN}}})", bad_above=0)
        for title, name in DOUBTS.items()
    ]
    shift = f"max by ({BY}) (abs({OWN}_schedule_zone_shift_seconds{{{CHOSEN}}}))"
    return table(
        "Doubtful readings",
        "What was odd in the last reading of each collector: tasks without series because of the"
        " limit, records left out, tasks that vanished all at once, lists that changed while read,"
        " schedules that are not understood or are in another time zone, and unknown words.",
        {"target": "Target", "system": "System", "collector": "Collector"},
        [*columns, Column("Time zone off by", shift, "s", bad_above=0)],
        sort="Hidden",
    )


def _credentials() -> Json:
    ends = f"max by (credentials) ({OWN}_credential_expiry_timestamp_seconds{{{JOB}}})"
    fetched = f"max by (credentials) (increase({OWN}_credential_refreshes_total{{{JOB}}}[1h]))"
    return table(
        "Credentials",
        "Tokens and temporary keys: how long the present one lasts (- if it does not expire), and"
        f" how many were fetched in the last hour. {MAY_BE_EMPTY}",
        {"credentials": "Credentials"},
        [Column("Fetched", fetched), Column("Lasts for", f"{ends} - time()", "s")],
        sort="Credentials",
    )


def exporter() -> Json:
    """Return "Cloud tasks / Exporter"."""
    return dashboard(
        "cloud-tasks-exporter",
        "Cloud tasks / Exporter",
        "How well the exporter sees: polls, requests, credentials, doubtful readings.",
        [
            (1, [row("Now")]),
            (4, _now()),
            (7, [_doubts()]),
            (1, [row("Polls")]),
            (8, _polls()),
            (8, _losses()),
            (1, [row("Requests and credentials")]),
            (8, _requests()),
            (6, [_credentials()]),
        ],
    )
