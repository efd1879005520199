"""
Mistakes that no key shows alone: references, names that clash, settings that defeat each other.

What is checked holds `INVALID` wherever a mistake is known already; that is passed over here.
"""

import ssl
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path as FilePath

import msgspec

from exporter.catalogue import families
from exporter.config import endpoints
from exporter.config.schema.problems import Path, Problems
from exporter.config.schema.values import nearest
from exporter.config.settings import Config, Credentials, ShardSettings, Target
from exporter.config.web_file import load_access
from exporter.duration import format_duration
from exporter.errors import ConfigError
from exporter.exposition.families import TEAM
from exporter.secret import Secret
from exporter.sources.source import Settings

PROMETHEUS_LABELS = frozenset({"job", "instance", "le", "quantile"})
"""Prometheus sets these itself, or gives them a meaning."""
SHORTEST_INTERVAL = 1.0
"""Seconds."""

Mistake = tuple[Path, str]


def check(config: Config, problems: Problems) -> None:
    """Add every mistake between the keys of `config`."""
    if isinstance(config, Config):
        for path, text in _mistakes(config):
            problems.add(path, text)


def check_files(
    files: Mapping[Path, FilePath], environ: Mapping[str, str], problems: Problems
) -> None:
    """Add a mistake for each file that is named and cannot be used; paths by their keys."""
    for path, file in files.items():
        try:
            if path[-1] == "ca_file":
                ssl.create_default_context(cafile=file)
            elif path[-1] == "config_file":
                load_access(file, environ)
            else:
                Secret(path=file).read()
        except ConfigError as error:
            for problem in error.problems:
                problems.add(path, problem)
        except OSError as error:
            why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
            problems.add(path, f"cannot read {file}: {why}")


def _mistakes(config: Config) -> Iterator[Mistake]:
    known = isinstance(config.credentials, Mapping)
    credentials = config.credentials if known else {}
    # Configured labels are not on the series of teams, so that a label `team` can be both.
    clashing = (family for family in families() if family != TEAM)
    taken = {"target", *(label for family in clashing for label in family.labels)}
    targets = _targets(config)
    yield from _shard(config.shard)
    for name, entry in credentials.items():
        yield from _login(("credentials", name), entry)
    yield from _same_names(targets)
    yield from _same_places(targets)
    for at, target in targets:
        path: Path = ("targets", at)
        if known:
            yield from _reference(path, target, credentials)
        yield from endpoints.of_target(path, target)
        yield from _labels(path, target, taken)
        yield from _collectors(path, target)


def _targets(config: Config) -> list[tuple[int, Target]]:
    """Return the targets that could be read, with their positions."""
    if not isinstance(config, Config) or not isinstance(config.targets, tuple):
        return []
    return [(at, target) for at, target in enumerate(config.targets) if isinstance(target, Target)]


def _shard(shard: ShardSettings) -> Iterator[Mistake]:
    if not isinstance(shard, ShardSettings) or not isinstance(shard.total, int):
        return
    if shard.index is None and shard.total > 1:
        # A variable that is empty, for a label that pods lack, must not make all of them the first.
        yield ("shard", "index"), f"is missing: 0 to {shard.total - 1}, or hostname"
    elif isinstance(shard.index, int) and shard.index >= shard.total:
        yield ("shard", "index"), f"must be less than shard.total, which is {shard.total}"


def _login(path: Path, entry: Credentials) -> Iterator[Mistake]:
    """Hold logins against the rules for texts: their endpoint is where a password goes."""
    if not isinstance(entry, Credentials) or not isinstance(entry.options, msgspec.Struct):
        return
    for key, value in msgspec.structs.asdict(entry.options).items():
        if value == "":
            yield (*path, key), "must not be empty"
        elif (entry.kind, key) == ("basic", "username") and ":" in str(value):
            yield (*path, key), "must not hold a colon: HTTP Basic ends the name there"
    yield from endpoints.of_login(path, entry.options)


def _same_names(targets: list[tuple[int, Target]]) -> Iterator[Mistake]:
    seen: dict[str, int] = {}
    for at, target in targets:
        if not isinstance(target.name, str):
            continue
        first = seen.setdefault(target.name, at)
        if first != at:
            yield ("targets", at, "name"), f"targets[{first}] has that name already"


def _same_places(targets: list[tuple[int, Target]]) -> Iterator[Mistake]:
    """Two targets on one instance would count its runs twice, into one ledger."""
    seen: dict[tuple[str, ...], int] = {}
    for at, target in targets:
        try:
            where = (target.system, target.base_url, target.place().instance_id)
        except (AttributeError, TypeError, ValueError):
            continue  # what is wrong there is told already
        if not all(isinstance(part, str) for part in where):
            continue
        first = seen.setdefault(where, at)
        if first != at:
            yield ("targets", at), f"targets[{first}] watches the same instance already"


def _reference(
    path: Path, target: Target, credentials: Mapping[str, Credentials]
) -> Iterator[Mistake]:
    here, name = (*path, "credentials"), target.credentials
    if not isinstance(name, str):
        return
    if name not in credentials:
        hint = nearest(name, credentials)
        yield here, f"no entry of credentials has that name{hint}"
        return
    entry = credentials[name]
    if not isinstance(entry, Credentials):
        return
    if not fits(entry.kind, target.system):
        yield here, f"a login of kind {entry.kind} is not for {target.system}"
    else:
        yield from endpoints.of_project(path, target, entry)


def fits(kind: str, system: str) -> bool:
    """Whether credentials of that kind are for that system."""
    return kind.startswith("huawei_") == (system != "ocp")


def _labels(path: Path, target: Target, taken: Collection[str]) -> Iterator[Mistake]:
    if not isinstance(target.labels, Mapping):
        return
    for label in target.labels:
        if label in PROMETHEUS_LABELS:
            yield (*path, "labels", label), "Prometheus uses that label itself"
        elif label in taken:
            yield (*path, "labels", label), "the exporter's own metrics use that label"


def _collectors(path: Path, target: Target) -> Iterator[Mistake]:
    if not isinstance(target.collectors, Mapping):
        return
    settings = target.collectors
    known = {key: value for key, value in settings.items() if isinstance(value, Settings)}
    if len(known) == len(settings) and not any(value.enabled for value in known.values()):
        yield (*path, "collectors"), "none is enabled, so the target would not be polled"
    for key, value in known.items():
        yield from _times((*path, "collectors", key), value)


def _times(path: Path, settings: Settings) -> Iterator[Mistake]:
    interval, stale_after = settings.interval, settings.stale_after
    if isinstance(interval, float) and interval < SHORTEST_INTERVAL:
        yield (*path, "interval"), f"must be at least {format_duration(SHORTEST_INTERVAL)}"
    if isinstance(interval, float) and isinstance(stale_after, float) and stale_after < interval:
        yield (*path, "stale_after"), "must not be shorter than interval"
