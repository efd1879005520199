"""The configuration as a whole: defaults, precedence, and every mistake at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from exporter import log
from exporter.api.auth import SCHEMES
from exporter.config import MOST_PROBLEMS, load, parse
from exporter.config.settings import FdiTarget, LogSettings
from exporter.errors import ConfigError
from exporter.sources import SOURCES
from exporter.sources.source import Place

CANARY = "hunter2-canary"

GOOD = """\
credentials:
  huawei:
    kind: huawei_password
    iam_endpoint: https://iam.example
    domain: acme
    username: exporter
    password: hunter2-canary
    project: eu-west-101
  keys: {kind: huawei_aksk, access_key: hunter2-canary, secret_key: hunter2-canary}
  ocp: {kind: basic, username: viewer, password: hunter2-canary}
targets:
  - name: roma
    system: fdi
    endpoint: https://roma.example
    project_id: 0a1b
    instance_id: 5d0e
    credentials: huawei
  - name: kafka
    system: dms
    engine: kafka
    endpoint: https://dms.example/prefix
    project_id: 0a1b
    instance_id: 77f1
    credentials: keys
    collectors: {background_tasks: {interval: 2m}}
  - name: ocp
    system: ocp
    endpoint: http://127.0.0.1:8080
    credentials: ocp
