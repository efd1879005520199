"""What a configuration may say, but hardly should."""

import json

import pytest

from exporter import app
from exporter.config import parse
from exporter.config.doubts import warnings

FILE = """\
credentials:
  keys:
    kind: huawei_aksk
    access_key: hunter2-canary
    secret_key: hunter2-canary
    iam_endpoint: {iam}
    project: eu-de
    tls: {iam_tls}
  token: {{kind: huawei_password, domain: d, username: u, password: hunter2-canary, region: eu-de}}
  ocp: {{kind: basic, username: u, password: hunter2-canary}}
targets:
  - {{name: kafka, system: dms, engine: kafka, {where}, instance_id: i, credentials: keys{more}}}
  - {{name: rabbit, system: dms, engine: rabbitmq, region: eu-de, instance_id: i,
      credentials: token}}
  - {{name: ocp, system: ocp, endpoint: "{ocp}", credentials: ocp, tls: {ocp_tls}}}
"""
NOTHING = {
    "iam": "https://iam.example",
    "iam_tls": "{}",
    "where": "region: eu-west-101",
    "more": "",
    "ocp": "https://ocp.example:8443",
    "ocp_tls": "{}",
}


def found(**changes: str) -> tuple[str, ...]:
    """Return the warnings that these changes lead to."""
    result = warnings(parse(FILE.format(**{**NOTHING, **changes}), {}))
    assert "canary" not in str(result)
    return result


def test_a_usual_configuration_leaves_no_doubt() -> None:
    """Nor does what never leaves the machine, however it is checked."""
    assert found() == ()
    loopback = "http://127.0.0.1:1"
    assert found(ocp=loopback, ocp_tls="{insecure_skip_verify: true, allow_http: true}") == ()


def test_what_everyone_on_the_way_can_read_is_told() -> None:
    """For logins and for targets, each by the name that stands in the file."""
    allowed = "{allow_http: true, insecure_skip_verify: true}"

    assert found(
        iam="http://iam.example", iam_tls=allowed, ocp="http://ocp.example:8080", ocp_tls=allowed
    ) == (
        (
            "credentials.keys: iam_endpoint is plain http:"
            " everyone on the way can read credentials and answers"
        ),
        "ocp: endpoint is plain http: everyone on the way can read credentials and answers",
    )


def test_what_is_not_verified_is_told() -> None:
    """A certificate that nobody checks is as good as none."""
    assert found(ocp_tls="{insecure_skip_verify: true}") == (
        (
            "ocp: endpoint is not verified (tls.insecure_skip_verify):"
            " anyone on the way can pose as it and read the credentials"
        ),
    )


def test_signatures_on_the_open_telekom_cloud_are_doubtful() -> None:
    """Nobody has shown that they are taken; tokens are."""
    assert found(where="region: eu-nl") == (
        (
            "kafka: it is not known whether the Open Telekom Cloud takes signatures like these;"
            " credentials of kind huawei_password are known to work"
        ),
    )


async def test_the_daemon_says_so_at_its_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the log, where whoever started it looks."""
    text = FILE.format(**{**NOTHING, "ocp": "http://ocp.example:8080"})
    text = text.replace("tls: {}}\n", "tls: {allow_http: true}}\n")
    config = parse(f"{text}web: {{listen_address: ['127.0.0.1:0']}}\nlog: {{format: json}}\n", {})

    async def stop_at_once() -> str:
        return "SIGTERM"

    monkeypatch.setattr(app, "stop_signal", stop_at_once)
    code = await app.run_daemon(config)

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (line,) = (line for line in lines if line["event"] == "config.doubtful")
    assert code == 0
    assert line["level"] == "warning"
    assert line["warning"] == (
        "ocp: endpoint is plain http: everyone on the way can read credentials and answers"
    )


def test_choosing_tasks_where_there_are_none_to_choose_is_told() -> None:
    """Tags of an API that knows none leave nothing; elsewhere the choice does nothing."""
    tags = ", collectors: {background_tasks: {per_task: {tags: [a]}}}"

    assert found(more=tags) == (
        (
            "kafka: collectors.background_tasks.per_task.tags shows no task at all:"
            " this API knows no tags"
        ),
    )
    text = FILE.format(**NOTHING) + (
        "  - {name: roma, system: fdi, region: eu-west-101, instance_id: i, credentials: keys,\n"
        "      collectors: {statistics: {per_task: {limit: 5}}}}\n"
    )
    assert warnings(parse(text, {})) == (
        "roma: collectors.statistics.per_task has no effect: there are no series for single tasks",
    )
