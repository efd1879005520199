"""The state file: what is committed is there again, whatever happens to the process or the disk."""

import asyncio
import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.errors import StateError
from exporter.runtime.rows import VERSION
from exporter.runtime.saved import head_of
from exporter.runtime.store import Store, saved_in
from exporter.tasks.ledger import Ledger, begin
from exporter.tasks.record import Record
from exporter.tasks.spread import Spread
from exporter.tasks.task import State
from exporter.tasks.track import Track
from exporter.tasks.zone import Zone

LEDGER = Ledger(
    keys_are_runs=True,
    counts={
        **begin(["MANUAL", "naïve 🚀"], keys_are_runs=True).counts,
        ("MANUAL", State.FAILED): 3,
    },
    durations={("MANUAL", State.FAILED): Spread().with_run(70.0)},
    tracks={
        "a": Track(name="n", state=State.RUNNING, since=1.5, seen=2.5),
        "b": Track(
            name="m",
            state=State.FAILED,
            since=None,
            seen=2.5,
            listed=False,
            settled_run="b@1",
            settled_since=1.25,
            failed=True,
            task_type="MANUAL",
            ended=2.5,
            punctual=1.5,
        ),
    },
    records={("", "n"): Record(last_success=1.0), ("", "m"): Record(consecutive_failures=2)},
    watermark=1.0,
    polled=2.5,
    gaps=1,
    crowded=2,
    debuts={("MANUAL", ""): 2.0, ("MANUAL", "failed"): 2.5},
    pauses=((0.5, 1.5), (2.0, 2.5)),
    zone=Zone(doubts={32: 1.5, -64: 2.5}, suspicions={4: ("a", 1.5)}),
)


VERSION_1 = """
CREATE TABLE heads (ledger TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE tracks (ledger TEXT, key TEXT, value BLOB NOT NULL, PRIMARY KEY (ledger, key))
  WITHOUT ROWID;
CREATE TABLE records (ledger TEXT, key TEXT, name TEXT, value BLOB NOT NULL,
  PRIMARY KEY (ledger, key, name)) WITHOUT ROWID;
PRAGMA user_version = 1;
"""
"""As the first version made it, without checksums."""


def written_by_version_1(path: Path, head: bytes) -> None:
    """Make a file of the first version."""
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_1)
    with connection:
        connection.execute("INSERT INTO heads VALUES ('x', ?)", (head,))
        for key, track in LEDGER.tracks.items():
            row = ("x", key, msgspec.json.encode(track))
            connection.execute("INSERT INTO tracks VALUES (?, ?, ?)", row)
        for subject, record in LEDGER.records.items():
            entry = ("x", *subject, msgspec.json.encode(record))
            connection.execute("INSERT INTO records VALUES (?, ?, ?, ?)", entry)
    connection.close()


def reopened(path: Path, name: str = "x") -> Ledger | None:
    """Return what a new process would find."""
    store = Store.opened(path)
    try:
        return store.load(name)
    finally:
        store.close()


async def test_a_ledger_comes_back_as_it_was(tmp_path: Path) -> None:
    """All of it, under its own name only."""
    path = tmp_path / "new" / "state.sqlite"
    store = Store.opened(path)
    await store.commit("x", None, LEDGER)
    await store.commit("y", None, Ledger())
    store.close()

    assert reopened(path) == LEDGER
    assert reopened(path, "y") == Ledger()
    assert reopened(path, "z") is None


_tracks = st.dictionaries(
    st.sampled_from("abc"),
    st.builds(
        Track,
        name=st.sampled_from("nm"),
        state=st.sampled_from(State),
        since=st.none() | st.floats(0, 9),
        seen=st.floats(0, 9),
    ),
)
_records = st.dictionaries(
    st.tuples(st.sampled_from(["", "a"]), st.sampled_from("nm")),
    st.builds(Record, last_success=st.none() | st.floats(0, 9)),
)
_ledgers = st.builds(Ledger, tracks=_tracks, records=_records, polled=st.none() | st.floats(0, 9))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(_ledgers, min_size=1, max_size=5))
def test_a_row_of_commits_leaves_the_last(tmp_path: Path, ledgers: list[Ledger]) -> None:
    """Only differences are written, and the whole is right."""
    path = tmp_path / "state.sqlite"
    path.unlink(missing_ok=True)

    async def commit_all() -> None:
        store = Store.opened(path)
        old = None
        for ledger in ledgers:
            await store.commit("x", old, ledger)
            old = ledger
        store.close()

    asyncio.run(commit_all())

    assert reopened(path) == ledgers[-1]


def test_a_second_process_refuses_the_file(tmp_path: Path) -> None:
    """Two that count into one file would both be wrong."""
    path = tmp_path / "state.sqlite"
    store = Store.opened(path)
    script = f"from exporter.runtime.store import *; Store.opened(Path({str(path)!r}))"
    second = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    store.close()

    assert b"is in use by another process" in second.stderr
    assert reopened(path) is None


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 99, b"SQLite format 3\0" + b"x" * 999]
)
def test_a_damaged_file_is_set_aside(tmp_path: Path, content: bytes) -> None:
    """Kept for whoever wants to look, and never overwritten."""
    path = tmp_path / "state.sqlite"
    path.write_bytes(content)
    store = Store.opened(path)
    store.close()

    assert store.set_aside is not None
    assert store.set_aside.read_bytes() == content
    assert ".damaged." in store.set_aside.name
    assert reopened(path) is None


