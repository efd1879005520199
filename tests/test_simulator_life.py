"""What happens in each simulated system, as pure functions of seed and time."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.world.fdi import statistics
from exporter.simulator.world.fdi_tasks import DAY, HOUR, MINUTE, Rhythm
from exporter.simulator.world.settlement import Outcome, Settlement
from exporter.simulator.world.world import Size, World

START = 1_773_482_400.0
SMALL = Size(fdi_tasks=15, history=600.0)


def make(seed: int = 1, size: Size = SMALL) -> tuple[World, list[Settlement]]:
    """Return a world and the list that it reports to."""
    reports: list[Settlement] = []
    dice = Random(seed)
    return World(dice, START, reports.append, size), reports


def test_kinds_of_fdi_tasks() -> None:
    """An instance has timed, real-time and CDC tasks, disabled ones, and some that never ran."""
    world, _ = make(size=Size(fdi_tasks=30))
    definitions = [task.definition for task in world.fdi.tasks.values()]
    rhythms = [definition.rhythm for definition in definitions if definition.rhythm]

    assert len(definitions) == len({d.task_id for d in definitions}) == 30
    assert {d.task_type for d in definitions} == {"TIMING", "REALTIME"}
    assert {d.cdc for d in definitions} == {d.enabled for d in definitions} == {True, False}
    assert {rhythm.unit for rhythm in rhythms} == {None, "MIN", "HOUR", "DAY"}
    assert any(rhythm.cron for rhythm in rhythms)
    assert any(
        task.last_execute_time is None and task.definition.enabled
        for task in world.fdi.tasks.values()
    )


def test_fdi_runs_begin_on_the_beat() -> None:
    """A timed task begins within a second of its schedule, unless a failure is repeated."""
    world, reports = make()
    world.advance(START + 1800.0)
    last: dict[str, Outcome] = {}
    checked = repeated = 0
    for report in reports:
        definition = world.fdi.tasks[report.key].definition if report.system == "fdi" else None
        if definition is not None and definition.rhythm is not None and report.moment > START:
            begun = report.run / 1000
            late = begun - definition.rhythm.previous_before(begun)
            assert 0.0 <= late < 1.0 or last[report.key] is Outcome.FAILED
            checked += 1
            repeated += late >= 1.0
        last[report.key] = report.outcome

    assert 0 < repeated < checked / 10
    assert checked > 50


def test_failures_are_repeated_where_somebody_cares() -> None:
    """In everyday life a success follows each failure within minutes; while much fails, not so."""
    for name, repeats in (("healthy", True), ("failing", False)):
        world, reports = make(size=Size(history=0.0))
        world.play(SCENARIOS[name], START)
        world.advance(START + 7200.0)
        by_name: dict[tuple[str, str], list[Settlement]] = {}
        for report in reports:
            if report.task_type != "SYS_SCHEDULED":
                by_name.setdefault((report.target, report.name), []).append(report)
        failures = waits = 0
        for runs in by_name.values():
            for at, run in enumerate(runs):
                if run.outcome is Outcome.FAILED and run.moment < START + 6600.0:
                    good = (r.moment for r in runs[at:] if r.outcome is Outcome.SUCCEEDED)
                    failures += 1
                    waits += next(good, START + 7200.0) - run.moment > 400.0

        assert failures > 10
        assert (waits == 0) is repeats


@given(
    st.sampled_from((MINUTE, 5 * MINUTE, HOUR, DAY)),
    st.integers(0, 86_399),
    st.integers(0, 10**6),
)
def test_rhythm_moves_on(period: float, offset: int, beats: int) -> None:
    """After a beat comes the next one, never the same."""
    rhythm = Rhythm(period=period, offset=float(offset))
    beat = rhythm.previous_before(START + beats * period)

    assert rhythm.next_after(beat) == beat + period
    assert rhythm.previous_before(beat + period / 2) == beat


def test_statistics_count_every_task_once() -> None:
    """The four states of both kinds add up to the number of tasks."""
    world, _ = make()
    for minute in range(10):
        world.advance(START + 60.0 * minute + 7.0)
        kinds = statistics(world.fdi.tasks.values())
        running = sum(counts["running_tasks_count"] for counts in kinds.values())
        active = [t for t in world.fdi.tasks.values() if t.execute_status in {"RUNNING", "WAITING"}]

        assert sum(sum(counts.values()) for counts in kinds.values()) == SMALL.fdi_tasks
        assert running == len(active)


def test_dms_tasks_go_their_ways() -> None:
    """Tasks are seen created, executing, settled, and deleted; deleted ones vanish."""
    world, _ = make(size=Size(dms_mean_gap=10.0))
    words: set[str] = set()
    identifiers: set[str] = set()
    for step in range(360):
        world.advance(START + 10.0 * step)
        for dms in world.dms.values():
            words |= {task.status for task in dms.tasks.values()}
            identifiers |= set(dms.tasks)

    assert words == {"CREATED", "EXECUTING", "SUCCESS", "FAILED", "CANCELLED", "DELETED"}
    assert len(identifiers) > sum(len(dms.tasks) for dms in world.dms.values())


def test_ocp_retries_and_rollbacks() -> None:
    """
    Failures are retried and rolled back.

    A finish time stays while the instance runs again; a finished rollback is successful by its
    word, cancelled by its outcome, and all its subtasks wait again.
    """
    world, reports = make(size=Size(fdi_tasks=0, ocp_load=10.0))
    world.play(SCENARIOS["failing"], START)
    running_again = False
    for step in range(360):
        world.advance(START + 10.0 * step)
        running_again |= any(
            i.status == "RUNNING" and i.finished is not None for i in world.ocp.instances.values()
        )
    instances = world.ocp.instances.values()
    undone = [i for i in instances if i.operation == "ROLLBACK" and i.status == "SUCCESSFUL"]
    retried = [i for i in instances if i.operation == "RETRY" and i.status == "SUCCESSFUL"]
    outcomes = {(r.key, r.run): r.outcome for r in reports if r.system == "ocp"}

    assert running_again
    assert undone
    assert retried
    assert {sub.status for i in undone for sub in i.subtasks} == {"PENDING"}
    assert {i.settlement.outcome for i in undone if i.settlement} == {Outcome.CANCELLED}
    assert all(i.first_failure is not None for i in (*undone, *retried))
    assert {r.task_type for r in reports if r.system == "ocp"} == {
        "MANUAL",
        "SCHEDULED",
        "SYS_SCHEDULED",
        "SYS_ONECE",
    }
    assert all(max(sub.runs for sub in i.subtasks) > 1 for i in retried)
    assert len(outcomes) == sum(r.system == "ocp" for r in reports)


def test_ocp_subtasks_follow_their_graph() -> None:
    """No subtask has begun before all that it waits for have ended well."""
    world, _ = make(size=Size(fdi_tasks=0, ocp_load=10.0, history=0.0))
    words = set()
    for step in range(150):
        world.advance(START + 3.0 * step)
        for instance in world.ocp.instances.values():
            for subtask in instance.subtasks:
                words.add(subtask.status)
                above = [instance.subtasks[index].status for index in subtask.step.after]
                if subtask.status != "PENDING" and instance.operation != "ROLLBACK":
                    assert set(above) <= {"SUCCESSFUL"}

    assert words == {"PENDING", "READY", "RUNNING", "SUCCESSFUL", "FAILED"}


def test_nothing_takes_five_minutes_unless_it_hangs() -> None:
    """The demo calls FDI and DMS tasks stuck after five minutes: healthy ones never are."""
    world, _ = make(size=Size())
    longest = 0.0
    for step in range(720):
        now = START + 10.0 * step
        world.advance(now)
        begun = [
            task.last_execute_time or now
            for task in world.fdi.tasks.values()
            if task.execute_status in {"WAITING", "RUNNING"}
        ]
        begun += [
            task.created
            for dms in world.dms.values()
            for task in dms.tasks.values()
            if task.settlement is None
        ]
        longest = max([longest, *(now - moment for moment in begun)])

    assert 60.0 < longest < 300.0
