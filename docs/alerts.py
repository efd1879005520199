"""The page of all alerts, and what the chart lists of them, read from the rules."""

# ruff: noqa: INP001 - no part of the package: it lies beside the pages that it serves

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from exporter.simulator.scenarios import SCENARIOS

FOLDER = Path(__file__).parent.parent / "prometheus"
RULES = FOLDER / "rules"
TEAM_FIRST, TEAM_LAST = "{{ with $labels.severity }}{{ . }}{{ else }}", "{{ end }}"
"""Around the severity of an alert on a single task, whose team may have one of its own for it."""

TITLES = {
    "tasks": "FDI tasks, and whatever is late or does not end",
    "dms": "Background tasks of DMS",
    "ocp": "Tasks of OceanBase OCP",
    "slo": "Runs as a service level",
    "readings": "What the exporter read",
    "exporter": "The exporter itself",
    "shards": "Several exporters",
}
"""Headings of the files of rules that hold alerts."""
PAGE = """\
# Alerts

<!-- Written by `make docs` from prometheus/; edit the rules and scenarios.yaml there. -->

`critical` wakes somebody: it takes two runs at least that failed or never came, or that nobody
can see what runs do. `warning` waits in a queue, `info` is read when convenient. An alert on a
single task has the label `team` where an entry of `teams` in the configuration of its target
matches the task's name (`cloud_task_team_info`); where that entry has a `severity`, it comes before
the one that is told here with a \\*.

Each alert links to its runbook and to a dashboard. The links begin with
`https://runbooks.example/cloud-task-exporter` and `https://grafana.example`, which do not exist:
publish `docs/runbooks` where your colleagues can read it at night, and put both addresses in, once,
either into the files

```sh
sed -i -e 's#https://runbooks.example/cloud-task-exporter#https://wiki.my.org/runbooks#' \\
       -e 's#https://grafana.example#https://grafana.my.org#' prometheus/rules/*.yaml
```

or as `prometheusRule.runbookBaseUrl` and `prometheusRule.dashboardBaseUrl` of the chart.

Most alerts stay as they are for 15 minutes while the exporter restarts or cannot be scraped. Each
is tested for what raises it, for what nearly does, for its end, and over a gap, another pod and
counters that begin anew: `prometheus/tests`.

## Planned work

Silence what you are about to disturb, for as long as it takes, and only that:

```sh
amtool --alertmanager.url=http://127.0.0.1:9093 silence add --duration=2h \\
  --comment="upgrade of ROMA Connect" 'alertname=~"CloudTask.*"' target=roma-prod
```

What is silenced still holds back what `inhibit_rules` names. For hours that come back each week,
name them in the configuration of Alertmanager, and in a route that comes before the others and
takes their place for the alerts that it matches:

```yaml
time_intervals:
  - name: sunday-night
    time_intervals:
      - weekdays: [sunday]
        times: [{{start_time: "02:00", end_time: "04:00"}}]
        location: Asia/Shanghai
route:
  routes:
    - matchers: ['alertname=~"CloudTask.*"', 'target="roma-prod"', 'severity="critical"']
      receiver: page
      mute_time_intervals: [sunday-night]
```

What still fires when they are over is told then. Tasks that were due meanwhile and did not run stay
overdue until they have run once.

## All alerts
{alerts}

## What the simulated clouds raise

Each scenario of `cloud-task-exporter demo` and `simulate`, played for some time, with everyday life
before and after; the minutes since it began in which an alert begins and ends. The tests replay all
of it through the exporter and promtool.

| scenario | lasts | alert | begins | ends |
| --- | --- | --- | --- | --- |
{scenarios}

"""

Rule = dict[str, Any]


def alerts() -> Iterator[tuple[str, Rule]]:
    """Yield each alert with the name of its file, as the files have them."""
    for path in sorted(RULES.glob("*.yaml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from ((path.stem, rule) for rule in group["rules"] if "alert" in rule)


def severity(alert: Rule) -> str:
    """Return the severity of an alert where no team has another one for the task."""
    text: str = alert["labels"]["severity"]
    return text.removeprefix(TEAM_FIRST).removesuffix(TEAM_LAST)


def alerts_page() -> str:
    """Return docs/alerts.md."""
    return PAGE.format(alerts="\n".join(_alerts()), scenarios="\n".join(_scenarios()))


def _alerts() -> Iterator[str]:
    listed = list(alerts())
    for file, title in TITLES.items():
        yield f"\n### {title}\n"
        yield "| alert | severity | for | what is the matter |"
        yield "| --- | --- | --- | --- |"
        yield from (_row(rule) for stem, rule in listed if stem == file)


def _row(rule: Rule) -> str:
    name = rule["alert"]
    own = "\\*" if severity(rule) != rule["labels"]["severity"] else ""
    cells = (f"[{name}](runbooks/{name}.md)", severity(rule) + own, rule.get("for", "at once"))
    return f"| {' | '.join(cells)} | {rule['annotations']['summary']} |"


def _scenarios() -> Iterator[str]:
    declared = yaml.safe_load((FOLDER / "scenarios.yaml").read_text(encoding="utf-8"))
    for name, row in declared.items():
        first = (f"`{name}`: {SCENARIOS[name].summary}", f"{row['lasts']} min")
        courses = [_course(alert, when) for alert, when in row["raises"].items()]
        for cells in courses or [("none", "", "")]:
            yield f"| {' | '.join((*first, *cells))} |"
            first = ("", "")


def _course(alert: str, when: dict[str, list[int]]) -> tuple[str, str, str]:
    ends = _minutes(when["ends"]) if "ends" in when else "later"
    return alert, _minutes(when["fires"]), ends


def _minutes(window: list[int]) -> str:
    return "{} to {}".format(*window)
