"""What the pages of a list of background tasks tell, one after the other: no I/O here."""

from collections.abc import Mapping, Sequence

import msgspec

from exporter.sources.dms.record import BackgroundTask


class Page(msgspec.Struct, frozen=True):
    """One page, as it was answered."""

    tasks: Sequence[BackgroundTask | None]
    """None for what makes no sense."""
    count: int | None = None
    """The API's `task_count`."""

    @property
    def ids(self) -> Sequence[str | None]:
        """The ids of the tasks, in their order."""
        return [None if task is None else task.task_id for task in self.tasks]


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What all pages have told."""

    tasks: Mapping[str, BackgroundTask]
    invalid: int
    """Elements that are no object or have no id."""
    inconsistent: bool
    """A task may be missing: the list moved, contradicts its count, or cannot be turned over."""
    ended: bool
    """Nothing follows; otherwise there are more pages than were read."""
    complete_from: float | None
    """Since when it is complete although it did not end; None if nobody can tell."""


class Walk:
    """
    What one pass over the pages has gathered, and where it goes on.

    Every page is asked to begin with the last task of the one before, so that it is noticed when
    tasks were deleted meanwhile and others moved up unseen. The pass ends at a page without
    anything new: neither its length nor the count says that nothing follows.
    """

    def __init__(self) -> None:
        """Nothing was read yet."""
        self.tasks: dict[str, BackgroundTask] = {}
        self.invalid = 0
        self.passed = 0
        """Tasks before the page to ask for next."""
        self.skipped = False
        """A page did not begin with the end of the one before."""
        self.stalled = False
        """The cloud shows the same page again, whatever is asked for."""
        self.ended = False
        self._first: Page | None = None
        self._last: Sequence[str | None] = ()
        self._dates: list[float] = []

    @property
    def overlaps(self) -> bool:
        """Whether the page to ask for next begins with a task that is known."""
        return len(self._last) > 1

    @property
    def lacks(self) -> bool:
        """Whether the count, as it was at first, says that there are more tasks."""
        return (self._count or 0) > self._known

    @property
    def contradicts(self) -> bool:
        """Whether the count, as it was at first, is neither of the list nor of its first page."""
        lengths = {self._known, 0 if self._first is None else len(self._first.tasks)}
        return self._count is not None and (self.lacks or self._count not in lengths)

    def repeats(self, page: Page) -> bool:
        """Whether this page is the same as the one before."""
        return bool(self._last) and self._last == page.ids

    def stall(self) -> None:
        """Take note that no page follows but the same; that is an end if all is there."""
        self.ended = self._count == self._known
        self.stalled = not self.ended

    def goes_on_after(self, page: Page) -> bool:
        """Add a page and move on to the next; return False, and be ended, where there is none."""
        self._first = self._first or page
        ids, told = page.ids, page.tasks
        if self.overlaps and ids[:1] == [self._last[-1]]:
            told = told[1:]
        elif self.overlaps and (not ids or ids[0] not in self.tasks):
            self.skipped = True
        self._last = ids
        self.ended = not self._take(told)
        self.passed += max(1, len(ids) - 1)
        return not self.ended

    def listing(self, tasks: Mapping[str, BackgroundTask]) -> Listing:
        """Return what was found, with these tasks."""
        dates = self._dates
        newest_first = bool(dates) and dates == sorted(dates, reverse=True)
        return Listing(
            tasks=tasks,
            invalid=self.invalid,
            inconsistent=self.skipped or self.stalled,
            ended=self.ended,
            complete_from=dates[-1] if newest_first else None,
        )

    @property
    def _known(self) -> int:
        return len(self.tasks) + self.invalid

    @property
    def _count(self) -> int | None:
        return None if self._first is None else self._first.count

    def _take(self, told: Sequence[BackgroundTask | None]) -> int:
        """Add tasks; return how many of them are new."""
        sensible = [task for task in told if task is not None]
        fresh = [task for task in sensible if task.task_id not in self.tasks]
        self.tasks.update((task.task_id, task) for task in sensible)
        self._dates += [task.created_at for task in fresh if task.created_at is not None]
        invalid = len(told) - len(sensible)
        self.invalid += invalid
        return len(fresh) + invalid
