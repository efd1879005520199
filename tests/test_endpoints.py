"""Where things are sent: mistakes in URLs, regions and projects, each with its exact message."""

import pytest

from exporter.config import parse
from exporter.config.settings import HuaweiTarget
from exporter.errors import ConfigError
from exporter.sources.source import Place

READABLE = "http would show credentials to everyone on the way: use https, or set tls.allow_http"
MISSING = "is missing: give it here, or let the credentials name region or project"
PASSWORD = "kind: huawei_password, domain: acme, username: u, password: hunter2-canary"
KEYS = "kind: huawei_aksk, access_key: hunter2-canary, secret_key: hunter2-canary"
AGENCY = "kind: huawei_metadata"
BASIC = "kind: basic, username: u, password: hunter2-canary"
FDI = "system: fdi, instance_id: i"
DMS = "system: dms, engine: kafka, instance_id: i"
OCP = "system: ocp"


def file(login: str, target: str) -> str:
    """Return a configuration of one login and one target."""
    return (
        f"credentials:\n  login: {{{login}}}\n"
        f"targets:\n  - {{name: t, credentials: login, {target}}}\n"
    )


def mistakes(login: str, target: str) -> list[str]:
    """Return what is wrong with them."""
    with pytest.raises(ConfigError) as caught:
        parse(file(login, target), {})
    assert "canary" not in str(caught.value)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("login", "target", "url", "project_id"),
    [
        (f"{PASSWORD}, region: eu-west-101", f"{FDI}, region: eu-west-101", "roma", None),
        (f"{KEYS}, region: eu-west-101", f"{DMS}, region: eu-west-101", "dms", None),
        (f"{AGENCY}, region: eu-west-101", f"{DMS}, region: eu-west-101", "dms", None),
        (KEYS, f"{DMS}, region: eu-west-101, project_id: p1", "dms", "p1"),
        (AGENCY, f"{FDI}, region: eu-west-101, project_id: p1", "roma", "p1"),
    ],
)
def test_a_region_stands_for_urls_and_for_the_project(
    login: str, target: str, url: str, project_id: str | None
) -> None:
    """Of target and login; a project that is not given is filled in once the login knows it."""
    (found,) = parse(file(login, target), {}).targets

    assert isinstance(found, HuaweiTarget)
    assert found.base_url == f"https://{url}.eu-west-101.myhuaweicloud.eu"
    assert found.project_id == project_id
    assert found.place().project_id == (project_id or "{project_id}")


def test_an_endpoint_stays_as_it_is_given() -> None:
    """With its prefix and its port."""
    (target,) = parse(file(BASIC, f"{OCP}, endpoint: 'https://ocp.example:8443/x'"), {}).targets

    assert target.base_url == "https://ocp.example:8443/x"
    assert target.place() == Place(target="t")


