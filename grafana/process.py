"""Panels on the exporters as programs: what they take, who polls what, and who is refused."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from grafana.collectors import BUILD
from grafana.dashboard import JOB
from grafana.panels import RED, Json, graph, may_be_empty
from grafana.scope import HERE, OWN
from grafana.table import Column, Label, table


def numbers() -> list[Json]:
    """Return what each exporter takes, and how much it shows."""
    used, memory = (
        f"{what} and on (job, instance) {BUILD}"
        for what in (
            f"rate(process_cpu_seconds_total{{{JOB}}}[$__rate_interval])",
            f"process_resident_memory_bytes{{{JOB}}}",
        )
    )
    return [
        graph(
            "Memory",
            "Resident memory of each exporter.",
            [(f"max by (instance) ({memory})", "{{instance}}")],
            unit="bytes",
        ),
        graph(
            "Processor",
            "Share of one processor that each exporter uses.",
            [
                (f"sum by (instance) ({used})", "{{instance}}"),
            ],
            unit="percentunit",
        ),
        graph(
            "Series on the page",
            "Samples of polled families that each exporter shows; Prometheus keeps them all.",
            [(f"max by (instance) ({OWN}_series{{{JOB}}})", "{{instance}}")],
            unit="short",
        ),
    ]


def doors() -> list[Json]:
    """Return who polls what, and who is refused."""
    polled = f"{OWN}_target_polled{{{HERE}}}"
    pollers = f"sum by (target) ({polled})"
    each = f"max by (target, instance) ({polled} == 1) * on (target) group_left () {pollers}"
    wrong = f"increase({OWN}_web_wrong_passwords_total{{{JOB}}}[1h])"
    return [
        table(
            "Who polls which target",
            "Each target of the configuration with the exporter that polls it: of several that"
            " share targets, exactly one should.",
            {"target": Label("Target"), "instance": Label("Exporter", least=160)},
            [
                Column(
                    "Polled by",
                    f"{each} or on (target) {pollers}",
                    words={"0": ("nobody", RED)},
                    bad_above=1,
                )
            ],
            sort="Target",
        ),
        graph(
            "Wrong passwords",
            "Each point: the requests to each exporter in the hour before it with a wrong name or"
            " password: one was changed, or somebody tries some out."
            f" {may_be_empty('nobody is asked for a password')}",
            [(f"max by (instance) ({wrong})", "{{instance}}")],
            decimals=0,
            top=5,
        ),
    ]
