"""The index of one workspace: brings it up to date, and answers questions. Owns the corpus and what is on disk of it.

It works in the caller's thread and holds a lock while it does. Whoever waits for an answer sees the files as they are: a
refresh lists them, reads those whose stamp changed, and parses those whose content is new to the store.
"""

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tallystick_agent.context.code.corpus import Corpus, Part, corpus, due, part
from tallystick_agent.context.code.file_kinds import left_out_by_content, left_out_by_name
from tallystick_agent.context.code.history import MOST_COMMITS, History, from_json, history, read_commit, to_json
from tallystick_agent.context.code.languages import language_of
from tallystick_agent.context.code.rank import Ranking, rank
from tallystick_agent.context.code.record import FORMAT, Record, from_bytes, read_text, to_bytes
from tallystick_agent.context.code.segment import segment
from tallystick_agent.context.code.store import IndexStore
from tallystick_agent.git.repo import Repo
from tallystick_agent.policy.paths import is_secret
from tallystick_agent.ports import Files, Progress
from tallystick_agent.protocol.code import Hints
from tallystick_agent.protocol.errors import WorkspaceError

LOG = logging.getLogger("tallystick")
MOST_FILES: Final = 60_000
MOST_DECODED: Final = 200
"""Records that are kept for their names and first lines."""
_BATCH: Final = 200
_ATTEMPTS: Final = 3
"""How often one refresh reads again what the store lost."""
MOST_NAMED: Final = 20_000
"""Files whose names are kept in memory."""
_LEFT_OUT: Final = b"left out: "
"""What the key of a file that is in no index begins with; the reason follows. Other keys are digests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What questions are asked of: frozen, so a refresh meanwhile changes nothing in it."""

    corpus: Corpus
    past: History
    left_out: Mapping[str, str] = field(default_factory=lambda: {})
    """Paths that are not read, and why."""


def _left_out(reason: str) -> bytes:
    return _LEFT_OUT + reason.encode("utf-8", "replace")


def _reason(key: bytes) -> str:
    """Why a file is left out; empty for one that is not."""
    return key.removeprefix(_LEFT_OUT).decode("utf-8", "replace") if key.startswith(_LEFT_OUT) else ""


