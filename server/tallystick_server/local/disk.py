"""The files of a folder on this machine. Owns reading, listing and atomic writing beneath one root.

Every path passes `policy.paths`; a write goes to a temporary file beside its target, is synced and renamed. Line endings,
byte order mark and mode are kept. Bytes that are no UTF-8 survive a round trip. Chats are their reader's and are not listed.
"""

import asyncio
import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tallystick_agent.git.repo import Repo
from tallystick_agent.policy.paths import confine, folder_beneath, open_beneath
from tallystick_agent.ports import CHAT_SUFFIX, Document, FileWrite
from tallystick_agent.protocol.digest import digest
from tallystick_agent.protocol.errors import StaleDocument, StorageError, WorkspaceError

MOST_BYTES = 10 * 1024 * 1024
MOST_FILES = 200_000
LISTING_S = 1.0
"""Seconds for which a listing is taken as fresh."""
_SKIPPED = frozenset(
    ".git .hg .svn node_modules __pycache__ .venv venv .tox .mypy_cache .pytest_cache .ruff_cache dist build target".split()
)


RACY_NS = 2_000_000_000
"""A file that changed this lately may change again without a new time: its stamp is never the same twice."""


class DiskFiles:
    """Implements the `Files` port: regular files alone, so no link is followed and none is listed twice."""

    def __init__(self, root: Path, listed: Callable[[], tuple[str, ...]]) -> None:
        self._root = root
        self._listed = listed

    def stamps(self) -> Mapping[str, str]:
        root, found, now = os.fspath(self._root), dict[str, str](), time.time_ns()
        for path in self._listed():
            try:
                status = os.lstat(f"{root}/{path}")
            except (OSError, ValueError):
                continue
            if stat.S_ISDIR(status.st_mode):
                # Git names a repository inside this one, or a submodule, as if it were a file.
                found[path.rstrip("/")] = "!a repository of its own"
            elif stat.S_ISREG(status.st_mode):
                # The second time is of the inode: it also tells of writes that keep the first, and of new permissions.
                written, changed = status.st_mtime_ns, status.st_ctime_ns
                fresh = f"?{now}" if now - max(written, changed) < RACY_NS else ""
                found[path] = f"{status.st_size}:{written}:{changed}:{status.st_ino}{fresh}"
        return found

    def load(self, path: str) -> bytes:
        try:
            with open_beneath(self._root, path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)) as descriptor:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise WorkspaceError("not a regular file")
                if status.st_size > MOST_BYTES:
                    raise WorkspaceError(f"{status.st_size:,} bytes")
                data = bytearray()
                while piece := os.read(descriptor, 1 << 20):
                    data += piece
                    if len(data) > MOST_BYTES:
                        raise WorkspaceError("grows while it is read")
                return bytes(data)
        except FileNotFoundError:
            raise WorkspaceError("vanished while it was read") from None
        except OSError as error:
            raise WorkspaceError(f"unreadable: {error.strerror}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    files: tuple[str, ...]
    at: float


class DiskWorkspace:
    """Implements the `Workspace` port."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._root = Path(os.path.realpath(root))
        self._environment = environment
        self._listing: _Listing | None = None

    @property
    def root(self) -> Path:
        return self._root

    async def read(self, path: str) -> Document:
        return await asyncio.to_thread(self._read, confine(self._root, path))

    async def write(self, writes: tuple[FileWrite, ...]) -> None:
        self._listing = None
        await asyncio.shield(asyncio.to_thread(self._write_all, writes))

    def open_paths(self) -> tuple[str, ...]:
        return ()

    async def files(self) -> tuple[str, ...]:
        listing = self._listing
        if listing is None or time.monotonic() - listing.at > LISTING_S:
            listing = _Listing(files=await asyncio.to_thread(self._list), at=time.monotonic())
            self._listing = listing
        return listing.files

    def now(self) -> DiskFiles:
        return DiskFiles(self._root, self._everything)

    def _read(self, path: str) -> Document:
        try:
            with open_beneath(self._root, path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)) as descriptor:
                status = os.fstat(descriptor)
                if stat.S_ISDIR(status.st_mode):
                    raise WorkspaceError(f"{path} is a folder.", remedy="Use list_files.")
                if not stat.S_ISREG(status.st_mode):
                    raise WorkspaceError(f"{path} is not a regular file.")
                if status.st_size > MOST_BYTES:
                    raise WorkspaceError(
                        f"{path} has {status.st_size:,} bytes, too many to read whole.",
                        remedy="Use search, or run_command with head or sed.",
                    )
                with os.fdopen(os.dup(descriptor), "rb") as file:
                    data = file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            raise WorkspaceError(f"There is no file {path}.", remedy="Use list_files or search to find it.") from None
        except OSError as error:
            raise WorkspaceError(f"{path} cannot be read: {error.strerror}.", remedy="Check its permissions.") from error
        return decode(path, data)

    def _write_all(self, writes: tuple[FileWrite, ...]) -> None:
        """Checks every base, then fills every temporary file, and only then renames them: what can fail fails before that."""
        placed = [(write, confine(self._root, write.path)) for write in writes]
        for write, path in placed:
            if self._digest_of(path) != write.base_digest:
                raise StaleDocument(f"{path} changed since it was read.", remedy="Read it again.")
        with contextlib.ExitStack() as opened:
            pending: list[_Pending] = []
            opened.callback(_remove_all, pending)
            for write, path in placed:
                self._attempt(path, partial(self._fill, opened, pending, write, path))
            for one in tuple(pending):
                self._attempt(one.path, one.finish)
                pending.remove(one)

    def _digest_of(self, path: str) -> str:
        """The digest of a file as it is; empty where there is none. Raises `WorkspaceError` where nobody can tell."""
        try:
            os.stat(self._root / path)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise WorkspaceError(f"{path} cannot be written: {error.strerror}.", remedy="Give another path.") from error
        return self._read(path).digest

    def _attempt(self, path: str, act: Callable[[], None]) -> None:
        try:
            act()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise StorageError(
                    f"{path} was not written: {error.strerror}.", remedy="Free some space; the old file is whole."
                ) from error
            raise WorkspaceError(
                f"{path} cannot be written: {error.strerror}.", remedy="Check its permissions; the old file is whole."
            ) from error
        except UnicodeEncodeError as error:
            raise WorkspaceError(f"{path} was not written: its text is no Unicode.", remedy="Send the text again.") from error

    def _fill(self, opened: contextlib.ExitStack, pending: "list[_Pending]", write: FileWrite, path: str) -> None:
        """Writes and syncs the temporary file beside its target."""
        folder, _, name = path.rpartition("/")
        if write.remove:
            descriptor = opened.enter_context(folder_beneath(self._root, folder))
            pending.append(_Pending(path=path, folder=descriptor, temporary="", name=name))
            return
        descriptor = opened.enter_context(folder_beneath(self._root, folder, make_folders=True))
        mode = 0o644
        with contextlib.suppress(FileNotFoundError):
            mode = stat.S_IMODE(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode)
        temporary = f".{name[:100]}.tallystick-{os.getpid()}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=descriptor)
        data = encode(write)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        pending.append(_Pending(path=path, folder=descriptor, temporary=temporary, name=name))
        with os.fdopen(os.open(temporary, flags, mode, dir_fd=descriptor), "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())

    def _list(self) -> tuple[str, ...]:
        return tuple(path for path in self._everything() if self._is_file(path))

    def _everything(self) -> tuple[str, ...]:
        """With the folders that git lists as if they were files, without chats."""
        return tuple(path for path in self._all() if not path.endswith(CHAT_SUFFIX))

    def _all(self) -> tuple[str, ...]:
        repo = Repo(self._root, self._environment)
        listed = repo.files() if repo.found else ()
        if listed:
            return listed
        # No repository, or one around this folder that ignores it: then the folder itself is asked.
        found: list[str] = []
        for folder, folders, names in os.walk(self._root):
            folders[:] = sorted(name for name in folders if name not in _SKIPPED)
            base = os.path.relpath(folder, self._root)
            found.extend((name if base == "." else f"{base}/{name}").replace(os.sep, "/") for name in names)
            if len(found) > MOST_FILES:
                break
        return tuple(sorted(found)[:MOST_FILES])

    def _is_file(self, path: str) -> bool:
        """A submodule is listed by git as if it were a file."""
        try:
            return not stat.S_ISDIR(os.lstat(self._root / path).st_mode)
        except OSError:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """A temporary file that waits to become `name`; without one, `name` is to go."""

    path: str
    folder: int
    temporary: str
    name: str

    def finish(self) -> None:
        if self.temporary:
            os.rename(self.temporary, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        else:
            os.unlink(self.name, dir_fd=self.folder)
        os.fsync(self.folder)

    def remove(self) -> None:
        if self.temporary:
            with contextlib.suppress(OSError):
                os.unlink(self.temporary, dir_fd=self.folder)


def _remove_all(pending: list[_Pending]) -> None:
    for one in pending:
        one.remove()


def decode(path: str, data: bytes) -> Document:
    """Bytes as a document. Raises `WorkspaceError` for what is no text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise WorkspaceError(f"{path} is UTF-16, which is not edited here.", remedy="Convert it to UTF-8 first.")
    if b"\0" in data[:8192]:
        raise WorkspaceError(f"{path} is a binary file.")
    bom = data.startswith(b"\xef\xbb\xbf")
    text = data[3 if bom else 0 :].decode("utf-8", "surrogateescape")
    crlf = text.count("\r\n")
    uniform = crlf > 0 and crlf == text.count("\n") == text.count("\r")
    text = text.replace("\r\n", "\n") if uniform else text
    return Document(path=path, text=text, digest=digest(text), newline="\r\n" if uniform else "\n", bom=bom)


def encode(write: FileWrite) -> bytes:
    text = write.text.replace("\r\n", "\n").replace("\n", "\r\n") if write.newline == "\r\n" else write.text
    return (b"\xef\xbb\xbf" if write.bom else b"") + text.encode("utf-8", "surrogateescape")
