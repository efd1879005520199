"""
Mistakes in where things are sent: URLs and regions, plain http, projects that nobody names.

Values may be `INVALID` where a mistake is known already; that is passed over here.
"""

from collections.abc import Iterator

from exporter.api import regions
from exporter.api.auth.iam import IamOptions, mistakes
from exporter.api.session import Tls
from exporter.config import rules
from exporter.config.schema.problems import Path
from exporter.config.settings import Credentials, HuaweiTarget, OcpTarget, Target

IN_THE_CLEAR = (
    "http would show credentials to everyone on the way: use https, or set tls.allow_http"
)

Mistake = tuple[Path, str]


def of_login(path: Path, options: object) -> Iterator[Mistake]:
    """Yield the mistakes in what a login of Huawei Cloud says of IAM."""
    if not isinstance(options, IamOptions):
        return
    for key, text in mistakes(options):
        yield (*path, key), text
    if not isinstance(options.iam_endpoint, str) or not options.iam_endpoint:
        return
    here = (*path, "iam_endpoint")
    try:
        rules.base_url(options.iam_endpoint)
    except ValueError as error:
        yield here, str(error)
        return
    yield from _readable(here, options.iam_endpoint, options.tls)


def of_target(path: Path, target: Target) -> Iterator[Mistake]:
    """Yield the mistakes in where a target is said to be."""
    here = (*path, "endpoint")
    if isinstance(target, HuaweiTarget):
        yield from _one_of_both(path, target)
    if isinstance(target, HuaweiTarget | OcpTarget) and isinstance(target.endpoint, str):
        yield from _readable(here, target.endpoint, target.tls)


def of_project(path: Path, target: Target, entry: Credentials) -> Iterator[Mistake]:
    """Yield a mistake where neither a target nor its login says which project it is in."""
    options = entry.options
    if not isinstance(target, HuaweiTarget) or target.project_id is not None:
        return
    if isinstance(options, IamOptions) and not options.names_project:
        here = (*path, "project_id")
        yield here, "is missing: give it here, or let the credentials name region or project"


def _one_of_both(path: Path, target: HuaweiTarget) -> Iterator[Mistake]:
    if target.endpoint is None and target.region is None:
        yield (*path, "endpoint"), "is missing: give endpoint or region"
    elif target.endpoint is not None and target.region is not None:
        yield (*path, "endpoint"), "give either endpoint or region, not both"
    if isinstance(target.region, str):
        try:
            regions.endpoint(target.service, target.region)
        except ValueError as error:
            yield (*path, "region"), str(error)


def _readable(path: Path, url: str, tls: Tls) -> Iterator[Mistake]:
    if isinstance(tls, Tls) and tls.allow_http is False and rules.is_readable(url):
        yield path, IN_THE_CLEAR
