"""The commands, one file for each; beside them what several of them use."""

from collections.abc import Mapping

from exporter.commands.check import CHECK
from exporter.commands.collect import COLLECT
from exporter.commands.command import Command
from exporter.commands.demo import DEMO
from exporter.commands.explain import EXPLAIN
from exporter.commands.metrics import METRICS
from exporter.commands.run import RUN
from exporter.commands.simulate import SIMULATE
from exporter.commands.state import STATE

COMMANDS: Mapping[str, Command] = {
    command.name: command
    for command in (RUN, DEMO, SIMULATE, CHECK, COLLECT, METRICS, EXPLAIN, STATE)
}
"""By name, in the order in which they are listed."""
