"""Which tasks get series of their own, when there are more than the limit allows."""

import re
from collections.abc import Collection, Iterable
from typing import Literal

import msgspec

from exporter.tasks.task import ACTIVE, State, Task


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """Who is called for which tasks."""

    match: re.Pattern[str]
    """Tasks whose name matches somewhere; the first entry that matches holds."""
    team: str
    """Label of the series `cloud_task_team_info`, for routing alerts."""
    severity: Literal["critical", "warning", "info"] | None = None
    """Label of the same series, before the alerts' own; without, each alert keeps its own."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says of per-task series."""

    limit: int
    include: re.Pattern[str]
    exclude: re.Pattern[str] | None = None
    tags: Collection[str] = ()
    """Only tasks with one of these tags; empty for any."""
    teams: tuple[Team, ...] = ()


class Selection(msgspec.Struct, frozen=True):
    """The keys that are shown, and how many matching ones are not."""

    keys: frozenset[str]
    hidden: int


def matches(rules: Rules, name: str, tag: str) -> bool:
    """Whether the rules want a task of that name and tag at all."""
    if rules.tags and tag not in rules.tags:
        return False
    if rules.exclude is not None and rules.exclude.search(name):
        return False
    return rules.include.search(name) is not None


def team_of(teams: Iterable[Team], name: str) -> Team | None:
    """Return who is called for a task of that name, if anybody."""
    return next((team for team in teams if team.match.search(name)), None)


def select(
    limit: int,
    wanted: Iterable[Task],
    urgent: Collection[str],
    shown: Collection[str],
    minor: Collection[str] = (),
) -> Selection:
    """
    Choose at most `limit`: failing, `urgent` and running tasks first, then the most recent.

    What is `minor` comes after those when it fails. Between equals what is `shown` already stays,
    so that the edge does not flap between polls.
    """
    ranked = sorted(wanted, key=lambda task: _rank(task, urgent, shown, minor))
    kept = frozenset(task.key for task in ranked[:limit])
    return Selection(kept, len(ranked) - len(kept))


def _rank(
    task: Task, urgent: Collection[str], shown: Collection[str], minor: Collection[str]
) -> tuple[int, bool, float, str]:
    pressing = task.state is State.FAILED or task.key in urgent
    first = pressing and task.key not in minor
    grade = 0 if first else 1 if task.state in ACTIVE else 2 if pressing else 3
    return (grade, task.key not in shown, -(task.since or 0.0), task.key)
