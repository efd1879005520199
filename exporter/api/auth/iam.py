"""
Where Huawei Cloud's IAM answers, which project a login is for, and that project's id.

Implements "Querying Project Information" of the IAM API reference, `GET /v3/projects?name=`.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import msgspec

from exporter.api import regions
from exporter.api.session import Tls
from exporter.api.url import build, parse_endpoint
from exporter.errors import ConfigError

_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
"""It becomes a part of the path of URLs."""


class IamOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that all logins of Huawei Cloud have in common."""

    logs_in: ClassVar[bool] = False
    """Whether this way in needs IAM at all; the others ask it for the id of a project at most."""

    region: Annotated[str, regions.check] | None = None
    """Region whose IAM is asked, such as `eu-west-101`; or give `iam_endpoint`."""
    iam_endpoint: str | None = None
    """Base URL of IAM, with or without `/v3`; for clouds that are no region of Huawei Cloud."""
    project: str | None = None
    """Name of the project; None is the one that is named like `region`. Targets of this login
    that have no `project_id` are looked for in it."""
    tls: Tls = Tls()
    """How the certificate of IAM is checked."""

    @property
    def project_name(self) -> str | None:
        """Return the name of the project, where it is known."""
        return self.region if self.project is None else self.project

    @property
    def names_project(self) -> bool:
        """Whether IAM can be asked for the id of the project."""
        asked = self.region is not None or self.iam_endpoint is not None
        return asked and self.project_name is not None


def mistakes(options: IamOptions) -> Iterator[tuple[str, str]]:
    """Yield each key that does not go with the others, and why."""
    at_all = options.region is not None or options.iam_endpoint is not None
    if options.region is not None and options.iam_endpoint is not None:
        yield "iam_endpoint", "give either iam_endpoint or region, not both"
    if options.logs_in and not at_all:
        yield "iam_endpoint", "is missing: give iam_endpoint or region"
    if options.project_name is None and (options.logs_in or at_all):
        yield "project", "is missing: the name of the project, which is mostly that of the region"
    if options.project is not None and not at_all and not options.logs_in:
        yield "project", "cannot be looked up without IAM: give region or iam_endpoint as well"


def iam_url(options: IamOptions) -> str:
    """Return the base URL of IAM, without `/v3`; raise ConfigError where it cannot be told."""
    problems = [f"{key}: {text}" for key, text in mistakes(options)]
    if problems:
        raise ConfigError(problems)
    if options.region is not None:
        return regions.endpoint("iam", options.region)
    try:
        return parse_endpoint(options.iam_endpoint or "").removesuffix("/v3")
    except ValueError as error:
        raise ConfigError([f"iam_endpoint: {error}"]) from None


def projects_url(options: IamOptions) -> str:
    """Return the URL that lists the projects of that name."""
    return build(iam_url(options), "/v3/projects", [("name", options.project_name or "")])


def parse_project(document: Any, name: str) -> str:
    """Return the id of the project of that name in IAM's answer; empty where it is not there."""
    listed = document.get("projects") if isinstance(document, dict) else None
    for project in listed if isinstance(listed, list) else ():
        if isinstance(project, dict) and project.get("name") == name:
            return project_id(project)
    return ""


def project_id(project: object) -> str:
    """Return the id in IAM's description of a project; empty where it is none."""
    found = project.get("id") if isinstance(project, dict) else None
    return found if isinstance(found, str) and _ID.fullmatch(found) else ""
