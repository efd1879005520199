"""
Flags and variables of the environment that stand above the configuration file.

Each is a key of the file under another name; it is put into the tree of the file before that is
read, so that the same rules and messages hold for it.
"""

from collections.abc import Mapping, Sequence

import msgspec

from exporter.config.schema import document
from exporter.config.schema.document import Entry, Node, Scalar

PREFIX = "CLOUD_TASK_EXPORTER_"
_TOTAL = ("shard", "total")


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One flag, its variable and its key."""

    flag: str
    key: tuple[str, str]
    help: str
    metavar: str
    many: bool = False
    """May be given several times; commas separate values in the variable."""

    @property
    def variable(self) -> str:
        """Return the name of the variable."""
        return variable_of(self.flag)


def variable_of(flag: str) -> str:
    """Return the variable of the environment that does the same as the flag."""
    return PREFIX + flag.strip("-").replace(".", "_").replace("-", "_").upper()


OPTIONS = (
    Option(
        flag="--web.listen-address",
        key=("web", "listen_address"),
        metavar="ADDR",
        many=True,
        help="address to listen on, like :10047 or 127.0.0.1:10047; may be given several times",
    ),
    Option(
        flag="--web.telemetry-path",
        key=("web", "telemetry_path"),
        metavar="PATH",
        help="path of the page that Prometheus scrapes",
    ),
    Option(
        flag="--web.config.file",
        key=("web", "config_file"),
        metavar="FILE",
        help="certificates and passwords for those who come in, as in other Prometheus exporters",
    ),
    Option(
        flag="--state.path",
        key=("state", "path"),
        metavar="FILE",
        help="file in which counts outlive the process; without one they start anew",
    ),
    Option(
        flag="--shard.index",
        key=("shard", "index"),
        metavar="N",
        help="which of several processes this is, from 0; `hostname` takes it from a pod's name",
    ),
    Option(
        flag="--shard.total",
        key=_TOTAL,
        metavar="M",
        help="how many processes share the targets",
    ),
    Option(
        flag="--log.level",
        key=("log", "level"),
        metavar="LEVEL",
        help="least important level to log: debug, info, warning or error",
    ),
    Option(
        flag="--log.format",
        key=("log", "format"),
        metavar="FORMAT",
        help="how lines look: auto, console, json or logfmt",
    ),
)


def overlay(root: Node, flags: Mapping[str, Sequence[str]], environ: Mapping[str, str]) -> Node:
    """Return the tree with what flags (by their name) give, or else variables that hold text."""
    for option in OPTIONS:
        if flags.get(option.flag):
            root = _put(root, option, _node(option, flags[option.flag], option.flag, None))
        elif environ.get(option.variable):
            text = environ[option.variable]
            texts = [part.strip() for part in text.split(",")] if option.many else [text]
            root = _put(root, option, _node(option, texts, option.variable, "its value"))
        elif option.key == _TOTAL and option.variable in environ and _has_index(flags, environ):
            # What should have filled it did not; without it this would be the only process.
            root = _put(root, option, _node(option, [""], option.variable, "nothing"))
    return root


def _has_index(flags: Mapping[str, Sequence[str]], environ: Mapping[str, str]) -> bool:
    (option,) = (each for each in OPTIONS if each.key == ("shard", "index"))
    return bool(flags.get(option.flag) or environ.get(option.variable))


def _node(option: Option, texts: Sequence[str], origin: str, shown: str | None) -> Node:
    scalars = tuple(Scalar(text=text, origin=origin, shown=shown) for text in texts)
    return document.Sequence(items=scalars, origin=origin) if option.many else scalars[-1]


def _put(root: Node, option: Option, node: Node) -> Node:
    section, key = option.key
    if not isinstance(root, document.Mapping):
        return root
    old = next((entry.value for entry in root.entries if entry.key == section), None)
    inside = document.Mapping(origin=node.origin) if old is None else old
    if not isinstance(inside, document.Mapping):
        return root
    return _replace(root, section, _replace(inside, key, node))


def _replace(mapping: document.Mapping, key: str, node: Node) -> document.Mapping:
    """Return the mapping with another value for the key."""
    entries = list(mapping.entries)
    places = [at for at, entry in enumerate(entries) if entry.key == key]
    if places:
        entries[places[0]] = Entry(key, entries[places[0]].line, node)
    else:
        entries.append(Entry(key, 0, node))
    return msgspec.structs.replace(mapping, entries=tuple(entries))
