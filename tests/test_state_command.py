"""The command `state`: what it shows, and the way from one file to another."""

import io
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from exporter.cli import main
from exporter.runtime.past import interrupted
from exporter.runtime.saved import exported, imported
from exporter.runtime.store import Store, saved_in
from exporter.tasks.ledger import Ledger, begin
from exporter.tasks.record import Record
from exporter.tasks.spread import Spread
from exporter.tasks.task import State
from exporter.tasks.track import Track
from exporter.tasks.zone import Zone

LEDGER = Ledger(
    keys_are_runs=True,
    counts={**begin(["MANUAL"], keys_are_runs=True).counts, ("MANUAL", State.FAILED): 3},
    durations={("MANUAL", State.FAILED): Spread().with_run(70.0)},
    tracks={"a": Track(name="n", state=State.RUNNING, since=1.5, seen=2.5)},
    records={("", "n"): Record(last_success=1.0)},
    watermark=1.0,
    polled=1_773_482_400.0,
    gaps=1,
    crowded=2,
    zone=Zone(doubts={32: 1.5, -64: 2.5}),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a state file with one ledger."""
    store = Store.opened(tmp_path / "state.sqlite")
    store.put({"ocp https://ocp.example   task_instances": LEDGER})
    store.close()
    return store.path


def state(action: str, path: Path) -> int:
    """Run the command."""
    return main(["state", action, "--state.path", str(path)], {})


def test_show_tells_what_was_counted(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For people: by collector, without the zeros."""
    assert state("show", path) == 0
    assert capsys.readouterr().out == (
        "ocp https://ocp.example   task_instances\n"
        "  last whole poll 2026-03-14 10:00:00 UTC, 3 runs counted,"
        " 1 tasks or runs remembered, 1 gaps\n"
        "  MANUAL: 3 failed\n"
    )


def test_a_time_that_is_no_date_is_shown(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A clock may have gone wild; the counts are to be seen all the same."""
    store = Store.opened(path)
    store.put({"x": msgspec.structs.replace(LEDGER, polled=1e18)})
    store.close()

    assert state("show", path) == 0
    out = capsys.readouterr().out
    assert "x\n  last whole poll 1e+18 seconds after 1970, which is no date, 3 runs counted" in out


def test_what_is_exported_can_be_imported(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into a new file it comes as it was."""
    assert state("export", path) == 0
    exported = capsys.readouterr().out.encode()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(exported)))
    other = path.with_name("other.sqlite")
    assert state("import", other) == 0

    store = Store.opened(other)
    assert store.load("ocp https://ocp.example   task_instances") == LEDGER
    store.close()


KILLED_EARLIER_EACH_TIME = """
import os, signal, sys
from exporter.cli import main
from exporter.runtime.store import Store

write = Store._write

def import_until(steps):
    left = [steps]
    def step():
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0
    def writing(store, *what):
        store._connection.set_progress_handler(step, 8)
        return write(store, *what)
    Store._write = writing
    os.dup2(os.open(sys.argv[2], os.O_RDONLY), 0)
    os._exit(main(["state", "import", "--state.path", sys.argv[1]], {}))

import_until(int(sys.argv[3]))
"""


def test_an_import_that_is_killed_has_not_happened(tmp_path: Path, path: Path) -> None:
    """Of several collectors all are taken over or none, wherever it is killed."""
    before = saved_in(path)
    other = msgspec.structs.replace(LEDGER, counts={**LEDGER.counts, ("MANUAL", State.FAILED): 9})
    after = {**dict.fromkeys("abc", other), **dict.fromkeys(before, other)}
    document = tmp_path / "state.json"
    document.write_bytes(exported(after))
    script = [sys.executable, "-c", KILLED_EARLIER_EACH_TIME, str(path), str(document)]
    deaths = 0
    while subprocess.run(
        [*script, f"{9 * deaths + 1}"], capture_output=True, check=False
    ).returncode:
        deaths += 1
        assert saved_in(path) == before

    assert deaths > 2
    assert saved_in(path) == after


