"""What happens in a DMS instance: background tasks that come, run and are tidied away."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from types import MappingProxyType

from exporter.simulator.world.fate import Fate
from exporter.simulator.world.settlement import Outcome, Report, Settlement

SYSTEM = "dms"
STATUS = {
    Outcome.SUCCEEDED: "SUCCESS",
    Outcome.FAILED: "FAILED",
    Outcome.CANCELLED: "CANCELLED",
}
"""The word for a settled task."""
OUTCOMES = {word: outcome for outcome, word in STATUS.items()}
RETENTION = 7 * 86400.0
"""Seconds for which records are kept."""
USERS = (("ops-anna", "3df5acbc24a54fadb62a043c9000a307"), ("paas_dms", "0" * 32))

Parameters = Mapping[str, str | bool]
COMMON: Mapping[str, Parameters] = {
    "bindInstancePublicIp": {"public_ip_id": "eip-07"},
    "unbindInstancePublicIp": {"public_ip_id": "eip-07"},
    "restartInstance": {"force": False},
}
NAMES: Mapping[str, Mapping[str, Parameters]] = MappingProxyType(
    {
        "kafka": {
            "modifyAutoTopic": {"old_auto_status": True, "new_auto_status": False},
            "changeRetentionPolicy": {"new_retention_policy": "produce_reject"},
            "kafkaConfigModify": {"log.retention.hours": "48"},
            "kafkaResetConsumerOffset": {"group": "billing", "topics": "[topic-1]"},
            "kafkaAutoReassignment": {"topics": "[topic-1, topic-2]"},
            **COMMON,
        },
        "rabbitmq": {"rabbitmqPluginModify": {"plugin": "rabbitmq_shovel"}, **COMMON},
        "rocketmq": {"rocketmqConfigModify": {"fileReservedTime": "72"}, **COMMON},
    }
)
"""Names of background tasks by engine, each with the parameters it is shown with."""


@dataclass(slots=True, eq=False)
class DmsTask:
    """One background task; times are epoch seconds."""

    task_id: str
    name: str
    parameters: Parameters
    user_name: str
    user_id: str
    created: float
    updated: float
    status: str = "CREATED"
    settlement: Settlement | None = None
    weak: bool = False


class DmsWorld:
    """The background tasks of one instance, oldest first."""

    def __init__(
        self, fate: Fate, report: Report, target: str, *, engine: str, mean_gap: float
    ) -> None:
        """Let a task come every `mean_gap` seconds or so."""
        self._fate = fate
        self._report = report
        self._target = target
        self._names = NAMES[engine]
        self._mean_gap = mean_gap
        self.tasks: dict[str, DmsTask] = {}
        fate.arrival(mean_gap, self._arrive)

    def _arrive(self) -> None:
        fate = self._fate
        fate.arrival(self._mean_gap, self._arrive)
        self._expire()
        task = self._create(fate.pick(tuple(self._names)))
        if fate.chance(0.3):
            fate.after(0.5, 6.0, partial(self._execute, task))
        else:
            self._execute(task)

    def _create(self, name: str) -> DmsTask:
        fate = self._fate
        user_name, user_id = fate.pick(USERS)
        task = DmsTask(
            task_id=fate.identifier(),
            name=name,
            parameters=self._names[name],
            user_name=user_name,
            user_id=user_id,
            created=fate.now,
            updated=fate.now,
            weak=fate.chance(0.3),
        )
        self.tasks[task.task_id] = task
        return task

    def _repeat(self, name: str) -> None:
        """Start a task of that name again, when the cause of its failure is gone."""
        task = self._create(name)
        self._set(task, "EXECUTING")
        self._fate.after(2.0, 30.0, partial(self._settle, task, Outcome.SUCCEEDED))

    def _expire(self) -> None:
        limit = self._fate.now - RETENTION
        old = takewhile(lambda task: task.created <= limit, self.tasks.values())
        for task in [task for task in old if task.settlement is not None]:
            del self.tasks[task.task_id]

    def _execute(self, task: DmsTask) -> None:
        self._set(task, "EXECUTING")
        self._fate.work(2.0, 70.0, partial(self._end, task), weak=task.weak)

    def _end(self, task: DmsTask) -> None:
        outcome = self._fate.verdict(weak=task.weak)
        self._settle(task, outcome)
        if outcome is Outcome.FAILED:
            self._fate.mend(partial(self._repeat, task.name))

    def _settle(self, task: DmsTask, outcome: Outcome) -> None:
        self._set(task, STATUS[outcome])
        task.settlement = Settlement(
            system=SYSTEM,
            target=self._target,
            name=task.name,
            task_type=task.name,
            outcome=outcome,
            key=task.task_id,
            run=0,
            moment=self._fate.now,
        )
        self._report(task.settlement)
        if self._fate.chance(0.06):
            self._fate.after(120.0, 1200.0, partial(self._delete, task))

    def _delete(self, task: DmsTask) -> None:
        self._set(task, "DELETED")
        self._fate.after(300.0, 900.0, partial(self._vanish, task))

    def _vanish(self, task: DmsTask) -> None:
        self.tasks.pop(task.task_id, None)

    def _set(self, task: DmsTask, status: str) -> None:
        task.status, task.updated = status, self._fate.now
