"""`state`: look into a state file, or carry what it holds to another one."""

import contextlib
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from exporter.commands.command import OK, PROGRAM, Command, Given, complain
from exporter.commands.flags import Flags
from exporter.errors import ConfigError
from exporter.runtime.saved import exported, imported
from exporter.runtime.store import Store, saved_in
from exporter.tasks.ledger import Ledger

ACTIONS = ("show", "export", "import")

_EXAMPLES = f"""\
  {PROGRAM} state show --state.path state.sqlite
  {PROGRAM} state export --state.path old.sqlite > state.json
  {PROGRAM} state import --state.path new.sqlite < state.json

For `import`, the exporter that uses the file must be stopped. What is imported takes the place of
what the file holds of the same collectors; all else in it stays. A file that is damaged, newer or
of another program is refused. A state names endpoints, instances and tasks, and no secrets.
"""


def _declare(flags: Flags) -> None:
    flags.word("ACTION", ", ".join(ACTIONS))
    flags.options("--state.path")


def _act(given: Given, environ: Mapping[str, str]) -> int:
    named = given["--state.path"] or environ.get("CLOUD_TASK_EXPORTER_STATE_PATH")
    if given["ACTION"] not in ACTIONS:
        raise ConfigError([f"state {given['ACTION']}: it is one of {', '.join(ACTIONS)}"])
    if not named:
        raise ConfigError(["--state.path is missing: which state file?"])
    path = Path(named)
    if given["ACTION"] != "import" and not path.exists():
        raise ConfigError([f"there is no state file {path}"])
    if given["ACTION"] == "import":
        _import(path)
    elif given["ACTION"] == "export":
        sys.stdout.write(exported(_to_go_on_with(saved_in(path))).decode() + "\n")
    else:
        sys.stdout.write("".join(_lines(saved_in(path))) or "It is empty.\n")
    return OK


def _to_go_on_with(ledgers: Mapping[str, Ledger]) -> dict[str, Ledger]:
    """Leave out what another shard counts by now: it must not take the place of what that has."""
    return {name: ledger for name, ledger in ledgers.items() if ledger.polled is not None}


def _import(path: Path) -> None:
    ledgers = imported(sys.stdin.buffer.read())
    with contextlib.closing(Store.opened(path, replace=False)) as store:
        store.put(ledgers)
    complain(f"took over {len(ledgers)} collectors")


def _lines(ledgers: Mapping[str, Ledger]) -> list[str]:
    lines = []
    for name, ledger in ledgers.items():
        counted = sum(ledger.counts.values())
        lines.append(
            f"{name}\n"
            f"  last whole poll {_moment(ledger.polled)}, {counted} runs counted,"
            f" {len(ledger.tracks)} tasks or runs remembered, {ledger.gaps} gaps\n"
        )
        lines += [
            f"  {kind}: {count} {outcome}\n"
            for (kind, outcome), count in sorted(ledger.counts.items())
            if count
        ]
    return lines


def _moment(moment: float | None) -> str:
    if moment is None:
        return "never"
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return f"{moment:g} seconds after 1970, which is no date"


STATE = Command(
    name="state",
    summary="look into a state file, export or import it",
    examples=_EXAMPLES,
    declare=_declare,
    act=_act,
)
