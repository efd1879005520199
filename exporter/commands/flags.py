"""How a command declares its flags; a variable of the environment stands in for each."""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from exporter.config.options import OPTIONS, variable_of

Value = TypeVar("Value")


class Flags:
    """The flags of one command."""

    def __init__(self, parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
        """Add to `parser`; `environ` gives what stands in for a flag."""
        self._parser = parser
        self._environ = environ

    def config_file(self) -> None:
        """Add the flag for the file that `configuration.load_config` reads."""
        self.valued("--config.file", str, "the configuration, in YAML", metavar="FILE")

    def options(self, *flags: str) -> None:
        """Add flags that are keys of the configuration; `config` reads them and their variables."""
        for option in OPTIONS:
            if option.flag in flags:
                self._parser.add_argument(
                    option.flag,
                    dest=option.flag,
                    action="append" if option.many else _Once,
                    metavar=option.metavar,
                    help=_escaped(option.help),
                )

    def valued(
        self,
        flag: str,
        kind: Callable[[str], Value],
        text: str,
        *,
        default: str = "",
        metavar: str = "",
    ) -> None:
        """Add a flag with a value, which `kind` reads or refuses by `refuse`; it is given once."""
        self._parser.add_argument(
            flag,
            dest=flag,
            action=_Once,
            type=kind,
            default=self._environ.get(variable_of(flag)) or default,
            metavar=metavar or flag.strip("-").upper(),
            help=_escaped(f"{text} (default: {default})" if default else text),
        )

    def switch(self, flag: str, text: str) -> None:
        """Add a flag that is given or not; its variable, and `FLAG=`, are `true` or `false`."""
        self._parser.add_argument(
            flag,
            dest=flag,
            nargs="?",
            type=_truth,
            const="true",
            default=self._environ.get(variable_of(flag)) or "false",
            metavar="true|false",
            help=_escaped(text),
        )

    def word(self, name: str, text: str) -> None:
        """Add a word that must be given, without a flag."""
        self._parser.add_argument(name, metavar=name, help=_escaped(text))


class _Once(argparse.Action):
    """Keeps the value of a flag, of which there may be one."""

    _given = False

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse passes it by position
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,  # noqa: ARG002 - argparse passes it by position
    ) -> None:
        """Take the value; end the process where it is empty, or the second one."""
        if values == "":
            raise argparse.ArgumentError(self, "needs a value, and was given an empty one")
        if self._given:
            raise argparse.ArgumentError(self, "was given twice; only one value can hold")
        self._given = True
        setattr(namespace, self.dest, values)


def given_options(given: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """Return the values of those OPTIONS that were given as flags, by flag."""
    values = {option: given.get(option.flag) for option in OPTIONS}
    return {
        option.flag: value if option.many else (value,) for option, value in values.items() if value
    }


def one_of(words: Iterable[str]) -> Callable[[str], str]:
    """Return a kind that takes these words only."""
    known = tuple(words)

    def kind(text: str) -> str:
        if text not in known:
            refuse(f"must be one of {', '.join(known)}")
        return text

    return kind


def refuse(text: str) -> NoReturn:
    """Make argparse end the process with the text, which must not hold what was given."""
    raise argparse.ArgumentTypeError(text)


def _truth(text: str) -> bool:
    return one_of(("true", "false"))(text) == "true"


def _escaped(text: str) -> str:
    """Return text fit for argparse, which formats help with `%`."""
    return text.replace("%", "%%")
