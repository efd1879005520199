"""Tests of the alert rules: that each alert is seen in all the ways that matter at night."""

import re
from pathlib import Path
from typing import Any

import pytest
from test_alerts import ALERTS, FOLDER, RULES, TESTS, documents, rules

Case = dict[str, Any]

GAP, POD, RESET = "scrape gap", "restart as another pod", "counter reset"
COUNTS = re.compile(r"\w+_total\b|cloud_task_consecutive_failures")
"""Families that begin anew with an exporter that remembers nothing."""
EXPRESSIONS = {r["record"]: r["expr"] for p in RULES for r in rules(p) if "record" in r}
"""What is recorded, by name."""
CASES: list[Case] = [case for path in TESTS for case in documents(path)["tests"]]


def cases_of(alert: str) -> list[Case]:
    """Return the tests that are named after an alert."""
    return [case for case in CASES if case["name"].startswith(f"{alert}: ")]


def excuses(path: Path) -> set[tuple[str, str, str]]:
    """Return alert, missing case and reason, as the comment at the top of a file tells them."""
    comment = path.read_text(encoding="utf-8").split("\nrule_files:", 1)[0]
    told = re.sub(r"\n# {3}", " ", comment)
    lines = re.findall(r"^# ([\w, ]+): no ([a-z ]+), because (.+)\.$", told, re.MULTILINE)
    return {(alert, case, why) for names, case, why in lines for alert in names.split(", ")}


EXCUSED = {(alert, case): why for path in TESTS for alert, case, why in excuses(path)}


def seen(alert: str, case: Case) -> list[bool]:
    """Return whether the alert fires, check by check in order of time."""
    return [
        bool(check["exp_alerts"])
        for check in case.get("alert_rule_test", ())
        if check["alertname"] == alert
    ]


def whole(expression: str) -> str:
    """Return an expression and those of all recording rules that it asks, one way or another."""
    recorded = dict(EXPRESSIONS)
    while found := [name for name in recorded if name in expression]:
        expression += "".join(f" {recorded.pop(name)}" for name in found)
    return expression


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_fires_and_resolves(alert: str) -> None:
    """In one test it is silent, then fires, and then is silent again."""
    courses = [seen(alert, case) for case in cases_of(alert)]

    assert any(
        False in course[: course.index(True)] and course[-1] is False
        for course in courses
        if True in course
    )


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_leaves_the_near_miss_alone(alert: str) -> None:
    """There is something that is nearly as bad, and it does not fire for that."""
    near = [case for case in cases_of(alert) if re.search(r"leaves .*alone", case["name"])]

    assert near
    for case in near:
        silent = [check for check in case.get("alert_rule_test", ()) if not check["exp_alerts"]]
        silent += [check for check in case.get("promql_expr_test", ()) if not check["exp_samples"]]
        assert silent


@pytest.mark.parametrize("case", [GAP, POD, RESET])
@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_survives_what_happens_to_exporters(alert: str, case: str) -> None:
    """It fires before, during and after, once at every minute; or its file says why not."""
    found = [one for one in cases_of(alert) if one["name"] == f"{alert}: survives a {case}"]

    assert len(found) + ((alert, case) in EXCUSED) == 1
    for one in found:
        series = [(each["series"], str(each["values"])) for each in one["input_series"]]
        others = {re.findall(r'instance="(\w+):', name)[0] for name, _ in series}
        stale = [values for _, values in series if "stale" in values]
        assert others == ({"a", "b"} if case == POD else {"a"})
        assert bool(stale) is (case != RESET)
        assert all(values.endswith("stale") is (case == POD) for values in stale)
        (check,) = one["promql_expr_test"]
        fires = f'ALERTS{{alertname="{alert}", alertstate="firing"}}'
        asked = re.fullmatch(r"sum_over_time\(count\((.+)\)\[(\d+)m\w*:(\d+)m\]\)", check["expr"])
        assert asked is not None
        assert asked[1] == fires
        assert check["exp_samples"][0]["value"] == int(asked[2]) // int(asked[3]) + 1


def test_excuses_hold() -> None:
    """They are of alerts that exist, and what should ask for gauges only asks for no counter."""
    gauges = {
        alert for (alert, case), why in EXCUSED.items() if (case, "gauges" in why) == (RESET, True)
    }
    counting = {alert for alert in gauges if COUNTS.search(whole(ALERTS[alert]["expr"]))}

    assert {alert for alert, _ in EXCUSED} <= ALERTS.keys()
    assert {case for _, case in EXCUSED} <= {GAP, POD, RESET}
    assert counting == set()


def test_tests_name_what_they_test() -> None:
    """Each begins with an alert or a recorded name, and all rules files are tested."""
    names = {case["name"].split(": ", 1)[0] for case in CASES}

    assert names - EXPRESSIONS.keys() == set(ALERTS)
    assert [path.name for path in TESTS] == [path.name for path in RULES]
    assert FOLDER.name == "prometheus"
