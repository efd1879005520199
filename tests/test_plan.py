"""Calls a minute, held against what the configuration allows."""

from exporter.commands.plan import make_plan, render
from exporter.config import parse
from exporter.config.settings import Config

TEXT = """\
credentials:
  keys: {kind: huawei_aksk, access_key: a, secret_key: s}
  spare: {kind: huawei_aksk, access_key: a, secret_key: s}
  ocp: {kind: basic, username: viewer, password: p}
targets:
  - name: roma
    system: fdi
    endpoint: https://roma.example
    project_id: p
    instance_id: i
    credentials: keys
    collectors: {task_monitors: {interval: 30s, page_size: 100}}
  - name: kafka
    system: dms
    engine: kafka
    endpoint: https://dms.example
    project_id: p
    instance_id: i
    credentials: keys
    collectors: {background_tasks: {interval: 2m}}
  - name: ocp
    system: ocp
    endpoint: https://ocp.example
    credentials: ocp
    collectors: {task_instances: {interval: 1m, details_per_poll: 10, task_ids: ["7"]}}
"""


def config(old: str = "", new: str = "") -> Config:
    """Return the configuration with one thing changed."""
    assert old in TEXT
    return parse(TEXT.replace(old, new, 1) if old else TEXT, {})


def test_each_collector_costs_its_calls_by_its_interval() -> None:
    """As many as an instance as full as may be expected takes; what is off costs nothing."""
    plan = make_plan(config())
    calls = {
        (target.target, one.collector): (one.calls_per_poll, one.calls_per_minute)
        for target in plan.targets
        for one in target.collectors
    }

    assert calls == {
        ("roma", "statistics"): (1, 2.0),
        ("roma", "task_monitors"): (11, 22.0),
        ("kafka", "background_tasks"): (2, 1.0),
        ("ocp", "task_instances"): (13, 13.0),
    }


def test_calls_add_up_by_target_and_by_credentials() -> None:
    """Rate limits are per target, quotas of the clouds per account."""
    plan = make_plan(config())

    assert [(one.calls_per_minute, one.limit_per_minute) for one in plan.targets] == [
        (24.0, 300.0),
        (1.0, 300.0),
        (13.0, 300.0),
    ]
    assert plan.per_credentials == {"keys": 25.0, "spare": 0.0, "ocp": 13.0}


def test_a_plan_within_its_limits_warns_only_of_what_is_not_used() -> None:
    """An entry of credentials that nothing refers to is hardly meant."""
    assert make_plan(config()).warnings == ("credentials.spare: no target uses it",)


def test_more_calls_than_the_rate_limit_lets_through_are_warned_of() -> None:
    """They would come late, each poll later than the one before."""
    new = "    credentials: ocp\n    rate_limit: {requests_per_second: 0.2}\n"
    plan = make_plan(config("    credentials: ocp\n", new))

    assert plan.warnings[:2] == (
        (
            "ocp: 13 calls a minute are more than its rate_limit allows (12): polls will come late;"
            " poll less often or raise requests_per_second"
        ),
        (
            "ocp: a poll of task_instances may take 13 calls, at least 65s at its rate_limit,"
            " but its timeout is 45s"
        ),
    )


def test_details_of_all_tasks_fit_into_their_own_timeout_by_default() -> None:
    """A thousand calls at five a second take 200 seconds; the default timeout lets them."""
    old = "{task_monitors: {interval: 30s, page_size: 100}}"
    plan = make_plan(config(old, "{task_details: {enabled: true}}"))
    details = plan.targets[0].collectors[-1]

    assert (details.collector, details.calls_per_poll) == ("task_details", 1002)
    assert len(plan.warnings) == 1


def test_a_plan_is_shown_as_tables() -> None:
    """One line for each collector, a sum for each target, then the credentials."""
    assert render(make_plan(config())) == (
        "TARGET  SYSTEM  COLLECTOR         INTERVAL  CALLS A POLL  CALLS A MINUTE\n"
        "roma    fdi     statistics        30s       1             2\n"
        "roma    fdi     task_monitors     30s       11            22\n"
        "roma    fdi     all                                       24 of 300 allowed\n"
        "kafka   dms     background_tasks  2m        2             1\n"
        "kafka   dms     all                                       1 of 300 allowed\n"
        "ocp     ocp     task_instances    1m        13            13\n"
        "ocp     ocp     all                                       13 of 300 allowed\n"
        "\n"
        "CREDENTIALS  CALLS A MINUTE\n"
        "keys         25\n"
        "spare        0\n"
        "ocp          13\n"
    )
