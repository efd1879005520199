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
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self, TypeVar

from exporter.errors import StateError, StateInUse
from exporter.runtime import rows
from exporter.runtime.rows import NONSENSE, VERSION
from exporter.tasks.ledger import Ledger

TROUBLE = frozenset(
    {
        *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL),
        *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED),
        *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_NOMEM),
    }
)
"""Errors that are about the disk or the process, and not about what stands in the file."""

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
    def opened(cls, path: Path, *, replace: bool = True) -> Self:
        """
        Open or make the file; raise StateError where it is in use or cannot be written.

        What stands in the way is set aside, or with `replace` off refused with StateError too.
        """
        path = path.resolve()  # two names of one file are one file
        lock = _locked(path)
        aside = None
        try:
            connection = _connected(path)
        except (sqlite3.Error, *NONSENSE, _Unusable) as error:
            if not replace or (isinstance(error, sqlite3.Error) and _code(error) in TROUBLE):
                os.close(lock)
                raise StateError(_cannot("open", path, error)) from error
            try:
                aside = _replaced(path, error.word if isinstance(error, _Unusable) else "damaged")
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
            return rows.read(self._connection, name)
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
                    rows.write(transaction, name, old or Ledger(), new)
        except sqlite3.Error as error:
            raise StateError(_cannot("write", self.path, error)) from error


class _Unusable(Exception):
    """The file is not for this version; `word` says so in the name under which it is kept."""

    def __init__(self, message: str, word: str) -> None:
        super().__init__(message)
        self.word = word


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    version = _checked(connection)
    # A rollback journal needs no second file to be shared, and can be read from a read-only disk.
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = FULL")
    rows.migrate(connection, version)


def _checked(connection: sqlite3.Connection) -> int:
    """Return the version of a file that can be used, without changing it."""
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        msg = "it is damaged"
        raise ValueError(msg)
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if not 0 <= version <= VERSION:
        raise _Unusable(_other(version), f"version-{version}")
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    if tables and rows.TABLES[0] not in tables:
        msg = "it is the database of another program"
        raise _Unusable(msg, "foreign")
    if version:
        rows.read_all(connection, version)
    return version


def _other(version: int) -> str:
    return f"it has version {version}, and here {VERSION} is known"


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's own code; 0 for what Python found out itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def saved_in(path: Path) -> dict[str, Ledger]:
    """Return all ledgers in a state file without touching it; raise StateError if it is none."""
    try:
        real = path.resolve()
        _regular(real)
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
    except (sqlite3.Error, OSError, *NONSENSE) as error:
        raise StateError(_cannot("read", path, error)) from error


def _read_all(path: Path, mode: str) -> dict[str, Ledger]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if not 1 <= version <= VERSION:
            raise ValueError(_other(version))
        return rows.read_all(connection, version)


def _journal(path: Path) -> Path:
    return path.with_name(f"{path.name}-journal")


def _locked(path: Path) -> int:
    """Take the lock beside the file; the kernel frees it with the process, however that ends."""
    try:
        _regular(path)
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


def _regular(path: Path) -> None:
    """Refuse a folder, a device, and a pipe, in which SQLite would wait for ever."""
    if path.exists() and not path.is_file():
        msg = f"cannot use the state file {path}: it is no regular file; name another path"
        raise StateError(msg)


def _replaced(path: Path, why: str) -> Path:
    """
    Put an empty state file in its place and return the name under which it is kept.

    Where a full disk has no room for that, it stays, so that the start that replaces it tells.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)  # from a start that ended here
    os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    _connected(fresh).close()
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    target = path.with_name(f"{path.name}.{why}.{stamp}")
    path.rename(target)
    if _journal(path).exists():
        _journal(path).rename(_journal(target))
    fresh.rename(path)
    return target


def _cannot(what: str, path: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"cannot {what} the state file {path}: {reason}"
