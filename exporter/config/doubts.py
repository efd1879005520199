"""What a configuration may say, but hardly should: told at each start, and by `check`."""

from collections.abc import Iterator

from exporter.api import regions
from exporter.api.auth.iam import IamOptions
from exporter.api.session import Tls
from exporter.config import rules
from exporter.config.settings import Config, HuaweiTarget, Target
from exporter.sources import SOURCES
from exporter.sources.source import PerTask, Source


def warnings(config: Config) -> tuple[str, ...]:
    """Return a line for each doubtful setting; no secret is in them."""
    return (*_logins(config), *_targets(config))


def _logins(config: Config) -> Iterator[str]:
    for name, entry in config.credentials.items():
        options = entry.options
        if isinstance(options, IamOptions) and options.iam_endpoint is not None:
            yield from _way(f"credentials.{name}: iam_endpoint", options.iam_endpoint, options.tls)


def _targets(config: Config) -> Iterator[str]:
    for target in config.targets:
        yield from _way(f"{target.name}: endpoint", target.base_url, target.tls)
        options = config.credentials[target.credentials].options
        region = target.region if isinstance(target, HuaweiTarget) else None
        signs = isinstance(options, IamOptions) and not options.logs_in
        if region is not None and regions.is_telekom(region) and signs:
            yield (
                f"{target.name}: it is not known whether the Open Telekom Cloud takes signatures"
                " like these; credentials of kind huawei_password are known to work"
            )
        yield from _without_effect(target)


def _without_effect(target: Target) -> Iterator[str]:
    """Yield what is set for an API that has nothing to set it for."""
    for source in SOURCES:
        settings = target.collectors.get(source.collector)
        if source.system != target.system or settings is None:
            continue
        where = f"{target.name}: collectors.{source.collector}.per_task"
        has_tasks = source.series or source.to_task is not Source.to_task
        if not has_tasks and settings.per_task != PerTask():
            yield f"{where} has no effect: there are no series for single tasks"
        elif settings.per_task.tags and source.tag is Source.tag:
            yield f"{where}.tags shows no task at all: this API knows no tags"


def _way(what: str, url: str, tls: Tls) -> Iterator[str]:
    if rules.is_readable(url):
        yield f"{what} is plain http: everyone on the way can read credentials and answers"
    elif tls.insecure_skip_verify and url.lower().startswith("https:"):
        yield (
            f"{what} is not verified (tls.insecure_skip_verify):"
            " anyone on the way can pose as it and read the credentials"
        )
