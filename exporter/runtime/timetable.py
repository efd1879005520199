"""When the tasks of one collector ought to run, and which are overdue."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from exporter.runtime.steps import Steps, chunks
from exporter.sources.source import Source
from exporter.tasks.lateness import Due, due_of, is_excused, is_in_doubt, is_late
from exporter.tasks.ledger import Ledger, Pauses
from exporter.tasks.task import Task
from exporter.tasks.zone import ON_TIME, Zone, weighed


class Timetable(msgspec.Struct, frozen=True, kw_only=True):
    """As of one reading; everything by the keys of tasks."""

    dues: Mapping[str, Due] = {}
    """Of the tasks that have a schedule."""
    zone: Zone = Zone()
    overdue: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    """Their schedules may stand in another zone: no time is shown, and they are overdue only if
    they are late in any zone that may be meant."""
    unsure: frozenset[str] = frozenset()
    """Late, unless they were changed after their last run."""
    pauses: Pauses = ()
    """As in the ledger that it was made by."""

    def told(self) -> dict[str, Due]:
        """Return when tasks are due, as far as that is to be shown."""
        return {key: due for key, due in self.dues.items() if key not in self.doubtful}


def compiled(
    source: Source[Any],
    old: Timetable,
    tasks: Mapping[str, Task],
    changed: Collection[str],
    ledger: Ledger,
    now: float,
) -> Steps[Timetable]:
    """Return the timetable after a reading in which some tasks have `changed`."""
    dues: dict[str, Due] = {}
    for chunk in chunks((k, task) for k, task in tasks.items() if task.schedule is not None):
        for key, task in chunk:
            renewed = key in changed or ledger.pauses != old.pauses
            known = None if renewed else old.dues.get(key)
            interval, track = source.settings.interval, ledger.tracks[key]
            dues[key] = known or due_of(task, track, interval, source.grace, ledger.pauses)
        yield
    runs = {key: due.run for key, due in dues.items() if due.run is not None}
    began = (key for key in changed if key in runs)
    fresh = [runs[key] for key in began if old.dues.get(key, Due()).run != runs[key]]
    zone = weighed(ledger.zone, runs.values(), fresh)
    yield
    late: set[str] = set()
    excused: set[str] = set()
    for keys in chunks(dues):
        there = now + min(0.0, source.skew)  # a cloud whose clock is behind begins later
        now_late = [key for key in keys if is_late(tasks[key], dues[key], there)]
        late.update(now_late)
        excused.update(key for key in now_late if is_excused(tasks[key], dues[key], zone, there))
        yield
    in_doubt = {key for key, due in dues.items() if is_in_doubt(tasks[key], due, zone)}
    doubtful = frozenset(in_doubt | excused)
    return Timetable(
        dues=dues,
        zone=zone,
        overdue=frozenset(late - excused),
        doubtful=doubtful,
        unsure=frozenset(key for key, due in dues.items() if due.unsure) - doubtful,
        pauses=ledger.pauses,
    )


def noted(ledger: Ledger, times: Timetable, changed: Collection[str]) -> Ledger:
    """Return the ledger with what the timetable found out of the zone, and of who is on time."""
    runs = {key: times.dues[key].run for key in changed if key in times.dues}
    tracks = {
        key: msgspec.structs.replace(ledger.tracks[key], punctual=run.began)
        for key, run in runs.items()
        if run is not None and run.shifts == ON_TIME
    }
    return msgspec.structs.replace(
        ledger, zone=times.zone, tracks={**ledger.tracks, **tracks} if tracks else ledger.tracks
    )
