"""What one collector says now: the last reading, its tasks, what was counted, what is shown."""

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from exporter.exposition import families
from exporter.exposition.families import History
from exporter.exposition.family import Family, Histogram, Labels, Series
from exporter.exposition.shard import Shard, render, render_samples
from exporter.exposition.shard import prefix as target_prefix
from exporter.runtime.steps import Steps, chunks
from exporter.runtime.timetable import Timetable, compiled, noted
from exporter.sources.source import Reading, Source
from exporter.tasks.lateness import is_stuck
from exporter.tasks.ledger import Ledger, Subject, advance, close, conclude
from exporter.tasks.selection import Rules, Selection, matches, select, team_of
from exporter.tasks.task import State, Task

Samples = dict[Family, Iterable[tuple[Labels, float | Histogram]]]


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, as one value."""

    ledger: Ledger
    reading: Reading[Any] | None = None
    tasks: Mapping[str, Task] = {}
    timetable: Timetable = Timetable()
    stuck: frozenset[str] = frozenset()
    selection: Selection = Selection(frozenset(), 0)
    histories: Mapping[Subject, History] = {}
    changed: frozenset[Any] = frozenset()
    """Keys of records and histories that differ from the picture before."""
    hidden: int = 0
    """Tasks, or names of runs, that have no series because of the limit."""
    vanished: int = 0


def take(
    source: Source[Any], rules: Rules, old: Picture, reading: Reading[Any], now: float
) -> Steps[Picture]:
    """Return the picture after `reading`, which was asked for at `now`."""
    before = old.reading.records if old.reading else {}
    changed = {key for key, record in reading.records.items() if before.get(key) != record}
    yield
    ledger, tasks = yield from _count(source, old, reading, changed, now)
    blind_after = source.settings.blind_after
    ledger = conclude(ledger, now, reading.history_from, reading.pending, blind_after)
    times = yield from compiled(source, old.timetable, tasks, changed, ledger, now)
    ledger = noted(ledger, times, changed)
    stuck = frozenset(key for key, task in tasks.items() if is_stuck(task, now))
    yield
    wanted = _wanted(source, rules, reading)
    selection = _select(source, rules, old, wanted, tasks, ledger, times.overdue | stuck)
    yield
    # Runs have a history by their name, which is shown whether or not a run has series of its own.
    listed = wanted.keys() if source.records_are_runs else selection.keys
    asked_for = partial(matches, rules, tag="")
    shown = {key: tasks[key] for key in listed & tasks.keys()}
    every = families.histories(source.system, ledger, shown, times.told(), asked_for)
    histories = {
        subject: msgspec.structs.replace(row, team=team_of(rules.teams, subject[1]))
        for subject, row in families.foremost(every, rules.limit, old.histories).items()
    }
    return Picture(
        ledger=ledger,
        reading=reading,
        tasks=tasks,
        timetable=times,
        stuck=stuck,
        selection=selection,
        histories=histories,
        hidden=selection.hidden + len(every) - len(histories),
        changed=frozenset(changed)
        | {s for s, row in histories.items() if old.histories.get(s) != row},
        vanished=_vanished(source, old, reading),
    )


def _count(
    source: Source[Any], old: Picture, reading: Reading[Any], changed: set[str], now: float
) -> Steps[tuple[Ledger, dict[str, Task]]]:
    ledger, tasks = old.ledger, {}
    over: list[str] = []
    gone = {key: None for key, track in ledger.tracks.items() if track.listed}
    for chunk in chunks(reading.records.items()):
        changes: dict[str, Task | None] = {}
        for key, record in chunk:
            known = None if key in changed else old.tasks.get(key)
            task = known or source.to_task(record)
            if task is None:
                over.append(key)
                continue
            tasks[key] = task
            gone.pop(key, None)
            if known is None:
                changes[key] = task
        ledger, _ = advance(ledger, changes, now)
        yield
    for missing in chunks(gone.items()):
        ledger, _ = advance(ledger, dict(missing), now)
        yield
    return close(ledger, over), tasks


def _wanted(source: Source[Any], rules: Rules, reading: Reading[Any]) -> dict[str, Any]:
    """Return the records that the configuration wants to see singly."""
    return {
        key: record
        for key, record in reading.records.items()
        if matches(rules, source.name(record), source.tag(record))
    }


def _select(
    source: Source[Any],
    rules: Rules,
    old: Picture,
    wanted: Mapping[str, Any],
    tasks: Mapping[str, Task],
    ledger: Ledger,
    late: frozenset[str],
) -> Selection:
    keys = [key for key, record in wanted.items() if source.has_series(record)]
    shown: Collection[str] = old.selection.keys
    if not tasks:
        kept = sorted(keys, key=lambda key: (key not in shown, key))[: rules.limit]
        return Selection(frozenset(kept), len(keys) - len(kept))
    if source.type_of is not None:  # a task's next run takes the place of the one before
        types = set(map(source.type_of, shown))
        shown = {key for key in keys if source.type_of(key) in types}
    elif source.records_are_runs:  # of runs that failed the newest are shown, and that is stable
        shown = {key for key in shown if key in tasks and tasks[key].state is not State.FAILED}
    ranked = [tasks[key] for key in keys if key in tasks]
    minor_types = (*source.minor_types, None) if source.minor_types else ()  # None: not told yet
    minor = {task.key for task in ranked if ledger.tracks[task.key].task_type in minor_types}
    return select(rules.limit, ranked, late, shown, minor)


def _vanished(source: Source[Any], old: Picture, reading: Reading[Any]) -> int:
    """Count the definitions that were listed before the list dropped to nothing."""
    if source.records_are_runs or reading.records or reading.invalid:
        return 0
    listed = sum(track.listed for track in old.ledger.tracks.values())
    return listed or old.vanished


def draw(
    source: Source[Any],
    picture: Picture,
    counted: Ledger,
    prefix: bytes,
    old: Mapping[str, Shard],
) -> Steps[dict[str, Shard]]:
    """
    Render the shards of a picture, as far as they differ from the `old` ones.

    `counted` is what may be shown as counted: the ledger that was committed last.
    """
    shards: dict[str, Shard] = {}
    if picture.reading is not None:
        shown = picture.selection.keys
        rows = {key: row for key, row in picture.reading.records.items() if key in shown}
        for series in source.series:
            shards |= yield from _update(series, prefix, rows, picture.changed, old)
        for aggregate in source.aggregates:
            told = list(aggregate.samples(picture.reading))
            shards[aggregate.family.name] = render_samples(aggregate.family, prefix, told)
            yield
    if source.counters:
        shared: Samples = {a.family: a.samples(counted) for a in source.counters}
    else:
        shared = _shared(source, picture, counted)
        past, changed = picture.histories, picture.changed
        for history in families.HISTORY if shared else ():
            # A target may have a label `team` of its own, for all its other series.
            bare = history.family is families.TEAM
            labels = target_prefix(source.place.target, {}) if bare else prefix
            shards |= yield from _update(history, labels, past, changed, old)
    for family, samples in shared.items():
        shards[family.name] = render_samples(family, prefix, list(samples))
    return shards


def _update(
    series: Series[Any],
    prefix: bytes,
    rows: Mapping[Any, Any],
    changed: frozenset[Any],
    old: Mapping[str, Shard],
) -> Steps[dict[str, Shard]]:
    name = series.family.name
    return {name: (yield from render(series, prefix, rows, changed & rows.keys(), old.get(name)))}


def _shared(source: Source[Any], picture: Picture, counted: Ledger) -> Samples:
    """Return the samples of the shared aggregates; before the first poll only what was counted."""
    if not (picture.tasks or picture.ledger.counts):
        return {}
    tasks, system = picture.tasks, source.system
    samples: Samples = {
        families.RUNS: families.runs_by_outcome(system, counted),
        families.RUN_DURATION: families.run_durations(system, counted),
    }
    if picture.reading is not None:
        types = sorted({task_type for task_type, _ in picture.ledger.counts})
        samples[families.TASKS] = families.tasks_by_state(system, types, tasks.values())
        stuck = (tasks[key] for key in picture.stuck)
        samples[families.STUCK] = families.by_type(system, types, stuck)
        if source.has_schedules:
            overdue = (tasks[key] for key in picture.timetable.overdue)
            samples[families.OVERDUE] = families.by_type(system, types, overdue)
        samples[families.OLDEST_ACTIVE] = families.oldest_active(system, tasks.values())
    return samples