def test_what_another_shard_counts_by_now_is_not_exported(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It must not take the place of what that shard has."""
    store = Store.opened(path)
    store.put({"ocp https://other.example   task_instances": interrupted(LEDGER)})
    store.close()

    assert state("export", path) == 0
    assert list(imported(capsys.readouterr().out.encode())) == [
        "ocp https://ocp.example   task_instances"
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{}", "this is no exported state"),
        (b"\xff", "this is no exported state"),
        (b'{"cloud_task_exporter_state": 9, "ledgers": {}}', "this state has format 9"),
        (
            (
                b'{"cloud_task_exporter_state": 1, "ledgers": {"x": {"tracks": {}, "records": [],'
                b' "head": {"keys_are_runs": true, "counts": [["T", "failed", -5]],'
                b' "watermark": null, "polled": null, "gaps": 0}}}}'
            ),
            "this is no exported state: Expected `int` >= 0",
        ),
    ],
)
def test_other_documents_are_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    data: bytes,
    message: str,
) -> None:
    """Nothing is taken over from what was not exported."""
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))

    assert state("import", tmp_path / "state.sqlite") == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"precious", b""])
def test_nothing_is_imported_over_what_was_named_by_mistake(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
) -> None:
    """It keeps its name and what it holds: a database of another program, or no database."""
    path = tmp_path / "notes.sqlite"
    path.write_bytes(content)
    if not content:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE notes (text)")
        connection.close()
    before = path.read_bytes()
    empty = b'{"cloud_task_exporter_state": 1, "ledgers": {}}'
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(empty)))

    assert state("import", path) == 1
    assert f"cannot open the state file {path}: " in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.parametrize("action", ["show", "export", "import"])
def test_what_is_no_regular_file_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    action: str,
) -> None:
    """Instead of waiting for whoever writes into a pipe."""
    os.mkfifo(tmp_path / "pipe")
    empty = b'{"cloud_task_exporter_state": 1, "ledgers": {}}'
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(empty)))

    assert state(action, tmp_path / "pipe") == 1
    assert "it is no regular file" in capsys.readouterr().err


def test_what_a_killed_exporter_left_is_shown_as_it_was_committed(
    tmp_path: Path, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half a transaction is in the file, and looking leaves it to the next start to undo that."""
    left = tmp_path / "left"
    left.mkdir()

    def kill() -> int:
        for file in tmp_path.glob("state.sqlite*"):
            shutil.copy(file, left)
        return 0

    store = Store.opened(path)
    store._connection.execute("PRAGMA cache_size = 2")  # written to the file long before the end
    store._connection.set_progress_handler(kill, 20_000)
    tracks = {f"{n:050}": LEDGER.tracks["a"] for n in range(3000)}
    store.put({name: msgspec.structs.replace(LEDGER, tracks=tracks) for name in saved_in(path)})
    store.close()
    before = (left / path.name).read_bytes()
    assert before != path.read_bytes()
    assert state("show", left / path.name) == 0

    assert "3 runs counted, 1 tasks or runs remembered" in capsys.readouterr().out
    assert (left / path.name).read_bytes() == before


def test_a_running_exporter_keeps_its_file(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that write to it would both be wrong; looking at it is fine."""
    empty = b'{"cloud_task_exporter_state": 1, "ledgers": {}}'
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(empty)))
    store = Store.opened(path)
    codes = [state("show", path), state("import", path)]
    store.close()

    assert codes == [0, 1]
    assert "is in use by another process" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["show", "export"])
def test_looking_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], action: str
) -> None:
    """Not even a file that is no state at all."""
    path = tmp_path / "notes.txt"
    path.write_text("precious")

    assert state(action, path) == 1
    assert f"cannot read the state file {path}" in capsys.readouterr().err
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["state", "show"], "--state.path is missing"),
        (["state", "burn", "--state.path", "x"], "it is one of show, export, import"),
        (["state", "show", "--state.path", "/nowhere/x"], "there is no state file"),
    ],
)
def test_wrong_usage(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Exit code 2 and a word on what is wrong."""
    assert main(arguments, {}) == 2
    assert message in capsys.readouterr().err
