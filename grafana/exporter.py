"""The dashboard of the exporter itself: freshness, polls, requests, doubts, the process."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from grafana import collectors, process
from grafana.dashboard import JOB, dashboard, four_a_line, variables
from grafana.panels import (
    GREEN,
    NOTHING,
    RED,
    Json,
    graph,
    mapping,
    may_be_empty,
    row,
    stat,
    steps,
    wide,
)
from grafana.scope import ALL, HERE, OWN, number, within_the_hour
from grafana.table import Column, Label, table

DOUBTS = {
    "Hidden": "tasks_hidden",
    "Invalid": "tasks_invalid",
    "Vanished": "tasks_vanished",
    "Inconsistent": "list_inconsistent",
    "Unclear schedules": "schedules_not_understood",
    "Doubtful zones": "schedule_zone_doubtful",
    "Unknown words": "unknown_words",
    "Duplicates": "duplicate_series",
}
"""What may be wrong with a reading."""


def _throttled() -> str:
    return within_the_hour(f"{OWN}_api_throttled_total{{{ALL.chosen}}}")


def _now() -> list[Json]:
    throttled = f"sum({_throttled()})"
    polled = f"{OWN}_target_polled{{{HERE}}}"
    config, web = (
        f"min({OWN}_{which}_last_reload_successful{{{JOB}}})" for which in ("config", "web_config")
    )
    return [
        collectors.reached(),
        collectors.down(ALL),
        stat(
            "Nobody polls",
            "Targets of the configuration that no exporter polls: one of several that share them is"
            " missing. Which: the last table below.",
            number(f"sum by (target) ({polled}) < 1", polled),
        ),
        stat(
            "Throttled",
            "Requests of the last hour that clouds refused because of their rate.",
            f"{throttled} and count({ALL.up}) or 0 * count({ALL.up})",
            decimals=0,
        ),
        stat(
            "Configuration",
            "Whether the configuration as it is now is in force, and so are certificates and"
            " passwords; a wrong one never is, and the one before stays.",
            f"{config} * {web} or {config}",
            mappings=mapping({"1": ("in force", GREEN), "0": ("refused", RED)}),
            thresholds=steps(),
        ),
        stat(
            "State set aside",
            "Whether this start could not use its state file and began to count anew.",
            f"max({OWN}_state_set_aside{{{JOB}}})",
            mappings=mapping({"0": ("no", GREEN), "1": ("yes", RED)}),
        ),
        stat(
            "Targets",
            "Targets in the configuration.",
            f"max({OWN}_targets_configured{{{JOB}}})",
            thresholds=steps(),
        ),
        stat(
            "Series",
            "Samples of polled families on the pages of all exporters.",
            f"sum({OWN}_series{{{JOB}}})",
            unit="short",
            thresholds=steps(),
        ),
    ]


def _doubts() -> Json:
    columns = [
        Column(name, ALL.of_collectors(which), bad_above=0) for name, which in DOUBTS.items()
    ]
    shift = f"abs({ALL.of_collectors('schedule_zone_shift_seconds')})"
    return table(
        "Doubtful readings",
        "What was odd in the last reading of each collector: tasks without series because of the"
        " limit, records left out, tasks that vanished all at once, lists that changed while read,"
        " schedules that are not understood or are in another time zone, and unknown words."
        " What is said of schedules and zones is - where there are no schedules.",
        collectors.LABELS,
        [*columns, Column("Zone off by", shift, "s", bad_above=0)],
        sort="Hidden",
    )


def _polls() -> list[Json]:
    failures = f"increase({OWN}_poll_failures_total{{{ALL.chosen}}}[1h])"
    return [
        graph(
            "Failed polls",
            "Each point: the polls that failed in the hour before it, by reason."
            f" {may_be_empty('no poll fails')}",
            [
                (
                    f"sum by (target, reason) ({failures}) > 0",
                    "{{target}}: {{reason}}",
                )
            ],
            decimals=0,
            top=5,
            noValue=NOTHING,
        ),
        graph(
            "Duration of polls",
            "How long the last poll of each collector took.",
            [(ALL.of_collectors("collector_poll_duration_seconds"), "{{target}} {{collector}}")],
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
                (f"sum(increase({OWN}_{name}_total{{{ALL.chosen}}}[1h]))", legend)
                for name, legend in lost.items()
            ],
            decimals=0,
            top=5,
        ),
        graph(
            "Tasks read",
            "How many tasks of the chosen types each target's last good reading had. One that drops"
            " to nothing may have lost a right.",
            [(ALL.tasks("cloud_tasks", "target"), "{{target}}")],
            decimals=0,
        ),
    ]


def _requests() -> list[Json]:
    requests = f"rate({OWN}_api_requests_total{{{ALL.chosen}}}[$__rate_interval])"
    taken = f"increase({OWN}_api_request_duration_seconds_bucket{{{ALL.chosen}}}[15m])"
    durations = graph(
        "Duration of requests, 95th percentile",
        "By operation, over a quarter of an hour; a gap is a time without requests.",
        [
            (
                f"histogram_quantile(0.95, sum by (system, operation, le) ({taken})) >= 0",
                "{{system}} {{operation}}",
            )
        ],
        unit="s",
        aside=True,
    )
    return [
        graph(
            "Requests to the clouds",
            "By system and HTTP status, or the reason why there was no answer.",
            [(f"sum by (system, code) ({requests})", "{{system}} {{code}}")],
            unit="reqps",
            stack=True,
        ),
        graph(
            "Requests refused for their rate",
            "Each point: those of the hour before it, by target.",
            [(f"sum by (target) ({_throttled()})", "{{target}}")],
            decimals=0,
            top=5,
        ),
        wide(durations, 10),
    ]


def _credentials() -> list[Json]:
    ends = f"max by (credentials) ({OWN}_credential_expiry_timestamp_seconds{{{JOB}}})"
    refreshes = within_the_hour(f"{OWN}_credential_refreshes_total{{{JOB}}}")
    fetched = f"max by (credentials) ({refreshes})"
    return [
        table(
            "Credentials",
            "Tokens and temporary keys: how many were fetched in the last hour, and how long the"
            " present one lasts. Lasts for is - where nothing expires.",
            {"credentials": Label("Credentials")},
            [
                Column("Fetched", fetched, more={"decimals": 0}),
                Column("Lasts for", f"{ends} - time()", "s"),
            ],
            sort="Credentials",
        ),
        graph(
            "Clock skew",
            "The cloud's clock minus the exporter's. Far from 0, signatures are refused.",
            [(f"max by (target) ({OWN}_clock_skew_seconds{{{ALL.chosen}}})", "{{target}}")],
            unit="s",
            top=1,
        ),
    ]


def exporter() -> Json:
    """Return "Cloud tasks / Exporter"."""
    return dashboard(
        "exporter",
        "Exporter",
        "How well the exporter sees: freshness, polls, requests, doubtful readings, its process.",
        variables(ALL.system),
        [
            (1, [row("Now")]),
            *four_a_line(_now()),
            (1, [row("Freshness")]),
            (9, collectors.freshness(ALL)),
            (9, [_doubts()]),
            (1, [row("Polls")]),
            (8, _polls()),
            (8, _losses()),
            (1, [row("Requests and credentials")]),
            (8, _requests()),
            (7, _credentials()),
            (1, [row("The process")]),
            (7, process.numbers()),
            (7, process.doors()),
        ],
    )
