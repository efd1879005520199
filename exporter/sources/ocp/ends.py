"""When instances came to an end, where OCP does not tell but polls saw it."""

from collections.abc import Collection

import msgspec

from exporter.sources.ocp.instance import Instance


class Ends:
    """
    Remembers when instances were first seen over that had been seen going on, or failed, before.

    What was over when it was first seen may have been so for years: it is left as it is.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._seen: dict[str, tuple[str, float]] = {}
        """In which state each was first seen over, and when."""

    def told(
        self, instance: Instance, before: Instance | None, now: float, *, was_active: bool
    ) -> Instance:
        """Return the instance with what is seen of its end, by what it was `before`."""
        was = before if before is not None and before.is_open else None
        moved = was is not None and was.status != instance.status
        if instance.finish_time is not None or not instance.is_over:
            self._seen.pop(instance.task_id, None)
            same_end = was is not None and was.finish_time == instance.finish_time
            old = was is not None and same_end and (moved or was.end_is_old)
            return msgspec.structs.replace(instance, end_is_old=old)
        state, seen = self._seen.get(instance.task_id, ("", 0.0))
        if state != instance.status:
            if not (was_active or moved):
                return instance
            seen = now
            self._seen[instance.task_id] = (instance.status, seen)
        return msgspec.structs.replace(instance, seen_over=seen)

    def keep(self, keys: Collection[str]) -> None:
        """Forget all others."""
        self._seen = {key: seen for key, seen in self._seen.items() if key in keys}
