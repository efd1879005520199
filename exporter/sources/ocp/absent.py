"""Instances that somebody has to see to, and that no list shows any more: looked up by id."""

from collections.abc import Collection, Mapping

import msgspec

from exporter.sources.document import Words
from exporter.sources.ocp.details import Details
from exporter.sources.ocp.instance import Instance
from exporter.sources.source import Ask
from exporter.tasks.task import State

SINGLES = 100
"""Instances that one poll looks up by id at most, besides the configured ones."""
UNCLEAR = 20
"""Instances in a state that nobody knows that are kept at most: no list shows them again, whether
they go on or not."""
PATIENCE = 3600.0
"""Seconds for which one that cannot be looked up stays as it was; then it is given up."""
REFUSED_FOR = 86_400.0
"""Seconds for which one that may not be seen any more is missed; then it is given up."""


class Seen(msgspec.Struct, frozen=True):
    """What is listed, and what is not but has not gone."""

    instances: dict[str, Instance]
    looked_up: frozenset[str]
    """Those that were asked for and found."""
    invalid: int
    """How many could not be read, are refused or made no sense."""
    lost: bool
    """One was given up: how it ended nobody will know."""


class Absent:
    """
    Knows which instances left the lists without having been seen to end.

    They may have settled, or be what pages missed because the list moved. Until that is known they
    stay as they were: what is not read must not look mended.
    """

    def __init__(self, details: Details, watched: Collection[str]) -> None:
        """Look up by `details`, the `watched` ones always."""
        self._details = details
        self._watched = frozenset(watched)
        self._gone: frozenset[str] = frozenset()
        self._failing: dict[str, float] = {}
        """Since when each cannot be looked up."""
        self._refused: dict[str, float] = {}
        """Since when each may not be seen any more; that first which was not asked for longest."""

    async def look_up(
        self,
        listed: Mapping[str, Instance],
        last: Mapping[str, Instance],
        ask: Ask,
        words: Words,
    ) -> Seen:
        """
        Return what is `listed`, and what of the `last` reading is not but has not gone.

        Raises `Forbidden` where nothing at all may be seen.
        """
        given_up = self._given_up(listed, ask.now)
        left, dropped = self._left(listed.keys() | given_up, last, ask)
        again = [key for key in self._refused if key not in given_up][:1]  # rights may come back
        asked = [*left[:SINGLES], *sorted(self._watched - listed.keys()), *again]
        answers = await self._details.read(asked, words, others=listed)
        if not listed and answers.refused and len(answers.refused) == len(asked):
            raise next(iter(answers.refused.values()))
        found = {key: one for key, one in answers.found.items() if one is not None}
        failing = (answers.found.keys() - found.keys()) | answers.failed.keys()
        gone = frozenset(asked) - found.keys() - failing - answers.refused.keys()
        self._gone = ((self._gone | given_up | gone) & _open(ask)) - listed.keys()
        told = frozenset(asked) | given_up
        self._failing = _since(self._failing, failing - self._watched, told, ask.now)
        refused = answers.refused.keys() - self._watched
        self._refused = _since(self._refused, refused, told, ask.now)
        missing = {*dropped, *answers.refused, *self._refused}
        over = missing | given_up | gone | self._gone
        carried = {key: one for key, one in last.items() if key not in over}
        seen = {**carried, **listed, **found}
        return Seen(seen, frozenset(found), len(failing) + len(missing), lost=bool(given_up))

    def _given_up(self, listed: Collection[str], now: float) -> frozenset[str]:
        """Return what nobody could tell of for too long, and forget what is listed again."""
        self._failing, self._refused = (
            {key: since for key, since in waiting.items() if key not in listed}
            for waiting in (self._failing, self._refused)
        )
        failing = frozenset(k for k, since in self._failing.items() if since <= now - PATIENCE)
        return failing.union(k for k, at in self._refused.items() if at <= now - REFUSED_FOR)

    def _left(
        self, told: Collection[str], last: Mapping[str, Instance], ask: Ask
    ) -> tuple[list[str], list[str]]:
        """Return what is to be looked up, the most urgent first, and what is too much to keep."""
        opened = {key: one for key, one in last.items() if one.is_open}
        unclear = {key for key, one in opened.items() if one.state is State.UNKNOWN}
        known = {*told, *self._watched, *self._gone, *self._refused}
        urgent = sorted(
            (opened.keys() | _open(ask)) - unclear - known,
            key=lambda key: (key not in ask.active, key not in ask.owed, key),
        )
        newest = sorted(unclear - known, key=lambda key: -(opened[key].start_time or ask.now))
        return [*urgent, *newest[:UNCLEAR]], newest[UNCLEAR:]


def _open(ask: Ask) -> frozenset[str]:
    """Return what may still end otherwise, as a failed one that waits to be repeated, or count."""
    return frozenset(ask.active).union(ask.failed, ask.owed)


def _since(
    waiting: Mapping[str, float], still: Collection[str], told: Collection[str], now: float
) -> dict[str, float]:
    """Return since when each is waited for: first what was not told of, then what `still` is."""
    left = {key: since for key, since in waiting.items() if key not in told}
    return {**left, **{key: waiting.get(key, now) for key in sorted(still)}}
