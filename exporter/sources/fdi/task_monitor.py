"""One FDI task as the list of task monitors tells it, and when it ought to run."""

from functools import lru_cache

import msgspec

from exporter.sources.document import Document, Words, flag, identity, integer, moment, text
from exporter.tasks.quartz import CronSchedule
from exporter.tasks.schedule import PeriodSchedule, Schedule, ScheduleError
from exporter.tasks.task import State

TASK_TYPES = ("TIMING", "REALTIME")
POSITIONS = ("ADAPTER", "READER", "WRITER")
STATES = {
    "UNSTARTED": State.IDLE,
    "WAITING": State.QUEUED,
    "RUNNING": State.RUNNING,
    "SUCCESS": State.SUCCEEDED,
    "CANCELLED": State.CANCELLED,
    "ERROR": State.FAILED,
}
"""The API's `execute_status`."""

cron_schedule = lru_cache(4096)(CronSchedule)
"""Parsed once, however often tasks change."""


class TaskMonitor(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """TaskMonitorInfo, as far as it is used; closed words in upper case, times in epoch seconds."""

    task_id: str
    task_name: str
    task_type: str
    enabled: bool | None
    """The API's `status`: switched on, whatever the last run did."""
    execute_status: str
    position: str
    """How far the last run came; empty where the API does not tell."""
    last_execute_time: float | None
    use_quartz_cron: bool
    cron: str
    """Meant only where `use_quartz_cron` is true, though it may stand there otherwise."""
    period: str
    dispatch_interval: int | None
    source_app_name: str
    target_app_name: str
    ext_type: str
    task_tag: str
    changed_at: float | None = None
    """The detail's `last_modified_date`, where that was asked for and told."""

    @property
    def schedule(self) -> str:
        """The cron expression, or like `2 HOUR`; empty for a task without a schedule."""
        if self.task_type != "TIMING":
            return ""
        if self.use_quartz_cron:
            return self.cron
        return f"{self.dispatch_interval or 1} {self.period}" if self.period else ""


def parse_task_monitor(document: Document, words: Words) -> TaskMonitor:
    """Read one entity, which is known to have a `task_id`."""
    return TaskMonitor(
        task_id=identity(document.get("task_id")),
        task_name=text(document.get("task_name")),
        task_type=words.read("task_type", document.get("task_type"), TASK_TYPES),
        enabled=flag(document.get("status"), yes=("running",), no=("stop", "stopped")),
        execute_status=words.read("execute_status", document.get("execute_status"), STATES),
        position=words.read("position", document.get("position"), POSITIONS, absent=""),
        last_execute_time=moment(document.get("last_execute_time")),
        use_quartz_cron=flag(document.get("use_quartz_cron")) or False,
        cron=text(document.get("cron")).strip(),
        period=text(document.get("period")).strip().upper(),
        dispatch_interval=integer(document.get("dispatch_interval")),
        source_app_name=text(document.get("source_app_name")),
        target_app_name=text(document.get("target_app_name")),
        ext_type=text(document.get("ext_type")),
        task_tag=text(document.get("task_tag")),
    )


def schedule_of(row: TaskMonitor, zone: str) -> tuple[Schedule | None, bool]:
    """Return when the task ought to run by the clock of `zone`, and whether that makes no sense."""
    if not row.schedule:
        return None, False
    try:
        if row.use_quartz_cron:
            return cron_schedule(row.cron, zone), False
        return PeriodSchedule(row.period, row.dispatch_interval or 1, zone), False
    except ScheduleError:
        return None, True