@pytest.mark.parametrize("value", ["'{'", "5", "x'ff'", "'[]'"])
@pytest.mark.parametrize("place", ["heads", "tracks", "records"])
async def test_a_file_with_a_damaged_row_is_set_aside(
    tmp_path: Path, place: str, value: str
) -> None:
    """A ledger is one value: half of it is none."""
    path = tmp_path / "state.sqlite"
    store = Store.opened(path)
    await store.commit("x", None, LEDGER)
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {place} SET value = {value}")  # noqa: S608 - a table of ours
    connection.close()
    store = Store.opened(path)
    store.close()

    assert store.set_aside is not None
    assert reopened(path) is None


def test_a_newer_file_is_set_aside(tmp_path: Path) -> None:
    """What a newer version wrote is not for this one to change."""
    path = tmp_path / "state.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    store = Store.opened(path)
    store.close()

    assert store.set_aside is not None
    assert f".version-{VERSION + 1}." in store.set_aside.name


async def test_a_byte_that_the_disk_changed_is_noticed(tmp_path: Path) -> None:
    """Whatever byte it is, the file opens with what was written, or cannot be used."""
    path = tmp_path / "state.sqlite"
    store = Store.opened(path)
    await store.commit("x", None, LEDGER)
    store.close()
    whole = path.read_bytes()
    used = [place for place, byte in enumerate(whole) if byte]
    chance = Random(5)
    wrong = []
    for place in chance.sample(used, 250):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        with suppress(StateError), closing(Store.opened(path, replace=False)) as store:
            if store.load("x") != LEDGER:
                wrong.append(place)

    assert wrong == []


def test_a_file_of_the_first_version_goes_on(tmp_path: Path) -> None:
    """It is read as it is, keeps all of its counts, and has checksums from the first start on."""
    path = tmp_path / "state.sqlite"
    written_by_version_1(path, msgspec.json.encode(head_of(LEDGER)))
    assert saved_in(path) == {"x": LEDGER}
    store = Store.opened(path)
    store.close()
    assert store.set_aside is None
    assert saved_in(path) == {"x": LEDGER}
    path.write_bytes(path.read_bytes().replace(b'"gaps":1', b'"gaps":2'))

    with pytest.raises(StateError, match="a row of heads is not as it was written"):
        saved_in(path)


@pytest.mark.parametrize(
    ("sense", "nonsense"),
    [
        (
            b'"durations":[["MANUAL","failed",{"counts":[0,',
            b'"durations":[["MANUAL","failed",{"counts":[',
        ),
        (b'"gaps":1', b'"gaps":-1'),
        (b'["MANUAL","failed",3]', b'["MANUAL","running",3]'),
    ],
)
def test_rows_that_make_no_sense_are_damage(tmp_path: Path, sense: bytes, nonsense: bytes) -> None:
    """They would fail each poll; the file is set aside as it was found."""
    path = tmp_path / "state.sqlite"
    head = msgspec.json.encode(head_of(LEDGER))
    assert sense in head
    written_by_version_1(path, head.replace(sense, nonsense))
    found = path.read_bytes()
    store = Store.opened(path)
    store.close()

    assert store.set_aside is not None
    assert store.set_aside.read_bytes() == found


def test_a_damaged_file_stays_while_the_disk_is_full(tmp_path: Path) -> None:
    """The start that can replace it is the one that tells of it."""
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"no database" * 99)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(StateError, match="cannot replace the state file"):
            Store.opened(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"no database" * 99
    store = Store.opened(path)
    store.close()

    assert store.set_aside is not None
    assert {file.name for file in tmp_path.iterdir()} == {
        *(path.name, f"{path.name}.lock", store.set_aside.name)
    }


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_regular_file_is_refused(tmp_path: Path, kind: str) -> None:
    """SQLite would wait at a pipe for ever; and nothing is made beside it."""
    path = Path("/dev/null") if kind == "device" else tmp_path / "state.sqlite"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    before = list(tmp_path.iterdir())
    for use in (Store.opened, saved_in):
        with pytest.raises(StateError, match=f"cannot use .*{path}: it is no regular file"):
            use(path)

    assert list(tmp_path.iterdir()) == before


def test_the_database_of_another_program_is_set_aside(tmp_path: Path) -> None:
    """Unless it was named by hand, which is a mistake: then it stays where it is."""
    path = tmp_path / "state.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE notes (text);")
    connection.close()
    found = path.read_bytes()
    with pytest.raises(StateError, match="it is the database of another program"):
        Store.opened(path, replace=False)
    assert path.read_bytes() == found
    store = Store.opened(path)
    store.close()

    assert store.set_aside is not None
    assert ".foreign." in store.set_aside.name
    assert store.set_aside.read_bytes() == found


def test_a_path_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """With the path, what was tried, and why not."""
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "state.sqlite"

    with pytest.raises(StateError, match=f"cannot use the state file {path}: "):
        Store.opened(path)


async def test_a_full_disk_fails_the_commit_and_keeps_what_was(tmp_path: Path) -> None:
    """All or nothing; and when there is room again, the next commit holds everything."""
    path = tmp_path / "state.sqlite"
    store = Store.opened(path)
    await store.commit("x", None, LEDGER)
    many = {f"{i:050}": track for i in range(2000) for track in [LEDGER.tracks["a"]]}
    big = Ledger(tracks=many)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 8192, hard))
    try:
        with pytest.raises(StateError, match="cannot write the state file"):
            await store.commit("x", LEDGER, big)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.load("x") == LEDGER

    await store.commit("x", LEDGER, big)
    store.close()
    assert reopened(path) == big
