"""What a dashboard looks at, and the queries that all of them ask about it."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from dataclasses import dataclass

from grafana.dashboard import JOB

HERE = f'{JOB},target=~"$target"'
"""Matchers of the families that only one system has."""
TYPE = 'task_type=~"$task_type"'
OTHER_TYPE = 'task_type!~"$task_type"'

TASK = "target, system, task_id, task_name"
COLLECTOR = "target, system, collector"
OWN = "cloud_task_exporter"


@dataclass(frozen=True)
class Scope:
    """The chosen targets of some systems; all queries narrow to it."""

    system: str
    """Matcher of the systems."""
    not_chosen: str = ""
    """Finds the tasks (by target, id and name) that are of other types than the chosen ones."""
    named: str = ""
    """Matcher of the names that are chosen, in lists of single tasks."""

    @property
    def chosen(self) -> str:
        """Return the matchers of families that have no type."""
        return f'{JOB},{self.system},target=~"$target"'

    @property
    def typed(self) -> str:
        """Return the matchers of families that have one."""
        return f"{self.chosen},{TYPE}"

    def tasks(self, family: str, by: str = "", more: str = "") -> str:
        """Return tasks added up by labels; of replicas and restarts, the highest counts."""
        state = ", state" if family == "cloud_tasks" else ""
        once = f"max by (target, system, task_type{state}) ({family}{{{self.typed}{more}}})"
        return f"sum by ({by}) ({once})" if by else f"sum({once})"

    def per_task(self, family: str) -> str:
        """Return a family that has one series for each task."""
        left_out = f" unless on (target, task_id, task_name) {self.not_chosen}"
        matchers = f"{self.chosen},{self.named}" if self.named else self.chosen
        series = f"{family}{{{matchers}}}{left_out if self.not_chosen else ''}"
        return f"max by ({TASK}) ({series})"

    @property
    def failing(self) -> str:
        """Return how often in a row tasks failed that did."""
        return f"{self.per_task('cloud_task_consecutive_failures')} > 0"

    def while_failing(self, family: str) -> str:
        """Return a family, of the tasks that are failing."""
        return f"{self.per_task(family)} and on ({TASK}) ({self.failing})"

    def settled(self, window: str, by: str = "", outcome: str = "") -> str:
        """Return how many runs settled within a window."""
        grouped = f"sum by ({by})" if by else "sum"
        return f"{grouped} (increase(cloud_task_runs_total{{{self.typed}{outcome}}}[{window}]))"

    def success(self, window: str, by: str = "") -> str:
        """Return the share of runs that succeeded, of those that succeeded or failed."""
        good = self.settled(window, by, ',outcome="succeeded"')
        tried = self.settled(window, by, ',outcome=~"succeeded|failed"')
        return f"{good} / ({tried} > 0)"

    def durations(self, window: str, part: str = "bucket", by: str = "target, task_type") -> str:
        """Return a part of the histogram of durations of the runs that settled in a window."""
        family = f"cloud_task_run_duration_seconds_{part}"
        le = ", le" if part == "bucket" else ""
        return f"sum by ({by}{le}) (increase({family}{{{self.typed}}}[{window}]))"

    def of_collectors(self, family: str) -> str:
        """Return a family that has one series for each collector."""
        return f"max by ({COLLECTOR}) ({OWN}_{family}{{{self.chosen}}})"

    @property
    def up(self) -> str:
        """Return whether the last poll of each collector was good."""
        return self.of_collectors("collector_up")

    @property
    def age(self) -> str:
        """Return how old the last whole reading of each collector is."""
        return f"time() - {self.of_collectors('collector_last_success_timestamp_seconds')}"


def once(family: str, by: str, *matchers: str, **labels: str) -> str:
    """Return a family that one system has; of replicas and restarts, the highest values."""
    equal = (f'{label}="{value}"' for label, value in labels.items())
    return f"max by ({by}) ({family}{{{','.join((HERE, *matchers, *equal))}}})"


def within_the_hour(counter: str) -> str:
    """Return by how much a counter rose in an hour; one that came meanwhile rose from nothing."""
    return f"({counter} unless {counter} offset 1h or increase({counter}[1h]))"


def number(condition: str, among: str) -> str:
    """Return how many series meet a condition; 0 if none does, nothing if there are none."""
    return f"count({condition}) or 0 * count({among})"


_FDI_TASKS = f"fdi_task_info{{{HERE},{OTHER_TYPE}}}"
_DMS_TASKS = (
    f'label_replace(cloud_tasks{{{HERE},system="dms",{OTHER_TYPE}}},'
    ' "task_name", "$1", "task_type", "(.+)")'
)

FDI = Scope('system="fdi"', _FDI_TASKS)
DMS = Scope('system="dms"', _DMS_TASKS)
OCP = Scope('system="ocp"')
"""Its tasks go by name, and those of one name may be of several types."""
ALL = Scope('system=~"$system"', f"({_FDI_TASKS} or {_DMS_TASKS})")
