"""Prometheus exporter for the tasks of Huawei Cloud ROMA Connect FDI, DMS and OceanBase OCP."""

from importlib.metadata import version

__version__ = version("cloud-task-exporter")
