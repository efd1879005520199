"""
The tables of the state file: ledgers as rows, each row with its checksum.

SQLite notices pages that make no sense, but not a number in which the disk turned a bit.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec

from exporter.runtime.saved import Head, head_of, ledger_of
from exporter.tasks.ledger import Ledger
from exporter.tasks.record import Record
from exporter.tasks.track import Track

VERSION = 2
TABLES = ("heads", "tracks", "records")
SCHEMA = """
CREATE TABLE heads (ledger TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE tracks (ledger TEXT, key TEXT, value BLOB NOT NULL, PRIMARY KEY (ledger, key))
  WITHOUT ROWID;
CREATE TABLE records (ledger TEXT, key TEXT, name TEXT, value BLOB NOT NULL,
  PRIMARY KEY (ledger, key, name)) WITHOUT ROWID;
"""
CHECKSUMS = """
ALTER TABLE heads ADD COLUMN crc INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tracks ADD COLUMN crc INTEGER NOT NULL DEFAULT 0;
ALTER TABLE records ADD COLUMN crc INTEGER NOT NULL DEFAULT 0;
UPDATE heads SET crc = checksum(ledger, value);
UPDATE tracks SET crc = checksum(ledger, key, value);
UPDATE records SET crc = checksum(ledger, key, name, value);
"""
MIGRATIONS: Mapping[int, str] = {0: SCHEMA, 1: CHECKSUMS}
"""What leads from each version to the next; 0 is an empty file."""

NONSENSE = (msgspec.MsgspecError, ValueError, KeyError, TypeError)
"""Errors of rows that nobody wrote so."""

K = TypeVar("K")
V = TypeVar("V")


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Lead a file of that version to this one."""
    connection.create_function("checksum", -1, checksum, deterministic=True)
    for step in range(version, VERSION):
        connection.executescript(
            f"BEGIN; {MIGRATIONS[step]} PRAGMA user_version = {step + 1}; COMMIT;"
        )


def read_all(connection: sqlite3.Connection, version: int) -> dict[str, Ledger]:
    """Return all ledgers by name; raise one of NONSENSE where a row is not as it was written."""
    for table in TABLES if version > 1 else ():
        for *columns, crc in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608 - of ours
            if checksum(*columns) != crc:
                msg = f"a row of {table} is not as it was written"
                raise ValueError(msg)
    names = [name for (name,) in connection.execute("SELECT ledger FROM heads ORDER BY 1")]
    found = {name: read(connection, name) for name in names}
    return {name: ledger for name, ledger in found.items() if ledger is not None}


def read(connection: sqlite3.Connection, name: str) -> Ledger | None:
    """Return the ledger of that name; None where there is none."""
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


def write(connection: sqlite3.Connection, name: str, old: Ledger, new: Ledger) -> None:
    """Write what differs."""
    head = (name, msgspec.json.encode(head_of(new)))
    connection.execute("INSERT OR REPLACE INTO heads VALUES (?, ?, ?)", (*head, checksum(*head)))
    gone = ((name, key) for key in old.tracks.keys() - new.tracks.keys())
    connection.executemany("DELETE FROM tracks WHERE ledger = ? AND key = ?", gone)
    tracks = ((name, key, value) for key, value in _changed(old.tracks, new.tracks))
    connection.executemany("INSERT OR REPLACE INTO tracks VALUES (?, ?, ?, ?)", _rows(tracks))
    lost = ((name, *subject) for subject in old.records.keys() - new.records.keys())
    connection.executemany("DELETE FROM records WHERE ledger = ? AND key = ? AND name = ?", lost)
    records = ((name, *subject, value) for subject, value in _changed(old.records, new.records))
    connection.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?)", _rows(records))


def checksum(*columns: object) -> int:
    """Return what tells a row from one in which a byte is another."""
    parts = (c if isinstance(c, bytes) else str(c).encode() for c in columns)
    return zlib.crc32(b"\0".join(parts))


def _rows(values: Iterable[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
    """Yield the rows that hold these keys and, last, what belongs to them."""
    for *keys, value in values:
        columns = (*keys, msgspec.json.encode(value))
        yield (*columns, checksum(*columns))


def _changed(old: Mapping[K, V], new: Mapping[K, V]) -> Iterator[tuple[K, V]]:
    # Unchanged values are mostly the very same objects; `seen` alone is not worth a write.
    return ((key, value) for key, value in new.items() if old.get(key) is not value)
