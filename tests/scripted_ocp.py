"""An OCP that answers from a script: instances by id, in lists and details as OCP writes them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from lines import lines
from scripted import NOW, PLACE, Query, Script, ScriptedClient

from exporter.errors import Forbidden, NotFound
from exporter.sources.ocp.task_instances import TaskInstances, TaskInstancesSettings
from exporter.sources.source import Reading

LIST = "/api/v2/tasks/instances"
LISTED_FIELDS = {"id", "name", "status", "startTime", "finishTime", "cluster", "tenant", "creator"}
SHORT_FIELDS = {"id", "name", "description", "status", "operation"}
HOUR, DAY = 3600.0, 86_400.0


class Ocp:
    """An OCP that holds details by id and answers lists and details from them."""

    def __init__(self, *instances: dict[str, Any]) -> None:
        """Start with these instances."""
        self.instances = {str(one["id"]): one for one in instances}
        self.tells_operation = False
        """As newer versions do in the list, in lower case."""
        self.order: Callable[[int], int] = lambda number: -number
        """Sorts the list by the ids; plainly as it is asked for."""
        self.unlisted: set[str] = set()
        self.refused: set[str] = set()
        """Ids that no list shows, and those of which the detail is refused."""

    def add(self, *instances: dict[str, Any]) -> None:
        """Add instances, or replace them by their new state."""
        self.instances |= {str(one["id"]): one for one in instances}

    def __call__(self, path: str, query: Query) -> Any:
        """Answer as OCP does."""
        if path != LIST:
            key = path.removeprefix(f"{LIST}/")
            if key in self.refused:
                return Forbidden("no permission", status=403)
            one = self.instances.get(key)
            return envelope(one) if one is not None else NotFound("no such task", status=404)
        words = str(query.get("status", "")).split(",")
        rows = [
            self._listed(one)
            for key, one in sorted(
                self.instances.items(), key=lambda item: self.order(int(item[0]))
            )
            if key not in self.unlisted and ("status" not in query or one["status"] in words)
        ]
        return paged(rows, query)

    def _listed(self, one: dict[str, Any]) -> dict[str, Any]:
        row = {key: value for key, value in one.items() if key in LISTED_FIELDS}
        row["subtasks"] = [
            {key: value for key, value in subtask.items() if key in SHORT_FIELDS}
            for subtask in one.get("subtasks", ())
        ]
        return {**row, "operation": one["operation"].lower()} if self.tells_operation else row


def envelope(data: Any) -> dict[str, Any]:
    """Return a success."""
    return {"data": data, "duration": 41, "status": 200, "successful": True, "traceId": "5b1c"}


def paged(rows: list[Any], query: Query) -> dict[str, Any]:
    """Return the page that was asked for."""
    size, number = int(query["size"]), int(query["page"])
    page = {
        "number": number,
        "size": size,
        "totalElements": len(rows),
        "totalPages": -(-len(rows) // size),
    }
    return envelope({"contents": rows[(number - 1) * size : number * size], "page": page})


def instance(number: int, status: str = "SUCCESSFUL", *, age: float = 0.0, **more: Any) -> Any:
    """Return an instance that began so many seconds ago and took ten."""
    record: dict[str, Any] = {"id": number, "name": "Collect stats", "status": status}
    record |= {"operation": "EXECUTE", "type": "SYS_SCHEDULED", "startTime": iso(NOW - age)}
    if status not in {"RUNNING", "PENDING"}:
        record["finishTime"] = iso(NOW - age + 10.0)
    return record | more


def iso(moment: float) -> str:
    """Return a moment as OCP writes it."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


def source_of(script: Script, **settings: Any) -> tuple[TaskInstances, ScriptedClient]:
    """Return a source and the client that it asks."""
    client = ScriptedClient(script)
    return TaskInstances(client, PLACE, TaskInstancesSettings(**settings)), client


def details(client: ScriptedClient) -> list[str]:
    """Return the ids of the details that were asked for since the last time."""
    ids = [path.removeprefix(f"{LIST}/") for path in client.paths("show_task_instance")]
    client.calls.clear()
    return ids


def shown(source: TaskInstances, reading: Reading[Any], *families: str) -> list[str]:
    """Return the lines that are not 0."""
    return [line for line in lines(source, reading, *families) if not line.endswith(" 0")]
