"""Which run logs are read next, and from when on, by what is known of each task: pure."""

from collections.abc import Container, Iterable, Mapping

import msgspec

from exporter.sources.fdi.run_log import Listed, Run

OVERLAP = 900.0
"""Seconds read again before what is not known; clocks that differ by more are refused anyway."""
LONG_RUN = 86_400.0
"""Seconds that a run may take and not be lost when its task begins another one meanwhile."""
PATIENCE = 86_400.0
"""Seconds for which a log may fail and its runs be owed; those of the time before are then lost."""


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """A task whose runs are counted; times are epoch seconds."""

    listed: Listed
    known_until: float
    """Whatever settled before is known or nobody's to count; when its log was last read."""
    counts_from: float
    """Runs that settled until then were nobody's to count."""
    awaited: frozenset[str]
    """Keys of the open runs of which the log is to tell more."""
    read: Listed | None = None
    """As it was listed when its log was last read; None before the first time."""
    runs: Mapping[str, Run] = {}
    """Those of the last reading by their key, and at any rate the latest."""
    failing: float | None = None
    """Since when its log fails."""
    tried: float = 0.0
    """When its log failed last."""

    def listed_as(self, listed: Listed, now: float) -> "Covered":
        """Return the task as a new poll lists it."""
        awaited = self.awaited if self.read is None else self._open_runs(now)
        return msgspec.structs.replace(self, listed=listed, awaited=awaited)

    @property
    def has_news(self) -> bool:
        """Whether the log has likely something to tell that is not known."""
        listed, started = self.listed, self.listed.last_execute_time
        if self.read is not None:
            return self.read != listed or bool(self.awaited and not listed.is_active)
        if self.awaited or listed.is_active or started is None:
            return True
        return started >= min(self.known_until - OVERLAP, self.counts_from)

    @property
    def may_owe(self) -> bool:
        """Whether runs may have settled that are not known."""
        return self.read is None or self.has_news or not self.listed.tells_of_runs

    @property
    def begin(self) -> float:
        """From when on the log is to be read, by whichever of its times the API goes."""
        # At first nobody knows when the runs began that are open, or settled since.
        return self._needed_from - (LONG_RUN if self.read is None else 0.0)

    def after(self, found: Mapping[str, Run], now: float) -> "Covered":
        """Return what is known once the log was read at `now`."""
        before = (run for run in self.runs.values() if run.latest)
        newest = max(found.values(), key=_age, default=next(before, None))
        needed_from = self._needed_from
        kept = {
            key: self._marked(run)
            for key, run in found.items()
            if key in self.awaited or run.settled_at is None or run.settled_at >= needed_from
        }
        if newest is not None:
            kept[newest.key] = msgspec.structs.replace(self._marked(newest), latest=True)
        return msgspec.structs.replace(
            self, read=self.listed, known_until=now, runs=kept, failing=None
        )

    def failed(self, now: float) -> "Covered":
        """Return the task once its log failed at `now`; when that goes on, it owes no more."""
        failing = now if self.failing is None else self.failing
        lost = now - failing >= PATIENCE
        return msgspec.structs.replace(
            self,
            known_until=now if lost else self.known_until,
            failing=now if lost else failing,
            tried=now,
        )

    def still_sought(self) -> dict[str, Run]:
        """Return the runs that a log must not lack: those that are awaited, and the latest."""
        return {key: run for key, run in self.runs.items() if run.latest or key in self.awaited}

    @property
    def _needed_from(self) -> float:
        """From when on runs are new, awaited or the latest, if they are told by when they began."""
        moments = [self.known_until, self.listed.last_execute_time]
        moments += [self.runs[key].begun for key in self.awaited if key in self.runs]
        if self.read is None:
            # By the log's own clock, so that there is no other to allow for.
            moments.append(self.counts_from + OVERLAP)
        if self.read is not None and self.read.is_active:
            # The log may not have shown that run yet.
            moments.append(self.read.last_execute_time)
        return min(moment for moment in moments if moment is not None) - OVERLAP

    def _open_runs(self, now: float) -> frozenset[str]:
        return frozenset(
            key
            for key, run in self.runs.items()
            if run.is_open and (run.latest or (run.begun or 0.0) >= now - LONG_RUN)
        )

    def _marked(self, run: Run) -> Run:
        """Return the run, as old if it settled before it was anybody's to count."""
        old = not run.is_open and run.key not in self.awaited
        old = old and (run.settled_at or 0.0) <= self.counts_from
        return msgspec.structs.replace(run, latest=False, old=old)


def choose(covered: Iterable[Covered], budget: int) -> list[Covered]:
    """
    Return at most `budget` tasks whose logs to read.

    Those with news come first, and what was not tried for longest before others; a quarter of the
    budget is left to tasks that seem to have none.
    """
    ranked = sorted(covered, key=_turn)
    news = [task for task in ranked if task.has_news]
    quiet = [task for task in ranked if not task.has_news]
    share = budget - min(len(quiet), budget // 4)
    chosen = news[:share]
    return chosen + quiet[: budget - len(chosen)]


def away(
    known: Iterable[Covered], covered: Container[str], limit: int, now: float
) -> dict[str, Covered]:
    """Return those that a list lacks for a while: at most `limit` whose logs were read lately."""
    left = [task for task in known if task.listed.task_id not in covered]
    left = [task for task in left if now - task.known_until < PATIENCE]
    left.sort(key=lambda task: task.known_until, reverse=True)
    return {task.listed.task_id: task for task in left[:limit]}


def told_until(waiting: Iterable[Covered]) -> float | None:
    """Return up to when all settled runs are told, if some of the tasks not read may have more."""
    return min((task.known_until for task in waiting if task.may_owe), default=None)


def _turn(task: Covered) -> tuple[float, float, str]:
    listed = task.listed
    last_read = max(task.tried, task.known_until if task.read is not None else 0.0)
    return (last_read, -(listed.last_execute_time or 0.0), listed.task_id)


def _age(run: Run) -> tuple[float, str]:
    return (run.begun or run.settled_at or 0.0, run.run_id)