"""


def mistakes(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """Return what is wrong with the text."""
    with pytest.raises(ConfigError) as caught:
        parse(text, environ or {})
    return list(caught.value.problems)


def test_a_short_file_is_enough() -> None:
    """All else has defaults; a collector that is not named is polled with its own."""
    config = parse(GOOD, {})
    roma, kafka, ocp = config.targets

    assert config.web.listen_address == (":10047",)
    assert config.web.telemetry_path == "/metrics"
    assert (config.log.level, config.log.format) == ("info", "auto")
    assert (config.defaults.request_timeout, config.defaults.poll_timeout) == (10.0, 45.0)
    assert config.defaults.per_task.limit == 1000
    assert [(name, one.enabled) for name, one in roma.collectors.items()] == [
        ("statistics", True),
        ("task_monitors", True),
        ("task_details", False),
        ("run_logs", False),
    ]
    assert kafka.collectors["background_tasks"].interval == 120.0
    assert ocp.collectors["task_instances"].interval == 30.0


def test_targets_know_their_system_and_place() -> None:
    """What the URLs of a system need comes from the keys of its targets."""
    roma, kafka, ocp = parse(GOOD, {}).targets

    assert [target.system for target in (roma, kafka, ocp)] == ["fdi", "dms", "ocp"]
    assert roma.place() == Place(target="roma", project_id="0a1b", instance_id="5d0e")
    assert kafka.place() == Place(
        target="kafka", project_id="0a1b", instance_id="77f1", engine="kafka"
    )
    assert ocp.place() == Place(target="ocp")


def test_credentials_know_their_kind_and_show_no_secret() -> None:
    """Options are of the type that the scheme wants; printing all of it gives nothing away."""
    config = parse(GOOD, {})

    assert {name: entry.kind for name, entry in config.credentials.items()} == {
        "huawei": "huawei_password",
        "keys": "huawei_aksk",
        "ocp": "basic",
    }
    assert all(
        isinstance(entry.options, SCHEMES[entry.kind].options_type)
        for entry in config.credentials.values()
    )
    assert CANARY not in repr(config)


def test_the_words_of_the_log_are_those_of_the_logger() -> None:
    """What the configuration takes, `log.configure` takes too."""
    hints = {field.name: get_args(field.type) for field in msgspec.structs.fields(LogSettings)}

    assert hints == {"level": tuple(log.LEVELS), "format": log.FORMATS}


BROKEN: list[tuple[str, str, str, str]] = [
    (
        "an empty file",
        GOOD,
        "",
        "the configuration is empty: it must name credentials and targets",
    ),
    (
        "only comments",
        GOOD,
        "# nothing\n",
        "the configuration is empty: it must name credentials and targets",
    ),
    ("a list", GOOD, "- a\n", "line 1: must be a mapping, not a list"),
    (
        "nothing that is needed",
        GOOD,
        "web: {}\n",
        ("line 1: credentials: is missing\nline 1: targets: is missing"),
    ),
    (
        "no target",
        GOOD[GOOD.index("targets:") :],
        "targets: []\n",
        "line 11: targets: must not be empty",
    ),
    (
        "a misspelt collector",
        "    collectors: {background_tasks",
        "    collectors: {background_task",
        (
            "line 25: targets[1].collectors.background_task: unknown key;"
            " did you mean background_tasks?"
        ),
    ),
    (
        "a misspelt key of a collector",
        "{interval: 2m}",
        "{intervall: 2m}",
        (
            "line 25: targets[1].collectors.background_tasks.intervall: unknown key;"
            " did you mean interval?"
        ),
    ),
    (
        "a collector of another system",
        "{background_tasks: {interval: 2m}}",
        "{statistics: {}}",
        (
            "line 25: targets[1].collectors.statistics: unknown key;"
            " that is a collector of fdi, and this target is dms"
        ),
    ),
    (
        "no collector enabled",
        "{interval: 2m}",
        "{enabled: false}",
        "line 25: targets[1].collectors: none is enabled, so the target would not be polled",
    ),
    (
        "an interval that is too short",
        "{interval: 2m}",
        "{interval: 500ms}",
        "line 25: targets[1].collectors.background_tasks.interval: must be at least 1s",
    ),
    (
        "stale before the next poll",
        "{interval: 2m}",
        "{interval: 2m, stale_after: 1m}",
        (
            "line 25: targets[1].collectors.background_tasks.stale_after: must not be"
            " shorter than interval"
        ),
    ),
    (
        "too many tasks",
        "{interval: 2m}",
        "{per_task: {limit: 100001}}",
        "line 25: targets[1].collectors.background_tasks.per_task.limit: must be at most 100000",
    ),
    (
        "an unusable regular expression",
        "{interval: 2m}",
        "{per_task: {include: '['}}",
        (
            "line 25: targets[1].collectors.background_tasks.per_task.include: '[' is not a regular"
            " expression: unterminated character set at position 0"
        ),
    ),
    (
        "a name twice",
        "name: kafka",
        "name: roma",
        "line 18: targets[1].name: targets[0] has that name already",
    ),
    (
        "an empty name",
        "name: kafka",
        "name: ''",
        (
            "line 18: targets[1].name: must have 1 to 100 printable characters and no"
            " space at its ends"
        ),
    ),
    (
        "an unknown reference",
        "credentials: keys",
        "credentials: key",
        (
            "line 24: targets[1].credentials: no entry of credentials has that name; did"
            " you mean keys?"
        ),
    ),
    (
        "a login for another system",
        "credentials: keys",
        "credentials: ocp",
        "line 24: targets[1].credentials: a login of kind basic is not for dms",
    ),
    (
        "a login of Huawei for OCP",
        "    credentials: ocp\n",
        "    credentials: huawei\n",
        "line 29: targets[2].credentials: a login of kind huawei_password is not for ocp",
    ),
    (
        "an unknown kind",
        "kind: huawei_aksk",
        "kind: huawei_aks",
        (
            "line 9: credentials.keys.kind: 'huawei_aks' is not one of basic, huawei_aksk,"
            " huawei_metadata, huawei_password, ocp_aksk; did you mean huawei_aksk?"
        ),
    ),
    (
        "an unknown system",
        "system: dms",
        "system: rds",
        "line 19: targets[1].system: 'rds' is not one of fdi, dms, ocp; did you mean dms?",
    ),
    (
        "a key of another system",
        "    endpoint: http://127.0.0.1:8080\n",
        "    endpoint: http://127.0.0.1:8080\n    engine: kafka\n",
        (
            "line 29: targets[2].engine: unknown key; known here: collectors, credentials,"
            " endpoint, labels, name, rate_limit, system, teams, tls"
        ),
    ),
    (
        "a key that is missing",
        "    endpoint: https://roma.example\n    project_id: 0a1b\n    instance_id: 5d0e\n",
        "",
        (
            "line 12: targets[0].instance_id: is missing\n"
            "line 12: targets[0].endpoint: is missing: give endpoint or region"
        ),
    ),
    (
        "an id that changes the path",
        "project_id: 0a1b\n    instance_id: 5d0e",
        "project_id: ../0a1b\n    instance_id: a/b",
        (
            "line 15: targets[0].project_id: must have 1 to 100 letters, digits, - and _ only\n"
            "line 16: targets[0].instance_id: must have 1 to 100 letters, digits, - and _ only"
        ),
    ),
    (
        "a secret twice",
        "access_key: hunter2-canary,",
        "access_key: hunter2-canary, access_key_file: x,",
        (
            "line 9: credentials.keys.access_key: give either access_key or"
            " access_key_file, not both"
        ),
    ),
    (
        "no secret",
        "access_key: hunter2-canary,",
        "",
        "line 9: credentials.keys.access_key: is missing: give access_key or access_key_file",
    ),
    (
        "a colon in a user name",
        "username: viewer",
        "username: 'vie:wer'",
        (
            "line 10: credentials.ocp.username: must not hold a colon: HTTP Basic ends"
            " the name there"
        ),
    ),
    (
        "an empty user name",
        "username: viewer",
        "username: ''",
        "line 10: credentials.ocp.username: must not be empty",
    ),
    (
        "a login in the clear",
        "iam_endpoint: https://",
        "iam_endpoint: http://",
        (
            "line 4: credentials.huawei.iam_endpoint: http would show credentials to everyone on"
            " the way: use https, or set tls.allow_http"
        ),
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "expected"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_broken_files_are_refused(old: str, new: str, expected: str) -> None:
    """Each with the messages that tell where and what, and with no secret in them."""
    assert GOOD.count(old) >= 1
    found = mistakes(GOOD.replace(old, new, 1))

    assert found == expected.splitlines()
    assert CANARY not in "\n".join(found)


def test_mistakes_in_all_parts_are_told_at_once() -> None:
    """A mistake in one key hides none in another, nor between keys."""
    text = GOOD
    for old, new in (
        ("name: kafka", "name: roma"),
        ("kind: huawei_aksk", "kind: huawei_aks"),
        ("project_id: 0a1b", "project_id: 15"),
        ("credentials: ocp", "credentials: opc"),
        ("credentials: huawei", "credentials: keys\n    labels: {job: x, a-b: y}"),
    ):
        text = text.replace(old, new, 1)

    assert mistakes(text) == [
        (
            "line 9: credentials.keys.kind: 'huawei_aks' is not one of basic, huawei_aksk,"
            " huawei_metadata, huawei_password, ocp_aksk; did you mean huawei_aksk?"
        ),
        "line 15: targets[0].project_id: must be text: put quotes around it",
        (
            "line 18: targets[0].labels.a-b: is no name of a label:"
            " letters, digits and _ only, and no digit in front"
        ),
        "line 18: targets[0].labels.job: Prometheus uses that label itself",
        "line 19: targets[1].name: targets[0] has that name already",
        "line 30: targets[2].credentials: no entry of credentials has that name; did you mean ocp?",
    ]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        *((name, "Prometheus uses that label itself") for name in ("job", "instance", "le")),
        *(
            (name, "the exporter's own metrics use that label")
            for name in ("target", "system", "task_type", "task_name", "engine", "collector")
        ),
        ("__name__", "labels with __ in front belong to Prometheus"),
        ("1st", "is no name of a label: letters, digits and _ only, and no digit in front"),
        ("täg", "is no name of a label: letters, digits and _ only, and no digit in front"),
    ],
)
def test_labels_never_clash_with_those_of_metrics(label: str, expected: str) -> None:
    """A clash would make Prometheus drop the scrape or rename the label."""
    text = GOOD.replace(
        "    credentials: keys", f"    credentials: keys\n    labels: {{{label}: x}}"
    )
    (found,) = mistakes(text)

    assert found.endswith(f": {expected}")


def test_labels_of_ones_own_are_kept() -> None:
    """In the order of the file, whatever text they have."""
    text = GOOD.replace(
        "    credentials: keys", "    credentials: keys\n    labels: {team: 'a \"b\"', stage: ''}"
    )

    assert parse(text, {}).targets[1].labels == {"team": 'a "b"', "stage": ""}


def test_a_secret_can_come_from_the_environment() -> None:
    """And is text, whatever it looks like."""
    text = GOOD.replace("password: hunter2-canary\n    project", "password: ${PW}\n    project")
    config = parse(text, {"PW": "123456"})

    assert config.credentials["huawei"].options.password.read() == "123456"
    assert mistakes(text) == [
        "line 7: credentials.huawei.password: the environment has no variable PW"
    ]
    assert mistakes(text, {"PW": ""}) == ["line 7: credentials.huawei.password: is empty"]


def test_load_looks_at_the_files_that_are_named(tmp_path: Path) -> None:
    """A missing secret is a mistake like any other; relative paths begin beside the file."""
    text = GOOD.replace("password: hunter2-canary\n    project", "password_file: pw\n    project")
    text = text.replace(
        "    credentials: keys", "    credentials: keys\n    tls: {ca_file: ca.pem}"
    )
    text = text.replace(
        "    credentials: ocp", "    credentials: ocp\n    tls: {ca_file: none.pem}"
    )
    path = tmp_path / "config.yaml"
    path.write_text(text)
    (tmp_path / "ca.pem").write_text(CANARY)

    with pytest.raises(ConfigError) as caught:
        load(path, {})

    missing = "No such file or directory"
    assert caught.value.problems == (
        (
            f"line 7: credentials.huawei.password_file: cannot read the secret file"
            f" {tmp_path}/pw: {missing}"
        ),
        f"line 25: targets[1].tls.ca_file: cannot read {tmp_path}/ca.pem: it holds no certificate",
        f"line 31: targets[2].tls.ca_file: cannot read {tmp_path}/none.pem: {missing}",
    )


def test_load_reads_what_parse_reads(tmp_path: Path) -> None:
    """With the files in their places there is nothing to complain about."""
    text = GOOD.replace("password: hunter2-canary\n    project", "password_file: pw\n    project")
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())  # as some editors save it
    (tmp_path / "pw").write_text("from-file\n")
    config = load(path, {}, {"--log.level": ["debug"]})

    assert config.credentials["huawei"].options.password.read() == "from-file"
    assert config.log.level == "debug"
    assert isinstance(config.targets[0], FdiTarget)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "cannot read {}: No such file or directory"),
        (CANARY.encode() + b"\xff", "{} is not text in UTF-8 (see byte 14)"),
        (b"", "{} is empty: it must name credentials and targets"),
        (b"#" * 2_000_000, "larger than 1024 KiB: this is no configuration file"),
    ],
)
def test_files_that_are_no_configuration(
    tmp_path: Path, content: bytes | None, expected: str
) -> None:
    """Each says in one line what it is instead."""
    path = tmp_path / "config.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        load(path, {})

    assert caught.value.problems == (expected.format(path),)
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path, {})


def test_the_list_of_mistakes_is_bounded() -> None:
    """A file of another program is all mistakes; a hundred tell as much as ten thousand."""
    text = GOOD + "".join(f"key_{number}: 1\n" for number in range(MOST_PROBLEMS + 50))
    found = mistakes(text)

    assert len(found) == MOST_PROBLEMS + 1
    assert found[-1] == "and 50 more mistakes"


@pytest.mark.parametrize(
    ("given", "at_once"),
    [
        ("", [4, 4, 1]),
        ("    rate_limit: {requests_per_second: 2}\n", [4, 4, 1]),
        ("    rate_limit: {concurrency: 3}\n", [4, 4, 3]),
    ],
)
def test_an_ocp_is_asked_one_request_at_a_time(given: str, at_once: list[int]) -> None:
    """Unless told otherwise; Huawei's clouds take some at once."""
    text = GOOD.replace(
        "    endpoint: http://127.0.0.1:8080\n", f"    endpoint: http://127.0.0.1:8080\n{given}"
    )

    assert [target.pace.concurrency for target in parse(text, {}).targets] == at_once


def test_the_registries_agree_with_the_configuration() -> None:
    """Every collector can be configured at targets of its system, and only there."""
    for target in parse(GOOD, {}).targets:
        own = [source.collector for source in SOURCES if source.system == target.system]

        assert list(target.collectors) == own