class CodeIndex:
    def __init__(self, store: IndexStore, root: str, repo: Repo | None, *, day: Callable[[], int]) -> None:
        """`root` names the workspace in the store; `day` is the number of today, for dropping what is long unused."""
        self._store = store
        self._root = root
        self._repo = repo
        self._day = day
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._known: dict[str, tuple[str, bytes]] = {}
        self._loaded = False
        self._parts: tuple[Part, ...] = ()
        self._head: str | None = None
        self._past = history(())
        self._view: View | None = None
        self._decoded: OrderedDict[bytes, Record] = OrderedDict()
        self._names: dict[bytes, tuple[str, ...]] = {}

    def refresh(self, files: Files, progress: Callable[[Progress], None] | None = None) -> View:
        """The files as they are now. Blocks; the first time on a new workspace for seconds a thousand files."""
        with self._lock:
            changed = self._read(files, progress)
            moved = self._read_history()
            left_out = {path: reason for path, (_, key) in self._known.items() if (reason := _reason(key))}
            if self._view is None or changed or moved or left_out != self._view.left_out:
                joined = corpus(self._parts) if changed or self._view is None else self._view.corpus
                self._view = View(corpus=joined, past=self._past, left_out=left_out)
            return self._view

    def ask(self, text: str, view: View, hints: Hints | None = None) -> Ranking:
        return rank(text, view.corpus, view.past, hints)

    def record(self, key: bytes) -> Record | None:
        """The names and first lines of a file of a view; `None` where the store lost it."""
        with self._lock:
            return self._record(key)

    def names(self, view: View) -> Iterator[tuple[str, str]]:
        """Name and path of every definition of a view. Blocks; the first time for as long as reading all records takes."""
        for path, number in view.corpus.numbers.items():
            key = view.corpus.keys[number]
            known = self._names.get(key)
            if known is None:
                record = self.record(key)
                known = tuple(chunk.name for chunk in record.chunks if chunk.name) if record is not None else ()
                if len(self._names) >= MOST_NAMED:
                    self._names.clear()
                self._names[key] = known
            yield from ((name, path) for name in known)

    def stop(self) -> None:
        """Ends a refresh that is running after its present batch; what it did is kept."""
        self._stopped.set()

    def restore(self, key: bytes, path: str, data: bytes) -> Record | None:
        """A record that the store lost, made again of the file; `None` where that has changed."""
        if self.key_of(path, data) != key:
            return None
        with self._lock:
            record = self._parse({key: (path, data)})[key]
            self._remember(key, record)
            return record

    def key_of(self, path: str, data: bytes) -> bytes:
        """The key under which the record of such a file is kept."""
        language = language_of(path)
        name = language.name if language else ""
        return hashlib.blake2b(data, digest_size=16, salt=name.encode()[:16], person=b"ts%d" % FORMAT).digest()

    def _record(self, key: bytes) -> Record | None:
        known = self._decoded.get(key)
        if known is not None:
            self._decoded.move_to_end(key)
            return known
        data = self._store.records([key]).get(key)
        try:
            record = from_bytes(data) if data is not None else None
        except ValueError:
            record = None
        if record is not None:
            self._remember(key, record)
        return record

    def _remember(self, key: bytes, record: Record) -> None:
        self._decoded[key] = record
        while len(self._decoded) > MOST_DECODED:
            self._decoded.popitem(last=False)

    def _read(self, files: Files, progress: Callable[[Progress], None] | None) -> bool:
        """Brings the parts up to date; whether anything changed."""
        if not self._loaded:
            self._known = self._store.stamps(self._root)
            self._store.touch(self._root, day=self._day())
            self._loaded = True
        stamps = {path: stamp for path, stamp in files.stamps().items() if not is_secret(path)}
        if len(stamps) > MOST_FILES:
            ranked = sorted(stamps, key=lambda path: (language_of(path) is None, path))
            stamps |= dict.fromkeys(ranked[MOST_FILES:], f"!over the limit of {MOST_FILES:,} files")
        changed = False
        for _ in range(_ATTEMPTS):
            moved, lost = self._update(files, stamps, progress)
            changed = changed or moved
            if not lost:
                break
        return changed

    def _update(self, files: Files, stamps: Mapping[str, str], progress: Callable[[Progress], None] | None) -> tuple[bool, bool]:
        """Whether anything changed, and whether the store lost records, whose files are then unknown: stale the next time."""
        stale = [path for path, stamp in stamps.items() if self._known.get(path, ("", b""))[0] != stamp]
        gone = [path for path in self._known if path not in stamps]
        contents: dict[bytes, tuple[str, bytes]] = {}
        keyed: dict[str, bytes] = {path: key for path, (_, key) in self._known.items() if path in stamps}
        fresh: list[tuple[str, str, bytes]] = []
        failed: set[str] = set()
        made: dict[bytes, Record] = {}
        for start in range(0, len(stale), _BATCH):
            if self._stopped.is_set():
                # What is not read keeps its old stamp, and is read the next time.
                for path in stale[start:]:
                    keyed.pop(path, None)
                break
            contents.clear()
            for path in stale[start : start + _BATCH]:
                try:
                    key, data = self._key(files, path, stamps[path])
                    fresh.append((path, stamps[path], key))
                except WorkspaceError as error:
                    key, data = _left_out(error.message), b""
                    failed.add(path)
                keyed[path] = key
                if not _reason(key):
                    contents[key] = (path, data)
            made |= self._parse(contents)
            if progress is not None:
                progress(Progress(done=min(start + _BATCH, len(stale)), total=len(stale)))
        number = len(keyed)
        changed = self._rebuild(keyed, made)
        if fresh or gone:
            self._store.keep_stamps(self._root, fresh, gone)
        if made:
            self._store.shrink()
        # What could not be read may be read the next time, whatever its stamp.
        self._known = {path: ("" if path in failed else stamps[path], key) for path, key in keyed.items()}
        return changed, len(keyed) < number

    def _key(self, files: Files, path: str, stamp: str) -> tuple[bytes, bytes]:
        """A file's content key and content; what is left out has its reason as a key. Raises `WorkspaceError`."""
        reason = stamp[1:] if stamp.startswith("!") else left_out_by_name(path)
        if reason:
            return _left_out(reason), b""
        data = files.load(path)
        reason = left_out_by_content(data)
        return (_left_out(reason), b"") if reason else (self.key_of(path, data), data)

    def _parse(self, contents: Mapping[bytes, tuple[str, bytes]]) -> dict[bytes, Record]:
        here = self._store.records(list(contents))
        found: dict[bytes, Record] = {}
        new: list[tuple[bytes, bytes]] = []
        for key, (path, data) in contents.items():
            if key in here:
                try:
                    found[key] = from_bytes(here[key])
                    continue
                except ValueError:
                    LOG.warning("a damaged record of the index is made again")
            language = language_of(path)
            found[key] = read_text(data, language.name if language else "")
            new.append((key, to_bytes(found[key])))
        if new:
            self._store.keep(new, day=self._day())
        return found

    def _rebuild(self, keyed: dict[str, bytes], made: Mapping[bytes, Record]) -> bool:
        """Files that left or changed die in their parts; what is new becomes a part; parts that are due are joined."""
        have = {path: key for one in self._parts for path, key in zip(one.paths, one.segment.keys, strict=True) if path}
        dead = frozenset(path for path, key in have.items() if keyed.get(path) != key)
        missing = [path for path, key in keyed.items() if not _reason(key) and have.get(path) != key]
        if not dead and not missing:
            return False
        parts = [one.without(dead) for one in self._parts]
        old = due(parts)
        paths = missing + [path for one in old for path in one.paths if path]
        fresh = self._part(paths, keyed, made)
        kept = [one for one in parts if all(one is not other for other in old)]
        self._parts = tuple(one for one in (*kept, *fresh) if one.paths)
        return True

    def _part(self, paths: Sequence[str], keyed: dict[str, bytes], made: Mapping[bytes, Record]) -> list[Part]:
        wanted = [keyed[path] for path in paths if keyed[path] not in made]
        rows = self._store.records(list(dict.fromkeys(wanted)))
        records: list[Record] = []
        shown: list[str] = []
        known: dict[bytes, Record] = dict(made)
        for path in paths:
            key = keyed[path]
            if key not in known:
                try:
                    known[key] = from_bytes(rows[key])
                except (ValueError, KeyError):
                    # The store lost it: without a key it is read again the next time.
                    del keyed[path]
                    continue
            records.append(known[key])
            shown.append(path)
        return [part(segment([keyed[path] for path in shown], records), shown)] if shown else []

    def _read_history(self) -> bool:
        if self._repo is None or not self._repo.found:
            return False
        head = self._repo.head().commit
        if head == self._head:
            return False
        shas = self._repo.commits(MOST_COMMITS) if head else ()
        # The paths of a commit are those below this folder: a part of a repository keeps rows of its own.
        part_of = self._repo.prefix().encode("utf-8", "backslashreplace").decode()
        known = {row.removesuffix(part_of): data for row, data in self._store.commits([sha + part_of for sha in shas]).items()}
        read = {sha: one for sha, data in known.items() if (one := from_json(data)) is not None}
        missing = [sha for sha in shas if sha not in read]
        if missing:
            fresh = {one.sha: read_commit(one.message, one.files) for one in self._repo.changes(missing)}
            self._store.keep_commits([(sha + part_of, to_json(one)) for sha, one in fresh.items()])
            read |= fresh
        commits = [read[sha] for sha in shas if sha in read]
        self._past = history(commits)
        self._head = head
        return True
