"""
What only the detail of each FDI task tells: data sources, mode, when it was made and changed.

One call for each task, so it is off unless asked for. The answer's `task_detail` holds SQL, table
names and addresses of hosts, and data sources may be named after hosts: neither is ever read.
"""

from typing import Annotated, Any

import msgspec

from exporter.api.client import Client
from exporter.duration import Duration
from exporter.exposition.family import Family, Kind, Labels, Series
from exporter.sources.document import Document, identity, mapping, moment, text
from exporter.sources.fdi.listing import (
    LARGEST_INSTANCE,
    LIST,
    MonitorList,
    calls_for_list,
    is_gone,
)
from exporter.sources.fetch import path, read_apart
from exporter.sources.source import Ask, Place, Reading, Settings, Source

SHOW = "show_task"


class TaskDetailsSettings(Settings, frozen=True, kw_only=True):
    """Keys of `task_details`."""

    enabled: bool = False
    interval: Duration = Duration(900.0)
    timeout: Duration | None = Duration(600.0)
    """Long enough for a thousand tasks at the default rate."""
    page_size: Annotated[int, msgspec.Meta(ge=1, le=999)] = 999
    """Tasks listed in one call, to learn their ids."""


class TaskDetail(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """TaskBasicRsp, as far as it is used; times are epoch seconds."""

    task_id: str
    task_name: str
    task_mode: str
    task_tag: str
    source_datasource_type: str
    target_datasource_type: str
    created_date: float | None
    last_modified_date: float | None


def detail_path(place: Place, task_id: str) -> str:
    """Return where the detail of a task is."""
    return path("v2", place.project_id, "fdi", "instances", place.instance_id, "tasks", task_id)


def parse_task_detail(answer: Any, task_id: str, task_name: str) -> TaskDetail | None:
    """Read the answer for `task_id`, listed as `task_name`; None if it is not about that task."""
    document = mapping(answer)
    task = mapping(document.get("task")) if document is not None else None
    # The documents allow the answer to leave its own id empty.
    if task is None or identity(task.get("task_id")) not in {"", task_id}:
        return None
    return TaskDetail(
        task_id=task_id,
        task_name=text(task.get("task_name")) or task_name,
        task_mode=text(task.get("task_mode")),
        task_tag=text(task.get("task_tag")),
        source_datasource_type=text(task.get("source_datasource_type")),
        target_datasource_type=text(task.get("target_datasource_type")),
        created_date=moment(task.get("created_date")),
        last_modified_date=moment(task.get("last_modified_date")),
    )


def _task(row: TaskDetail) -> Labels:
    return (row.task_id, row.task_name)


class TaskDetails(Source[TaskDetail]):
    """GET /v2/{project_id}/fdi/instances/{instance_id}/tasks/{task_id}, for each listed task."""

    system = "fdi"
    collector = "task_details"
    settings_type = TaskDetailsSettings
    operations = (LIST, SHOW)
    series = (
        Series(
            Family(
                name="fdi_task_detail_info",
                help=(
                    "1 for each FDI task whose detail was read, with its task_mode and the types"
                    " of its data sources, as of the last successful poll."
                ),
                kind=Kind.STATE,
                labels=(
                    "task_id",
                    "task_name",
                    "task_mode",
                    "source_datasource_type",
                    "target_datasource_type",
                ),
            ),
            lambda row: (
                *_task(row),
                row.task_mode,
                row.source_datasource_type,
                row.target_datasource_type,
            ),
            lambda _: 1.0,
        ),
        Series(
            Family(
                name="fdi_task_created_timestamp_seconds",
                help=(
                    "When the FDI task was created (created_date of its detail),"
                    " as of the last successful poll."
                ),
                kind=Kind.TIMESTAMP,
                labels=("task_id", "task_name"),
            ),
            _task,
            lambda row: row.created_date,
        ),
        Series(
            Family(
                name="fdi_task_last_modified_timestamp_seconds",
                help=(
                    "When the FDI task was last changed (last_modified_date of its detail),"
                    " as of the last successful poll."
                ),
                kind=Kind.TIMESTAMP,
                labels=("task_id", "task_name"),
            ),
            _task,
            lambda row: row.last_modified_date,
        ),
    )

    def __init__(self, client: Client, place: Place, settings: TaskDetailsSettings) -> None:
        """Take the way to the cloud, the instance and the settings."""
        super().__init__(client, place, settings)
        self._list = MonitorList(client, place, settings.page_size)

    @classmethod
    def calls_per_poll(cls, settings: TaskDetailsSettings) -> int:
        """Return the pages of the largest instance, and one call for each of its tasks."""
        return calls_for_list(settings.page_size) + LARGEST_INSTANCE

    async def poll(self, ask: Ask) -> Reading[TaskDetail]:  # noqa: ARG002 - details have no past
        """
        List the tasks, then read the detail of each; one deleted meanwhile is left out.

        One that cannot be read is left out, too, and counted, unless it is so with all of them.
        """
        listing = await self._list.read(_listed_name)
        answers = await read_apart(listing.monitors, self._show, is_gone, several=1)
        details = {
            key: parse_task_detail(answer, key, listing.monitors[key])
            for key, answer in answers.found.items()
        }
        senseless = sum(detail is None for detail in details.values())
        return Reading(
            records={key: detail for key, detail in details.items() if detail is not None},
            invalid=listing.invalid + senseless + len(answers.failed),
            inconsistent=listing.inconsistent,
        )

    async def _show(self, task_id: str) -> Any:
        return await self.client.get(SHOW, detail_path(self.place, task_id))

    @staticmethod
    def tag(record: TaskDetail) -> str:
        """Return the task's tag."""
        return record.task_tag


def _listed_name(monitor: Document) -> str:
    return text(monitor.get("task_name"))
