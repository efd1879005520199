"""What happens in an OCP: task instances, their subtasks, retries and rollbacks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import takewhile

from exporter.simulator.world.fate import Fate
from exporter.simulator.world.ocp_work import CLUSTERS, TENANTS, WORKS, Cluster, Step, Tenant, Work
from exporter.simulator.world.settlement import Outcome, Report, Settlement, milliseconds

SYSTEM = "ocp"
RETENTION = 3 * 86400.0
"""Seconds for which instances are kept."""
FIRST_ID = 4_200_000
FIRST_SUBTASK_ID = 8_800_000


@dataclass(slots=True, eq=False)
class Subtask:
    """One step of an instance; times are epoch seconds."""

    id: int
    step: Step
    index: int
    status: str = "PENDING"
    operation: str = "EXECUTE"
    runs: int = 0
    started: float | None = None
    finished: float | None = None


@dataclass(slots=True, eq=False)
class Instance:
    """One task instance; times are epoch seconds."""

    id: int
    work: Work
    cluster: Cluster | None
    tenant: Tenant | None
    created: float
    subtasks: tuple[Subtask, ...]
    weak: bool
    mended: bool = False
    """The cause of its failure is gone: what is repeated succeeds."""
    status: str = "RUNNING"
    operation: str = "EXECUTE"
    finished: float | None = None
    """When it last settled; a retry or rollback does not take that back."""
    settlement: Settlement | None = None
    """How it ended; None while it runs."""
    first_failure: Settlement | None = None


class OcpWorld:
    """The task instances of one OCP by id, oldest first."""

    def __init__(self, fate: Fate, report: Report, target: str, *, load: float) -> None:
        """Let all kinds of work begin, `load` times as often as is usual."""
        self._fate = fate
        self._report = report
        self._target = target
        self._load = load
        self._next_id = FIRST_ID
        self._next_subtask_id = FIRST_SUBTASK_ID
        self.instances: dict[int, Instance] = {}
        for work in WORKS:
            self._await(work)

    def _await(self, work: Work) -> None:
        begin = partial(self._begin, work)
        if work.every is None:
            self._fate.arrival(work.mean_gap / self._load, begin)
        else:
            every = work.every / self._load
            self._fate.at((self._fate.now // every + 1.0) * every, begin)

    def _begin(self, work: Work) -> None:
        self._await(work)
        self._expire()
        tenant = self._fate.pick(TENANTS) if work.on == "tenant" else None
        cluster = self._fate.pick(CLUSTERS) if work.on == "cluster" else None
        instance = Instance(
            id=self._next_id,
            work=work,
            cluster=tenant.cluster if tenant else cluster,
            tenant=tenant,
            created=self._fate.now,
            subtasks=self._subtasks(work),
            weak=self._fate.chance(0.3),
        )
        self._next_id += 1
        self.instances[instance.id] = instance
        self._proceed(instance)

    def _subtasks(self, work: Work) -> tuple[Subtask, ...]:
        first = self._next_subtask_id
        self._next_subtask_id += len(work.steps)
        return tuple(Subtask(first + index, step, index) for index, step in enumerate(work.steps))

    def _expire(self) -> None:
        limit = self._fate.now - RETENTION
        old = takewhile(lambda instance: instance.created <= limit, self.instances.values())
        for instance in [instance for instance in old if instance.status != "RUNNING"]:
            del self.instances[instance.id]

    def _proceed(self, instance: Instance) -> None:
        """Make ready what waits for nothing more; settle the instance when nothing goes on."""
        subtasks = instance.subtasks
        for subtask in subtasks:
            above = (subtasks[index].status for index in subtask.step.after)
            if subtask.status == "PENDING" and all(word == "SUCCESSFUL" for word in above):
                self._ready(instance, subtask)
        words = {subtask.status for subtask in subtasks}
        if not words & {"READY", "RUNNING"}:
            self._settle(instance, "FAILED" if "FAILED" in words else "SUCCESSFUL")

    def _ready(self, instance: Instance, subtask: Subtask) -> None:
        subtask.status = "READY"
        self._fate.after(0.05, 1.5, partial(self._run, instance, subtask))

    def _run(self, instance: Instance, subtask: Subtask) -> None:
        subtask.status = "RUNNING"
        subtask.runs += 1
        subtask.finished = None
        # As in OCP, the start is that of the first execution, whatever is repeated.
        if subtask.started is None:
            subtask.started = self._fate.now
        low, high = subtask.step.seconds
        self._fate.work(low, high, partial(self._end, instance, subtask), weak=instance.weak)

    def _end(self, instance: Instance, subtask: Subtask) -> None:
        failed = not instance.mended and self._fate.fails(
            weak=instance.weak, parts=len(instance.subtasks)
        )
        subtask.status = "FAILED" if failed else "SUCCESSFUL"
        subtask.finished = self._fate.now
        self._proceed(instance)

    def _settle(self, instance: Instance, status: str) -> None:
        instance.status = status
        instance.finished = self._fate.now
        instance.settlement = Settlement(
            system=SYSTEM,
            target=self._target,
            name=instance.work.name,
            task_type=instance.work.type,
            outcome=_outcome(instance),
            key=str(instance.id),
            run=milliseconds(instance.finished),
            moment=instance.finished,
        )
        self._report(instance.settlement)
        if status == "FAILED":
            instance.first_failure = instance.first_failure or instance.settlement
            self._leave_or_mend(instance)

    def _leave_or_mend(self, instance: Instance) -> None:
        """Let somebody come back to a failure, or not; the next run makes up for built-in ones."""
        if instance.work.type == "SYS_SCHEDULED":
            return
        if self._fate.mend(partial(self._mend, instance)):
            return
        if self._fate.chance(0.6):
            self._come_back(instance, self._retry)
        elif not instance.work.prohibit_rollback and self._fate.chance(0.7):
            self._come_back(instance, self._roll_back)

    def _come_back(self, instance: Instance, act: Callable[[Instance], None]) -> None:
        """Do something about a failure after a while, unless somebody did so before."""

        def come() -> None:
            if instance.status == "FAILED":
                act(instance)

        self._fate.after(20.0, 240.0, come)

    def _mend(self, instance: Instance) -> None:
        if instance.status == "FAILED":
            instance.mended = True
            self._retry(instance)

    def _retry(self, instance: Instance) -> None:
        self._resume(instance, "RETRY")
        for subtask in instance.subtasks:
            if subtask.status == "FAILED":
                subtask.operation = "RETRY"
                self._ready(instance, subtask)

    def _roll_back(self, instance: Instance) -> None:
        self._resume(instance, "ROLLBACK")
        self._undo_next(instance)

    @staticmethod
    def _resume(instance: Instance, operation: str) -> None:
        instance.status, instance.operation = "RUNNING", operation
        instance.settlement = None

    def _undo_next(self, instance: Instance) -> None:
        """Undo the latest step that ran; when none is left, the rollback has been successful."""
        for subtask in reversed(instance.subtasks):
            if subtask.status != "PENDING":
                subtask.status, subtask.operation = "RUNNING", "ROLLBACK"
                subtask.runs += 1
                self._fate.after(1.0, 8.0, partial(self._undone, instance, subtask))
                return
        self._settle(instance, "SUCCESSFUL")

    def _undone(self, instance: Instance, subtask: Subtask) -> None:
        subtask.status = "PENDING"
        subtask.started = subtask.finished = None
        self._undo_next(instance)


def _outcome(instance: Instance) -> Outcome:
    """Read the outcome of a settled instance; a finished rollback has undone the work."""
    if instance.status == "FAILED":
        return Outcome.FAILED
    return Outcome.CANCELLED if instance.operation == "ROLLBACK" else Outcome.SUCCEEDED
