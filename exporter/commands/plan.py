"""How many calls a minute a configuration makes, held against the limits it sets: pure."""

from collections.abc import Mapping, Sequence

import msgspec

from exporter.config.assignment import shard_of
from exporter.config.settings import Config, Target
from exporter.duration import format_duration
from exporter.sources import collectors

MINUTE = 60.0


class CollectorPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One enabled collector of a target."""

    collector: str
    interval: float
    """Seconds."""
    calls_per_poll: int

    @property
    def calls_per_minute(self) -> float:
        """Return the calls a minute, on average."""
        return self.calls_per_poll * MINUTE / self.interval


class TargetPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is polled of one target."""

    target: str
    system: str
    credentials: str
    limit_per_minute: float
    collectors: tuple[CollectorPlan, ...]
    shard: int = 0
    """Index of the process that polls it."""

    @property
    def calls_per_minute(self) -> float:
        """Return the calls a minute of all its collectors, on average."""
        return sum(collector.calls_per_minute for collector in self.collectors)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole configuration does."""

    targets: tuple[TargetPlan, ...]
    per_credentials: Mapping[str, float]
    """Calls a minute by entry of `credentials`: clouds count per account."""
    warnings: tuple[str, ...]
    """What is allowed, but hardly meant."""
    shards: int = 1
    """How many processes share the targets."""


def make_plan(config: Config) -> Plan:
    """Return the calls that `config` leads to."""
    shards = config.shard.total
    targets = tuple(_target(target, shards) for target in config.targets)
    per_credentials = dict.fromkeys(config.credentials, 0.0)
    for target in targets:
        per_credentials[target.credentials] += target.calls_per_minute
    return Plan(
        targets=targets,
        per_credentials=per_credentials,
        shards=shards,
        warnings=tuple(
            warning
            for found in (_over_limit(targets), _too_slow(config, targets), _unused(config))
            for warning in found
        ),
    )


def _target(target: Target, shards: int) -> TargetPlan:
    sources = collectors(target.system)
    return TargetPlan(
        target=target.name,
        system=target.system,
        shard=shard_of(target.name, shards),
        credentials=target.credentials,
        limit_per_minute=target.rate_limit.requests_per_second * MINUTE,
        collectors=tuple(
            CollectorPlan(
                collector=name,
                interval=settings.interval,
                calls_per_poll=sources[name].calls_per_poll(settings),
            )
            for name, settings in target.collectors.items()
            if settings.enabled
        ),
    )


def _over_limit(targets: tuple[TargetPlan, ...]) -> list[str]:
    return [
        f"{target.target}: {target.calls_per_minute:.0f} calls a minute are more than its"
        f" rate_limit allows ({target.limit_per_minute:.0f}): polls will come late;"
        " poll less often or raise requests_per_second"
        for target in targets
        if target.calls_per_minute > target.limit_per_minute
    ]


def _too_slow(config: Config, targets: tuple[TargetPlan, ...]) -> list[str]:
    """Find polls that the rate limit alone makes longer than they may take."""
    warnings = []
    for target, plan in zip(config.targets, targets, strict=True):
        for collector in plan.collectors:
            settings = target.collectors[collector.collector]
            timeout = settings.timeout or config.defaults.poll_timeout
            needed = collector.calls_per_poll / target.rate_limit.requests_per_second
            if needed > timeout:
                warnings.append(
                    f"{target.name}: a poll of {collector.collector} may take"
                    f" {collector.calls_per_poll} calls, at least {needed:.0f}s at its rate_limit,"
                    f" but its timeout is {timeout:.0f}s"
                )
    return warnings


def _unused(config: Config) -> list[str]:
    used = {target.credentials for target in config.targets}
    return [
        f"credentials.{name}: no target uses it" for name in config.credentials if name not in used
    ]


def render(plan: Plan) -> str:
    """Return the plan as a table for people."""
    rows: list[tuple[str, ...]] = [
        ("TARGET", "SYSTEM", "COLLECTOR", "INTERVAL", "CALLS A POLL", "CALLS A MINUTE")
    ]
    for target in plan.targets:
        rows.extend(_row(target, collector) for collector in target.collectors)
        total = f"{_number(target.calls_per_minute)} of {_number(target.limit_per_minute)} allowed"
        rows.append((target.target, target.system, "all", "", "", total))
    logins: list[tuple[str, ...]] = [("CREDENTIALS", "CALLS A MINUTE")]
    logins += [(name, _number(calls)) for name, calls in plan.per_credentials.items()]
    tables = (rows, logins, *([_shards(plan)] if plan.shards > 1 else []))
    return "\n\n".join(map(_table, tables)) + "\n"


def _shards(plan: Plan) -> list[tuple[str, ...]]:
    """Return which process polls what: the same on each of them."""
    rows: list[tuple[str, ...]] = [("SHARD", "CALLS A MINUTE", "TARGETS")]
    for index in range(plan.shards):
        own = [target for target in plan.targets if target.shard == index]
        calls = _number(sum(target.calls_per_minute for target in own))
        rows.append((str(index), calls, ", ".join(target.target for target in own) or "none"))
    return rows


def _row(target: TargetPlan, collector: CollectorPlan) -> tuple[str, ...]:
    return (
        target.target,
        target.system,
        collector.collector,
        format_duration(collector.interval),
        str(collector.calls_per_poll),
        _number(collector.calls_per_minute),
    )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines)
