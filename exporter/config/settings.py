"""
What the exporter can be told: these types are the format of the configuration file.

The text below a key is its text in docs/configuration.md. What cannot be said of one key alone is
in `checks`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from exporter.api import regions
from exporter.api.auth import SCHEMES
from exporter.api.client import RateLimit, Tls
from exporter.api.limiter import AT_ONCE
from exporter.api.regions import Service
from exporter.api.url import PROJECT
from exporter.config import rules
from exporter.config.schema.decoder import Choice, Members
from exporter.duration import Duration
from exporter.sources import SOURCES, collectors
from exporter.sources.source import Place, Settings
from exporter.tasks.selection import Team


def _members(system: str) -> Members:
    """Return the collectors of a system: the registry knows them, and what each can be told."""
    own = {name: source.settings_type for name, source in collectors(system).items()}
    others = {
        source.collector: f"that is a collector of {source.system}, and this target is {system}"
        for source in SOURCES
        if source.system != system
    }
    return Members(own, others)


FDI, DMS, OCP = (_members(system) for system in ("fdi", "dms", "ocp"))
Name = Annotated[str, rules.name]
Id = Annotated[str, rules.identifier]


class WebSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how the exporter answers HTTP."""

    listen_address: Annotated[
        tuple[Annotated[str, rules.listen_address], ...], Meta(min_length=1)
    ] = (":10047",)
    """Addresses to listen on: `:10047` is every address of the machine; port 0 is any free one."""
    telemetry_path: Annotated[str, rules.telemetry_path] = "/metrics"
    """Path of the page that Prometheus scrapes."""
    config_file: Path | None = None
    """File with certificates and passwords for those who come in, in the format of the Prometheus
    exporter-toolkit (see docs/web.md). It is read again when it changes."""
    open_health: bool = False
    """Whether `/-/healthy` and `/-/ready` are answered without a password, for probes."""
    enable_reload: bool = False
    """Whether POST on `/-/reload` has this file read again, as SIGHUP always does."""


class LogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is logged, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important level to log."""
    format: Literal["auto", "console", "json", "logfmt"] = "auto"
    """How lines look; `auto` is `console` on a terminal and `json` elsewhere."""


class StateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What counting remembers over restarts."""

    path: str | None = None
    """File to keep it in; none forgets it at the end of the process. One file for one exporter."""
    retention: Annotated[Duration, Meta(ge=86_400)] = Duration(14 * 86_400.0)
    """How long a task is remembered that the cloud no longer lists."""


class ShardSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which of several processes this is, where they share the targets of one file."""

    index: Literal["hostname"] | Annotated[int, Meta(ge=0)] | None = None
    """Number of this process, from 0 to `total` - 1. `hostname` takes the number behind the last
    `-` of the host's name, as pods of a StatefulSet have it. None is 0, where there is only one."""
    total: Annotated[int, Meta(ge=1, le=1000)] = 1
    """How many processes there are; each target is polled by one of them, chosen by its name."""


class TaskLimit(msgspec.Struct, frozen=True, kw_only=True):
    """Series of single tasks, for collectors that do not say otherwise."""

    limit: Annotated[int, Meta(ge=0, le=100_000)] = 1000
    """How many tasks of a collector at most have series of their own."""


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for all targets and collectors."""

    request_timeout: Duration = Duration(10.0)
    """For one HTTP request, from connecting to the end of the answer."""
    poll_timeout: Duration = Duration(45.0)
    """For a whole poll, where the collector has no `timeout`."""
    per_task: TaskLimit = TaskLimit()
    """Series of single tasks."""


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """One way to log in, under a name that targets refer to."""

    kind: str
    options: Any
    """Of the `options_type` of the scheme `kind`."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One upstream instance."""

    system: ClassVar[str]
    time_path: ClassVar[str] = ""
    """Path that tells the time of the system to anyone, where it has one."""
    at_once: ClassVar[int] = AT_ONCE
    """Requests under way at once, unless it is configured."""

    name: Name
    """Value of the label `target`; each target has its own."""
    credentials: Name
    """Which entry of `credentials` to log in with; targets may share one."""
    labels: Mapping[Annotated[str, rules.label_name], str] = {}
    """Labels for every series of this target."""
    rate_limit: RateLimit = RateLimit()
    """How hard the endpoint may be asked."""
    tls: Tls = Tls()
    """How the server behind the endpoint is made sure of."""
    teams: tuple[Team, ...] = ()
    """Who is called for which tasks; alerts can be routed by it."""
    collectors: Mapping[str, Settings] = {}
    """Which APIs are polled, and how."""

    @property
    def pace(self) -> RateLimit:
        """Return how hard this target is asked."""
        at_once = self.rate_limit.concurrency or self.at_once
        return msgspec.structs.replace(self.rate_limit, concurrency=at_once)

    @property
    def base_url(self) -> str:
        """Return where the APIs of this target begin."""
        raise NotImplementedError  # each kind of target has its own; a Struct cannot be an ABC

    def place(self) -> Place:
        """Return what the URLs of this target's APIs need."""
        return Place(target=self.name)


