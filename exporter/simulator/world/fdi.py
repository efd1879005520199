"""What happens in a ROMA Connect FDI instance: tasks and their runs."""

from collections.abc import Iterable
from functools import partial

from exporter.simulator.world.fate import Fate
from exporter.simulator.world.fdi_runs import FdiRun, FdiTask
from exporter.simulator.world.fdi_tasks import Rhythm, definitions
from exporter.simulator.world.settlement import Outcome, Report, Settlement, milliseconds

SYSTEM = "fdi"
EXECUTE_STATUS = {
    Outcome.SUCCEEDED: "SUCCESS",
    Outcome.FAILED: "ERROR",
    Outcome.CANCELLED: "CANCELLED",
}
"""The word for a settled run."""
ACTIVE = frozenset({"WAITING", "RUNNING"})
POSITIONS = ("ADAPTER", "READER", "WRITER")


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

    def _begin(self, task: FdiTask) -> None:
        definition, fate = task.definition, self._fate
        rhythm = definition.rhythm
        if rhythm is None:
            fate.after(0.0, 60.0, partial(self._dispatch, task))
            return
        if definition.has_run:
            previous = rhythm.previous_before(fate.now)
            run = task.begin(previous, previous)
            end = min(previous + definition.seconds[1], fate.now)
            self._settle(task, run, Outcome.SUCCEEDED, end)
        if definition.enabled and not definition.held_back:
            fate.at(rhythm.next_after(fate.now), partial(self._tick, task, rhythm))

    def _tick(self, task: FdiTask, rhythm: Rhythm) -> None:
        fate = self._fate
        fate.at(rhythm.next_after(fate.now), partial(self._tick, task, rhythm))
        # The scheduler refuses a run while the one before is still going.
        if task.execute_status not in ACTIVE and not fate.misses(weak=task.definition.weak):
            fate.after(0.05, 0.9, partial(self._dispatch, task, fate.now))

    def _dispatch(self, task: FdiTask, planned: float | None = None) -> None:
        run = task.begin(self._fate.now if planned is None else planned, self._fate.now)
        if self._fate.chance(0.3):
            run.execute_status = "WAITING"
            self._fate.after(0.3, 3.0, partial(self._run, task, run))
        else:
            self._run(task, run)

    def _run(self, task: FdiTask, run: FdiRun) -> None:
        run.execute_status, run.position = "RUNNING", "READER"
        half = self._fate.between(*task.definition.seconds) / 2
        self._fate.after(half, half, partial(self._write, task, run, half))

    def _write(self, task: FdiTask, run: FdiRun, rest: float) -> None:
        run.position = "WRITER"
        self._fate.work(rest, rest, partial(self._end, task, run), weak=task.definition.weak)

    def _end(self, task: FdiTask, run: FdiRun) -> None:
        outcome = self._fate.verdict(weak=task.definition.weak)
        if outcome is not Outcome.SUCCEEDED:
            run.position = self._fate.pick(POSITIONS)
        self._settle(task, run, outcome, self._fate.now)
        if outcome is Outcome.FAILED and self._fate.mend(partial(self._repeat, task, run)):
            return
        self._go_on(task, (20.0, 60.0) if task.definition.cdc else (15.0, 150.0))

    def _go_on(self, task: FdiTask, pause: tuple[float, float]) -> None:
        """Let the next run of a task without a schedule come."""
        if task.definition.rhythm is None:
            self._fate.after(*pause, partial(self._dispatch, task))

    def _repeat(self, task: FdiTask, failed: FdiRun) -> None:
        """Start a task by hand, when its cause of failure is gone, unless it began again anyway."""
        if task.last is not failed:
            return
        run = task.begin(self._fate.now, self._fate.now)
        run.execute_status, run.position = "RUNNING", "READER"
        self._fate.after(3.0, 20.0, partial(self._end_well, task, run))

    def _end_well(self, task: FdiTask, run: FdiRun) -> None:
        self._settle(task, run, Outcome.SUCCEEDED, self._fate.now)
        # Long enough that who polls each minute sees that it is well again.
        self._go_on(task, (90.0, 150.0))

    def _settle(self, task: FdiTask, run: FdiRun, outcome: Outcome, moment: float) -> None:
        run.execute_status = EXECUTE_STATUS[outcome]
        run.ended = moment
        task.ended[outcome] += 1
        if outcome is Outcome.SUCCEEDED:
            run.position = "WRITER"
        run.settlement = Settlement(
            system=SYSTEM,
            target=self._target,
            name=task.definition.name,
            task_type=task.definition.task_type,
            outcome=outcome,
            key=task.definition.task_id,
            run=milliseconds(run.started),
            moment=moment,
        )
        self._report(run.settlement)


def statistics(tasks: Iterable[FdiTask]) -> dict[str, dict[str, int]]:
    """Return the numbers of tasks by kind (`common`, `cdc`) and the API's four states."""
    kinds: dict[str, list[str]] = {"common": [], "cdc": []}
    for task in tasks:
        kinds["cdc" if task.definition.cdc else "common"].append(task.execute_status)
    return {kind: _count_states(words) for kind, words in kinds.items()}


def _count_states(words: list[str]) -> dict[str, int]:
    """Count each task once: active, else failed, else succeeded, else terminated."""
    running = sum(word in ACTIVE for word in words)
    abnormal, completed = words.count("ERROR"), words.count("SUCCESS")
    return {
        "running_tasks_count": running,
        "abnormal_tasks_count": abnormal,
        "terminated_tasks_count": len(words) - running - abnormal - completed,
        "completed_tasks_count": completed,
    }
