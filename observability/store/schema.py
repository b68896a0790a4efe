"""Tables of the store, and how a connection to them is opened.

    service    one name                          operation  a span name and kind of a service, with how many spans it has
    trace      a trace id and its short number   trace_chunk  the chunks that have something of a trace
    chunk      one compressed ResourceSpans or ResourceLogs of one service
    span       what a search asks of the spans of one chunk, packed (span_rows.py)
    log        one narrow row a log record: what a search asks for; its id is (chunk number, position in the chunk)
    part       the spans of one operation in one chunk: when, and how long they took (durations.py)
    tags       hashes of all tags in a chunk (tag_hashes.py); no row for one with too many
    dependency how often one service called another in one stretch of time and how often it failed (links.py), and the last
               chunk that added to it

A trace gets a short number because random 16-byte ids in an index of millions of spans would touch a cold page each;
numbers rise with time, so that inserts stay on a few warm pages.
"""

import sqlite3
import time
from contextlib import closing, suppress
from enum import IntEnum
from pathlib import Path
from typing import Final

from observability.store.errors import StoreUnusableError

VERSION: Final = 5
"""Kept in the file as `user_version`; a change of tables or of the chunks' encoding raises it."""

POSITION_BITS: Final = 18
"""Low bits of a log record's id. An upload holds fewer than 2^18 (otlp.MAX_ITEMS)."""

_BUSY_TIMEOUT_S: Final = 2.0
_CACHE_KIB: Final = 2_048  # A connection's page cache; the operating system caches the file anyway.
_CHECK_S: Final = 0.5  # Of a start, at most: a file of a million spans is looked through in about that time.
_CHECK_STEPS: Final = 10_000  # Of SQLite's machine between two looks at the clock, some 1 ms.
_SPARE: Final = 1.25  # The file may outgrow the retention's bound by this factor while old rows are being deleted.

_TABLES: Final = """
CREATE TABLE service (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
CREATE TABLE operation (
    id INTEGER PRIMARY KEY, service INTEGER NOT NULL, name TEXT NOT NULL, kind INTEGER NOT NULL,
    spans INTEGER NOT NULL DEFAULT 0, UNIQUE (service, name, kind)
);
CREATE TABLE trace (id INTEGER PRIMARY KEY, trace_id BLOB NOT NULL UNIQUE);
CREATE TABLE trace_chunk (trace INTEGER NOT NULL, chunk INTEGER NOT NULL, PRIMARY KEY (trace, chunk)) WITHOUT ROWID;
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY AUTOINCREMENT, signal INTEGER NOT NULL, service INTEGER NOT NULL, received_s INTEGER NOT NULL,
    first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, durations INTEGER NOT NULL, failed INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX chunk_by_service ON chunk (service, signal, last_us, first_us, durations, failed);
CREATE INDEX chunk_by_time ON chunk (signal, last_us, first_us, durations, failed);
CREATE TABLE part (
    operation INTEGER NOT NULL, last_us INTEGER NOT NULL, chunk INTEGER NOT NULL, length_us INTEGER NOT NULL,
    durations INTEGER NOT NULL, failed INTEGER NOT NULL, PRIMARY KEY (operation, last_us, chunk)
) WITHOUT ROWID;
CREATE TABLE tags (chunk INTEGER PRIMARY KEY, hashes BLOB NOT NULL);
CREATE TABLE span (chunk INTEGER PRIMARY KEY, rows BLOB NOT NULL);
CREATE TABLE log (id INTEGER PRIMARY KEY, trace INTEGER, time_us INTEGER NOT NULL, severity INTEGER NOT NULL);
CREATE TABLE dependency (
    id INTEGER PRIMARY KEY, bucket INTEGER NOT NULL, parent INTEGER NOT NULL, child INTEGER NOT NULL, calls INTEGER NOT NULL,
    errors INTEGER NOT NULL, chunk INTEGER NOT NULL, UNIQUE (bucket, parent, child)
);
"""


class Signal(IntEnum):
    """What a chunk holds. The numbers are in the file."""

    SPANS = 1
    LOGS = 2


def item_id(chunk: int, position: int) -> int:
    """Id of the log record at `position` of a chunk."""
    return chunk << POSITION_BITS | position


def place_of(item: int) -> tuple[int, int]:
    """The chunk and the position of a log record's id."""
    return item >> POSITION_BITS, item & (1 << POSITION_BITS) - 1


def open_for_writing(path: Path, max_size_mib: int) -> sqlite3.Connection:
    """The one connection that writes, with the tables made when the file is new.

    A commit is in the operating system's hands when it returns (`synchronous = NORMAL` in WAL mode): it survives the death
    of this process, not a power failure.

    Raises:
        StoreUnusableError: The file cannot be made or written, is not ours, or was made by another version.
    """
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        _create_or_check(connection, path)
        _look_for_damage(connection)
        (page_size_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        max_pages = int(max_size_mib * 1024 * 1024 * _SPARE / page_size_bytes)
        for pragma in ("synchronous = NORMAL", f"cache_size = -{_CACHE_KIB}", f"max_page_count = {max_pages}"):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error as error:
        raise StoreUnusableError(f"FIREBREAK_STORE_PATH {path}: {error}") from error
    return connection


def _look_for_damage(connection: sqlite3.Connection) -> None:
    """Raises sqlite3.DatabaseError for damage that shows within the time; the rest shows when it is met, as a 503."""
    deadline_s = time.monotonic() + _CHECK_S
    connection.set_progress_handler(lambda: time.monotonic() > deadline_s, _CHECK_STEPS)
    try:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
    else:
        if found != "ok":
            raise sqlite3.DatabaseError(f"database disk image is malformed ({found}); move the file away or name another")
    finally:
        connection.set_progress_handler(None, 0)


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that can only read; it sees what was committed before each of its statements.

    Raises:
        StoreUnusableError: Another version made the file.
        sqlite3.Error: It cannot be read.
    """
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_BUSY_TIMEOUT_S, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        _check_version(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        raise StoreUnusableError(f"{path}: {_made_by(version)}; look into it with the version that made it")


def fold(path: Path) -> None:
    """Takes the write-ahead log into the file, which is whole without it then. For when nobody has it open any more.

    SQLite does so by itself when the last connection closes, unless that one can only read.
    """
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S)) as last:  # No room: the log stays.
        last.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _create_or_check(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
    if version == 0 and tables == 0:
        connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
    elif version != VERSION:
        raise StoreUnusableError(f"FIREBREAK_STORE_PATH {path}: {_made_by(version)}; move the file away or name another")


def _made_by(version: int) -> str:
    return f"made by version {version} of the store, and this is version {VERSION}" if version else "not a store's file"
