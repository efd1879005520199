"""Prometheus exporter for the tasks of Huawei Cloud ROMA Connect FDI, DMS and OceanBase OCP."""


def __getattr__(name: str) -> str:
    """Return `__version__`, looked up late so that importing the package takes no time."""
    if name != "__version__":
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib.metadata import version  # noqa: PLC0415 - this import is what takes time

    return version("cloud-task-exporter")
