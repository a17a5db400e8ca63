"""A real PostgreSQL server for tests, in a folder of its own and on 127.0.0.1 alone. Owns its start and its end."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

DEBIAN = Path("/usr/lib/postgresql/15/bin")
START_S = 30.0


def program(name: str) -> str | None:
    found = shutil.which(name)
    return found or (str(DEBIAN / name) if (DEBIAN / name).exists() else None)


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as: it refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("there is neither a user postgres nor nobody")


class PostgresProcess:
    def __init__(self, folder: Path, *, synced: bool = False) -> None:
        """`synced` waits for the disk, as a real one does."""
        self.synced = synced
        self.folder = folder
        self.password = secrets.token_hex(8)
        self.port = _free_port()
        self._account = _account()
        self._process: subprocess.Popen[bytes] | None = None
        self._schemas = count(1)
        words = folder / "password"
        words.write_text(self.password)
        if self._account is not None:
            for path in (folder, words):
                os.chown(path, self._account.pw_uid, self._account.pw_gid)
        made = ("-D", folder / "data", "-U", "tally", "-A", "scram-sha-256", f"--pwfile={words}", "--no-sync", "-E", "UTF8")
        subprocess.run([*self._as_user(), str(program("initdb")), *map(str, made)], check=True, capture_output=True, cwd=folder)

    def start(self) -> None:
        log = (self.folder / "log").open("ab")
        given = (
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            f"unix_socket_directories={self.folder}",
            *(() if self.synced else ("-c", "fsync=off")),
        )
        command = [*self._as_user(), str(program("postgres")), "-D", str(self.folder / "data"), "-p", str(self.port), *given]
        self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder)
        log.close()
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.execute("SELECT 1")
                return
            except Exception:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    def stop(self) -> None:
        """At once; who is connected is thrown out."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_S)
            self._process = None

    def url(self, schema: str = "", *, password: str | None = None) -> str:
        options = f"?options=-csearch_path%3D{schema}" if schema else ""
        words = self.password if password is None else password
        return f"postgresql://tally:{words}@127.0.0.1:{self.port}/postgres{options}"

    def schema(self) -> str:
        """A fresh place for tables."""
        name = f"t{next(self._schemas)}"
        self.execute(f"CREATE SCHEMA {name}")
        return name

    def execute(self, sql: str, schema: str = "") -> list[tuple[object, ...]]:
        import psycopg

        with psycopg.connect(self.url(schema), autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def _as_user(self) -> list[str]:
        if self._account is None:
            return []
        ids = (f"--reuid={self._account.pw_uid}", f"--regid={self._account.pw_gid}", "--clear-groups")
        return ["setpriv", *ids, "env", f"HOME={self.folder}"]


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running(*, synced: bool = False) -> Generator[PostgresProcess]:
    """A server with nothing in it. Its folder lies outside of pytest's, which no other user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="tallystick-postgres-"))
    try:
        server = PostgresProcess(folder, synced=synced)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
