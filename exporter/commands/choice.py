"""Which collectors are meant by a target and a collector on the command line: pure."""

import msgspec

from exporter.config import Config, Target
from exporter.config.schema.values import nearest
from exporter.errors import ConfigError


def choose(config: Config, target: str, collector: str) -> Config:
    """
    Return the configuration with nothing but what is chosen; empty words choose everything.

    A collector that is named is switched on. The labels stay those of the whole file. Raises
    ConfigError where there is no such target or collector.
    """
    targets = tuple(one for one in config.targets if target in {"", one.name})
    if not targets:
        raise ConfigError([_unknown("target", target, [one.name for one in config.targets])])
    known = list(dict.fromkeys(name for one in targets for name in one.collectors))
    if collector and collector not in known:
        raise ConfigError([_unknown("collector", collector, known)])
    names = sorted({name for one in config.targets for name in one.labels})
    chosen = tuple(
        _with(one, collector, names) for one in targets if collector in {"", *one.collectors}
    )
    return msgspec.structs.replace(config, targets=chosen)


def _with(target: Target, collector: str, label_names: list[str]) -> Target:
    collectors = target.collectors
    if collector:
        collectors = {
            name: msgspec.structs.replace(settings, enabled=name == collector)
            for name, settings in target.collectors.items()
        }
    labels = {name: target.labels.get(name, "") for name in label_names}
    return msgspec.structs.replace(target, collectors=collectors, labels=labels)


def _unknown(what: str, word: str, known: list[str]) -> str:
    there = f"there is {', '.join(known)}{nearest(word, known)}"
    return f"--{what}: the configuration has no {what} {word!r}; {there}"