class HuaweiTarget(Target, frozen=True, kw_only=True):
    """One instance of a service of Huawei Cloud."""

    service: ClassVar[Service]

    region: Annotated[str, regions.check] | None = None
    """Region of the instance, such as `eu-west-101`, from which its endpoint follows."""
    endpoint: Annotated[str, rules.base_url] | None = None
    """Base URL in the place of `region`; a path in it is put before the paths of the API."""
    project_id: Id | None = None
    """Id of the project (not its name), from the console under My Credentials; None is the project
    of the credentials, where those have one."""
    instance_id: Id
    """Id of the instance."""

    @property
    def base_url(self) -> str:
        """Return where the APIs of this target begin."""
        if self.region is not None:
            return regions.endpoint(self.service, self.region)
        return self.endpoint or ""

    def place(self) -> Place:
        """Return what the URLs of this target's APIs need."""
        project_id = self.project_id or PROJECT
        return Place(target=self.name, project_id=project_id, instance_id=self.instance_id)


class FdiTarget(HuaweiTarget, frozen=True, kw_only=True):
    """One instance of ROMA Connect, for the tasks of its data integration (FDI)."""

    system: ClassVar[str] = "fdi"
    service: ClassVar[Service] = "roma"

    schedule_timezone: ZoneInfo = ZoneInfo("UTC")
    """Zone of the tasks' cron expressions, which the API does not tell."""
    collectors: Annotated[Mapping[str, Settings], FDI] = msgspec.field(default_factory=FDI.defaults)
    """Which APIs are polled, and how."""

    def place(self) -> Place:
        """Return what the URLs and schedules of this target's APIs need."""
        return msgspec.structs.replace(super().place(), zone=self.schedule_timezone)


class DmsTarget(HuaweiTarget, frozen=True, kw_only=True):
    """One instance of Kafka, RabbitMQ or RocketMQ, for its background tasks."""

    system: ClassVar[str] = "dms"
    service: ClassVar[Service] = "dms"

    engine: Literal["kafka", "rabbitmq", "rocketmq"]
    """What the instance is; only a label, since the three share one API."""
    collectors: Annotated[Mapping[str, Settings], DMS] = msgspec.field(default_factory=DMS.defaults)
    """Which APIs are polled, and how."""

    def place(self) -> Place:
        """Return what the URLs of this target's APIs need."""
        return msgspec.structs.replace(super().place(), engine=self.engine)


class OcpTarget(Target, frozen=True, kw_only=True):
    """One OceanBase Cloud Platform, for the tasks of its Task Center."""

    system: ClassVar[str] = "ocp"
    time_path: ClassVar[str] = "/api/v2/time"
    at_once: ClassVar[int] = 1

    endpoint: Annotated[str, rules.base_url]
    """Base URL; a path in it is put before the paths of the API."""
    collectors: Annotated[Mapping[str, Settings], OCP] = msgspec.field(default_factory=OCP.defaults)
    """Which APIs are polled, and how."""

    @property
    def base_url(self) -> str:
        """Return where the APIs of this target begin."""
        return self.endpoint


KINDS = Choice(
    "kind",
    {kind: scheme.options_type for kind, scheme in SCHEMES.items()},
    lambda kind, options: Credentials(kind=kind, options=options),
)
TARGETS = Choice("system", {kind.system: kind for kind in (FdiTarget, DmsTarget, OcpTarget)})


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    web: WebSettings = WebSettings()
    """Where and how the exporter answers HTTP."""
    log: LogSettings = LogSettings()
    """What is logged, on standard error."""
    state: StateSettings = StateSettings()
    """What counting remembers over restarts."""
    shard: ShardSettings = ShardSettings()
    """Which of several processes this is, where they share the targets of one file."""
    defaults: Defaults = Defaults()
    """What holds for all targets and collectors."""
    credentials: Mapping[Name, Annotated[Credentials, KINDS]]
    """Ways to log in, by names of your choice."""
    targets: Annotated[tuple[Annotated[Target, TARGETS], ...], Meta(min_length=1)]
    """The upstream instances."""