@pytest.mark.parametrize(
    ("login", "target", "expected"),
    [
        (
            KEYS,
            f"{DMS}, project_id: p1",
            "line 4: targets[0].endpoint: is missing: give endpoint or region",
        ),
        (
            KEYS,
            f"{DMS}, project_id: p1, region: eu-de, endpoint: 'https://h'",
            "line 4: targets[0].endpoint: give either endpoint or region, not both",
        ),
        (
            KEYS,
            f"{DMS}, project_id: p1, region: Europe",
            (
                "line 4: targets[0].region: is no name of a region,"
                " like eu-west-101, ap-southeast-1 or eu-de"
            ),
        ),
        (
            f"{PASSWORD}, region: eu-de",
            f"{FDI}, region: eu-de",
            (
                "line 4: targets[0].region: the Open Telekom Cloud has no ROMA Connect;"
                " if yours has, give endpoint"
            ),
        ),
        (
            BASIC,
            f"{OCP}, region: eu-de, endpoint: 'https://h'",
            (
                "line 4: targets[0].region: unknown key; known here: collectors, credentials,"
                " endpoint, labels, name, rate_limit, system, teams, tls"
            ),
        ),
        (BASIC, OCP, "line 4: targets[0].endpoint: is missing"),
        (
            BASIC,
            f"{OCP}, endpoint: 'http://ocp.example:8080'",
            f"line 4: targets[0].endpoint: {READABLE}",
        ),
        (
            KEYS,
            f"{DMS}, project_id: p1, endpoint: 'http://h'",
            f"line 4: targets[0].endpoint: {READABLE}",
        ),
        (
            BASIC,
            f"{OCP}, endpoint: 'http://h', tls: {{allow_http: 'yes'}}",
            ("line 4: targets[0].tls.allow_http: must be true or false, without quotes, not 'yes'"),
        ),
        (
            BASIC,
            f"{OCP}, endpoint: 'http://h', tls: 1",
            "line 4: targets[0].tls: must be a mapping, not a single value",
        ),
        *(
            (login, f"{DMS}, region: eu-de", f"line 4: targets[0].project_id: {MISSING}")
            for login in (KEYS, AGENCY)
        ),
        (
            f"{KEYS}, project: eu-de",
            f"{DMS}, region: eu-de",
            (
                "line 2: credentials.login.project: cannot be looked up without IAM:"
                f" give region or iam_endpoint as well\nline 4: targets[0].project_id: {MISSING}"
            ),
        ),
        (
            f"{AGENCY}, iam_endpoint: 'https://iam'",
            f"{DMS}, region: eu-de, project_id: p1",
            (
                "line 2: credentials.login.project: is missing: the name of the project,"
                " which is mostly that of the region"
            ),
        ),
        (
            f"{PASSWORD}, iam_endpoint: 'https://iam'",
            f"{DMS}, region: eu-de, project_id: p1",
            (
                "line 2: credentials.login.project: is missing: the name of the project,"
                " which is mostly that of the region"
            ),
        ),
        (
            f"{PASSWORD}, project: p",
            f"{DMS}, region: eu-de, project_id: p1",
            "line 2: credentials.login.iam_endpoint: is missing: give iam_endpoint or region",
        ),
        (
            f"{KEYS}, iam_endpoint: 'https://iam', region: eu-de",
            f"{DMS}, region: eu-de",
            "line 2: credentials.login.iam_endpoint: give either iam_endpoint or region, not both",
        ),
        (
            f"{AGENCY}, region: x",
            f"{DMS}, region: eu-de",
            (
                "line 2: credentials.login.region: is no name of a region,"
                " like eu-west-101, ap-southeast-1 or eu-de"
            ),
        ),
        (
            f"{KEYS}, iam_endpoint: 'http://iam.example', project: p",
            f"{DMS}, region: eu-de",
            f"line 2: credentials.login.iam_endpoint: {READABLE}",
        ),
        (
            f"{KEYS}, iam_endpoint: iam.example, project: p",
            f"{DMS}, region: eu-de",
            (
                "line 2: credentials.login.iam_endpoint: not a URL: write it like https://host,"
                " https://host:8443 or https://host/prefix"
            ),
        ),
        (
            f"{KEYS}, iam_endpoint: '', project: p",
            f"{DMS}, region: eu-de",
            "line 2: credentials.login.iam_endpoint: must not be empty",
        ),
        *(
            (
                f"{AGENCY}, endpoint: '{url}'",
                f"{DMS}, region: eu-de, project_id: p1",
                (
                    "line 2: credentials.login.endpoint: must be an address of this machine"
                    " or link: keys must not come over a network"
                ),
            )
            for url in ("http://10.0.0.1", "https://metadata.example", "http://169.254.1.1.example")
        ),
        (
            f"{AGENCY}, access_key: x",
            f"{DMS}, region: eu-de, project_id: p1",
            (
                "line 2: credentials.login.access_key: unknown key; known here: endpoint,"
                " iam_endpoint, kind, project, region, tls"
            ),
        ),
        (
            AGENCY,
            f"{OCP}, endpoint: 'https://h'",
            "line 4: targets[0].credentials: a login of kind huawei_metadata is not for ocp",
        ),
    ],
)
def test_what_does_not_go_together(login: str, target: str, expected: str) -> None:
    """Is told with the key to change, and nothing is told twice."""
    assert mistakes(login, target) == expected.splitlines()


@pytest.mark.parametrize(
    ("login", "target"),
    [
        (BASIC, f"{OCP}, endpoint: 'http://ocp.example:8080', tls: {{allow_http: true}}"),
        (BASIC, f"{OCP}, endpoint: 'http://127.0.0.1:8080'"),
        (
            f"{KEYS}, iam_endpoint: 'http://iam', project: p, tls: {{allow_http: true}}",
            f"{DMS}, endpoint: 'http://h', tls: {{allow_http: true}}",
        ),
        (f"{KEYS}, region: cn-north-99", f"{DMS}, region: cn-north-99"),
        (f"{KEYS}, region: eu-de, project: eu-de_sub", f"{DMS}, region: eu-de"),
        (f"{AGENCY}, endpoint: 'http://127.0.0.1:8000'", f"{DMS}, region: eu-de, project_id: p"),
        (f"{AGENCY}, endpoint: 'http://[fe80::a9fe:a9fe]'", f"{DMS}, region: eu-de, project_id: p"),
    ],
)
def test_what_goes_together(login: str, target: str) -> None:
    """Plain http where it is allowed on purpose, regions of tomorrow, sub-projects."""
    config = parse(file(login, target), {})

    assert len(config.targets) == 1
