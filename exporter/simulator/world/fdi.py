"""What happens in a ROMA Connect FDI instance: tasks and their runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from exporter.simulator.world.fate import Fate
from exporter.simulator.world.fdi_tasks import Definition, Rhythm, definitions
from exporter.simulator.world.settlement import Outcome, Report, Settlement, milliseconds

SYSTEM = "fdi"
EXECUTE_STATUS = {
    Outcome.SUCCEEDED: "SUCCESS",
    Outcome.FAILED: "ERROR",
    Outcome.CANCELLED: "CANCELLED",
}
"""The word for a settled run."""
OUTCOMES = {word: outcome for outcome, word in EXECUTE_STATUS.items()}
ACTIVE = frozenset({"WAITING", "RUNNING"})
POSITIONS = ("ADAPTER", "READER", "WRITER")


@dataclass(slots=True, eq=False)
class FdiTask:
    """A task and its last run; times are epoch seconds."""

    definition: Definition
    execute_status: str = "UNSTARTED"
    last_execute_time: float | None = None
    position: str | None = None
    settlement: Settlement | None = None
    """How the last run ended; None while there is none or it goes on."""


class FdiWorld:
    """The tasks of one instance and what becomes of them."""

    def __init__(self, fate: Fate, report: Report, target: str, count: int) -> None:
        """Set up `count` tasks; those that have ever run did so last before now."""
        self._fate = fate
        self._report = report
        self._target = target
        self.tasks: dict[str, FdiTask] = {}
        for definition in definitions(fate, count):
            task = FdiTask(definition)
            self.tasks[definition.task_id] = task
            self._begin(task)

    def statistics(self) -> dict[str, dict[str, int]]:
        """Return the numbers of tasks by kind (`common`, `cdc`) and the API's four states."""
        kinds: dict[str, list[FdiTask]] = {"common": [], "cdc": []}
        for task in self.tasks.values():
            kinds["cdc" if task.definition.cdc else "common"].append(task)
        return {kind: _count_states(tasks) for kind, tasks in kinds.items()}

    def _begin(self, task: FdiTask) -> None:
        definition, fate = task.definition, self._fate
        rhythm = definition.rhythm
        if rhythm is None:
            fate.after(0.0, 60.0, partial(self._dispatch, task))
            return
        if definition.has_run:
            previous = rhythm.previous_before(fate.now)
            self._set_running(task, previous)
            self._settle(task, Outcome.SUCCEEDED, min(previous + definition.seconds[1], fate.now))
        if definition.enabled and not definition.held_back:
            fate.at(rhythm.next_after(fate.now), partial(self._tick, task, rhythm))

    def _tick(self, task: FdiTask, rhythm: Rhythm) -> None:
        self._fate.at(rhythm.next_after(self._fate.now), partial(self._tick, task, rhythm))
        # The scheduler refuses a run while the one before is still going.
        if task.execute_status not in ACTIVE:
            self._fate.after(0.05, 0.9, partial(self._dispatch, task))

    def _dispatch(self, task: FdiTask) -> None:
        task.settlement = None
        self._set_running(task, self._fate.now)
        if self._fate.chance(0.3):
            task.execute_status = "WAITING"
            self._fate.after(0.3, 3.0, partial(self._run, task))
        else:
            self._run(task)

    def _run(self, task: FdiTask) -> None:
        task.execute_status, task.position = "RUNNING", "READER"
        half = self._fate.between(*task.definition.seconds) / 2
        self._fate.after(half, half, partial(self._write, task, half))

    def _write(self, task: FdiTask, rest: float) -> None:
        task.position = "WRITER"
        self._fate.work(rest, rest, partial(self._end, task), weak=task.definition.weak)

    def _end(self, task: FdiTask) -> None:
        outcome = self._fate.verdict(weak=task.definition.weak)
        if outcome is not Outcome.SUCCEEDED:
            task.position = self._fate.pick(POSITIONS)
        self._settle(task, outcome, self._fate.now)
        if task.definition.rhythm is None:
            low, high = (20.0, 60.0) if task.definition.cdc else (15.0, 150.0)
            self._fate.after(low, high, partial(self._dispatch, task))

    @staticmethod
    def _set_running(task: FdiTask, moment: float) -> None:
        task.last_execute_time = round(moment, 3)
        task.execute_status, task.position = "RUNNING", "ADAPTER"

    def _settle(self, task: FdiTask, outcome: Outcome, moment: float) -> None:
        task.execute_status = EXECUTE_STATUS[outcome]
        if outcome is Outcome.SUCCEEDED:
            task.position = "WRITER"
        task.settlement = Settlement(
            system=SYSTEM,
            target=self._target,
            task_type=task.definition.task_type,
            outcome=outcome,
            key=task.definition.task_id,
            run=milliseconds(task.last_execute_time or 0.0),
            moment=moment,
        )
        self._report(task.settlement)


def _count_states(tasks: Sequence[FdiTask]) -> dict[str, int]:
    """Count each task once: active, else failed, else succeeded, else terminated."""
    words = [task.execute_status for task in tasks]
    running = sum(word in ACTIVE for word in words)
    abnormal, completed = words.count("ERROR"), words.count("SUCCESS")
    return {
        "running_tasks_count": running,
        "abnormal_tasks_count": abnormal,
        "terminated_tasks_count": len(words) - running - abnormal - completed,
        "completed_tasks_count": completed,
    }
