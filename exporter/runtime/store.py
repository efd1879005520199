"""
The state file: what counting remembers, in SQLite, one transaction a poll.

A ledger is committed before the page that shows it, so that after kill -9 at any instant nothing is
lost or counted twice. One process at a time may use a file. A file that is damaged, or was written
by a newer version, is set aside under another name and never overwritten.
"""

import asyncio
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self, TypeVar

import msgspec

from exporter.errors import StateError, StateInUse
from exporter.runtime.saved import Head, head_of, ledger_of
from exporter.tasks.ledger import Ledger
from exporter.tasks.record import Record
from exporter.tasks.track import Track

VERSION = 1
SCHEMA = """
CREATE TABLE heads (ledger TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE tracks (ledger TEXT, key TEXT, value BLOB NOT NULL, PRIMARY KEY (ledger, key))
  WITHOUT ROWID;
CREATE TABLE records (ledger TEXT, key TEXT, name TEXT, value BLOB NOT NULL,
  PRIMARY KEY (ledger, key, name)) WITHOUT ROWID;
"""
MIGRATIONS: Mapping[int, str] = {0: SCHEMA}
"""What leads from each version to the next; 0 is an empty file."""

NONSENSE = (msgspec.MsgspecError, ValueError, KeyError, TypeError)
"""Errors of rows that nobody wrote so."""
TROUBLE = frozenset(
    {
        *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL),
        *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED),
        *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_NOMEM),
    }
)
"""Errors that are about the disk or the process, and not about what stands in the file."""

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


class Store:
    """An open state file."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: int) -> None:
        """Take what `opened` made; use that."""
        self.path = path
        self.set_aside: Path | None = None
        """Where the file went that could not be used, if this start had to begin anew."""
        self._connection = connection
        self._lock = lock
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="state")

    @classmethod
    def opened(cls, path: Path) -> Self:
        """Open or make the file; raise StateError where it is in use or cannot be written."""
        path = path.resolve()  # two names of one file are one file
        lock = _locked(path)
        aside = None
        try:
            connection = _connected(path)
        except (sqlite3.Error, *NONSENSE, _Unusable) as error:
            if isinstance(error, sqlite3.Error) and _code(error) in TROUBLE:
                os.close(lock)
                raise StateError(_cannot("open", path, error)) from error
            try:
                aside = _set_aside(path, str(error) if isinstance(error, _Unusable) else "damaged")
                connection = _connected(path)
            except (sqlite3.Error, OSError) as worse:
                os.close(lock)
                raise StateError(_cannot("replace", path, worse)) from worse
        store = cls(path, connection, lock)
        store.set_aside = aside
        return store

    def load(self, name: str) -> Ledger | None:
        """Return the ledger that was committed last under that name; None where there is none."""
        try:
            return _read(self._connection, name)
        except (sqlite3.Error, *NONSENSE) as error:
            raise StateError(_cannot("read", self.path, error)) from error

    async def commit(self, name: str, old: Ledger | None, new: Ledger) -> None:
        """Write what differs from `old`, all or nothing; raise StateError if it cannot be."""
        loop = asyncio.get_running_loop()
        writing = loop.run_in_executor(self._writer, self._write, {name: (old, new)})
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # The transaction ends before the caller does, so that nobody closes the file under it.
            with suppress(StateError):
                await writing
            raise

    async def between_commits(self, act: Callable[[], T]) -> T:
        """Do something with the file while no commit is under way; it reads or puts."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, act)

    def put(self, ledgers: Mapping[str, Ledger]) -> None:
        """Write whole ledgers in the place of whatever has their names, all of them or none."""
        self._write({name: (self.load(name), ledger) for name, ledger in ledgers.items()})

    def close(self) -> None:
        """End the last write and let others use the file."""
        self._writer.shutdown()
        self._connection.close()
        os.close(self._lock)

    def _write(self, changes: Mapping[str, tuple[Ledger | None, Ledger]]) -> None:
        """Write what is new over what was there, by name, in one transaction."""
        try:
            with self._connection as transaction:
                transaction.execute("BEGIN IMMEDIATE")
                for name, (old, new) in changes.items():
                    before = old or Ledger()
                    _write_head(transaction, name, new)
                    _write_tracks(transaction, name, before.tracks, new.tracks)
                    _write_records(transaction, name, before.records, new.records)
        except sqlite3.Error as error:
            raise StateError(_cannot("write", self.path, error)) from error


