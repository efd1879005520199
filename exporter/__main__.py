"""`python -m exporter` is the command `cloud-task-exporter`."""

from exporter.cli import entry

if __name__ == "__main__":
    entry()
