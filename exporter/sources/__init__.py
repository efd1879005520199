"""What the clouds say: one file per API; this registry names them all."""

from collections.abc import Mapping
from typing import Any

from exporter.sources.dms.background_tasks import BackgroundTasks
from exporter.sources.fdi.run_logs import RunLogs
from exporter.sources.fdi.statistics import Statistics
from exporter.sources.fdi.task_details import TaskDetails
from exporter.sources.fdi.task_monitors import TaskMonitors
from exporter.sources.ocp.task_instances import TaskInstances
from exporter.sources.source import Source

SOURCES: tuple[type[Source[Any]], ...] = (
    Statistics,
    TaskMonitors,
    TaskDetails,
    RunLogs,
    BackgroundTasks,
    TaskInstances,
)
"""Every collector, in the order in which it is listed anywhere."""

SYSTEMS: tuple[str, ...] = tuple(dict.fromkeys(source.system for source in SOURCES))


def collectors(system: str) -> Mapping[str, type[Source[Any]]]:
    """Return the sources of a system by the name of their collector."""
    return {source.collector: source for source in SOURCES if source.system == system}