class _Unusable(Exception):
    """The file is not damaged, but not for this version."""


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    # A rollback journal needs no second file to be shared, and can be read from a read-only disk.
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = FULL")
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        msg = "damaged"
        raise _Unusable(msg)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if not 0 <= version <= VERSION:
        msg = f"version-{version}"
        raise _Unusable(msg)
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        msg = "foreign"
        raise _Unusable(msg)
    for step in range(version, VERSION):
        connection.executescript(
            f"BEGIN; {MIGRATIONS[step]} PRAGMA user_version = {step + 1}; COMMIT;"
        )
    for name in [row[0] for row in connection.execute("SELECT ledger FROM heads")]:
        try:
            _read(connection, name)
        except NONSENSE as error:
            msg = "damaged"
            raise _Unusable(msg) from error


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's own code; 0 for what Python found out itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def saved_in(path: Path) -> dict[str, Ledger]:
    """Return all ledgers in a state file without touching it; raise StateError if it is none."""
    real = path.resolve()
    try:
        try:
            return _read_all(real, "ro")
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_READONLY:
                raise
        # Whoever wrote it was killed in the midst of that, which must be undone: in a copy.
        with TemporaryDirectory() as folder:
            copy = Path(shutil.copy(real, folder))
            shutil.copy(_journal(real), _journal(copy))
            return _read_all(copy, "rw")
    except (sqlite3.Error, msgspec.MsgspecError, OSError, ValueError, KeyError) as error:
        raise StateError(_cannot("read", path, error)) from error


def _read_all(path: Path, mode: str) -> dict[str, Ledger]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            msg = f"it has version {version}, and here {VERSION} is known"
            raise ValueError(msg)
        names = [name for (name,) in connection.execute("SELECT ledger FROM heads ORDER BY 1")]
        found = {name: _read(connection, name) for name in names}
    return {name: ledger for name, ledger in found.items() if ledger is not None}


def _journal(path: Path) -> Path:
    return path.with_name(f"{path.name}-journal")


def _locked(path: Path) -> int:
    """Take the lock beside the file; the kernel frees it with the process, however that ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        lock = os.open(f"{path}.lock", flags, 0o600)
        if not path.exists():  # SQLite would make it readable for everyone
            os.close(os.open(path, flags, 0o600))
    except OSError as error:
        raise StateError(_cannot("use", path, error)) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        msg = (
            f"the state file {path} is in use by another process;"
            " give each exporter a file of its own, or stop the other one"
        )
        raise StateInUse(msg) from error
    return lock


def _set_aside(path: Path, why: str) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    target = path.with_name(f"{path.name}.{why}.{stamp}")
    path.rename(target)
    if _journal(path).exists():
        _journal(path).rename(_journal(target))
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return target


def _read(connection: sqlite3.Connection, name: str) -> Ledger | None:
    row = connection.execute("SELECT value FROM heads WHERE ledger = ?", (name,)).fetchone()
    if row is None:
        return None
    head = msgspec.json.decode(row[0], type=Head)
    tracks = connection.execute("SELECT key, value FROM tracks WHERE ledger = ?", (name,))
    records = connection.execute("SELECT key, name, value FROM records WHERE ledger = ?", (name,))
    return ledger_of(
        head,
        {key: msgspec.json.decode(value, type=Track) for key, value in tracks},
        {(k, n): msgspec.json.decode(value, type=Record) for k, n, value in records},
    )


def _write_head(connection: sqlite3.Connection, name: str, new: Ledger) -> None:
    head = head_of(new)
    row = (name, msgspec.json.encode(head))
    connection.execute("INSERT OR REPLACE INTO heads VALUES (?, ?)", row)


def _write_tracks(
    connection: sqlite3.Connection, name: str, old: Mapping[str, Track], new: Mapping[str, Track]
) -> None:
    gone = ((name, key) for key in old.keys() - new.keys())
    connection.executemany("DELETE FROM tracks WHERE ledger = ? AND key = ?", gone)
    rows = ((name, key, msgspec.json.encode(value)) for key, value in _changed(old, new))
    connection.executemany("INSERT OR REPLACE INTO tracks VALUES (?, ?, ?)", rows)


def _write_records(
    connection: sqlite3.Connection,
    name: str,
    old: Mapping[tuple[str, str], Record],
    new: Mapping[tuple[str, str], Record],
) -> None:
    gone = ((name, *subject) for subject in old.keys() - new.keys())
    connection.executemany("DELETE FROM records WHERE ledger = ? AND key = ? AND name = ?", gone)
    rows = ((name, *subject, msgspec.json.encode(value)) for subject, value in _changed(old, new))
    connection.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", rows)


def _changed(old: Mapping[K, V], new: Mapping[K, V]) -> Iterator[tuple[K, V]]:
    # Unchanged values are mostly the very same objects; `seen` alone is not worth a write.
    return ((key, value) for key, value in new.items() if old.get(key) is not value)


def _cannot(what: str, path: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"cannot {what} the state file {path}: {reason}"
