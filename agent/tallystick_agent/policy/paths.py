"""The one path rule for every tool. Owns confinement to a root, protected names, and opening beneath a root.

A path is judged twice: as it is written, and as it resolves. Reading and writing then go through directory descriptors
that refuse a symbolic link in any part, so that a link swapped in after the judgement is not followed.
"""

import contextlib
import os
import unicodedata
from collections.abc import Generator
from pathlib import Path, PurePosixPath

from tallystick_agent.protocol.errors import PathRefused

PROTECTED_FOLDERS = frozenset(
    (
        ".git .hg .svn .vscode .idea .zed .cursor .windsurf .claude .codex .gemini .cline .roo"
        " .continue .aider .tallystick .husky .devcontainer"
    ).split()
)
"""Folders whose files make an editor, a version control system or an agent run things."""
PROTECTED_FILES = frozenset(
    (
        ".gitmodules .gitattributes .gitconfig .mcp.json .envrc .bashrc .bash_profile .profile"
        " .zshrc .zshenv .npmrc .pypirc .netrc"
    ).split()
)
SECRET_FILES = frozenset(".env .netrc .pypirc .npmrc id_rsa id_ed25519 id_ecdsa credentials.json".split())


def normalise(path: str) -> str:
    """A model's path as clean relative parts with `/`. Raises `PathRefused` for what can never be inside a root.

    The letters stay as they are written: a name in another Unicode form is another file on most systems.
    """
    if not path.strip() or "\0" in path:
        raise PathRefused("The path is empty.", remedy="Give a path relative to the workspace.")
    text = path.strip()
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise PathRefused("That is no name that a file can have.", remedy="Use a path as it is listed.") from error
    if text.startswith(("\\\\", "//")) or (len(text) > 1 and text[1] == ":"):
        raise PathRefused(f"{path} is not a path of this workspace.", remedy="Give a path relative to the workspace.")
    parts = PurePosixPath(text).parts
    if ".." in parts:
        raise PathRefused(f"{path} leaves the workspace.", remedy="Give a path without `..`.")
    return "/".join(part for part in parts if part != ".") or "."


def confine(root: Path, path: str) -> str:
    """The path relative to `root`, with links resolved. Raises `PathRefused` for one that is, or leads, outside.

    An absolute path is taken when it lies inside the root; models often repeat those from a traceback.
    """
    real_root = Path(os.path.realpath(root))
    text = path.strip()
    if text.startswith("/"):
        absolute = Path(os.path.normpath(text))
        for base in (root, real_root):
            if absolute.is_relative_to(base):
                text = absolute.relative_to(base).as_posix()
                break
        else:
            raise PathRefused(f"{path} is outside the workspace.", remedy="Only files of the workspace can be used.")
    relative = normalise(text)
    resolved = Path(os.path.realpath(real_root / relative))
    if resolved != real_root and not resolved.is_relative_to(real_root):
        raise PathRefused(
            f"{path} leads outside the workspace (to {resolved}).", remedy="Only files of the workspace can be used."
        )
    return "." if resolved == real_root else resolved.relative_to(real_root).as_posix()


def is_protected(path: str) -> bool:
    """Whether writing there could make something run later. Compared without case, as some file systems do."""
    parts = [_key(part).rstrip(". ") for part in path.split("/")]
    last = parts[-1]
    return any(part in PROTECTED_FOLDERS for part in parts) or last in PROTECTED_FILES or last.endswith(".code-workspace")


def is_secret(path: str) -> bool:
    name = _key(path.rsplit("/", 1)[-1])
    return name in SECRET_FILES or (name.startswith(".env.") and not name.endswith((".example", ".sample", ".template")))


def _key(name: str) -> str:
    """The form in which names are compared: some file systems know neither case nor Unicode forms."""
    return unicodedata.normalize("NFC", name).casefold()


@contextlib.contextmanager
def open_beneath(
    root: Path, path: str, flags: int, mode: int = 0o644, *, make_folders: bool = False
) -> Generator[int, None, None]:
    """A descriptor for `root/path`, no symbolic link followed in any part. Raises `OSError`.

    `path` is what `confine` gave. Where the system has no directory descriptors the plain open is used.
    """
    if os.open not in os.supports_dir_fd:
        target = root / path
        if make_folders:
            target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target, flags | getattr(os, "O_NOFOLLOW", 0), mode)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        return
    with folder_beneath(root, path.rpartition("/")[0], make_folders=make_folders) as folder:
        descriptor = os.open(path.rpartition("/")[2], flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=folder)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def folder_beneath(root: Path, path: str, *, make_folders: bool = False) -> Generator[int, None, None]:
    """A descriptor for a folder beneath `root`, each part opened without following a link."""
    current = os.open(os.path.realpath(root), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in [part for part in path.split("/") if part not in ("", ".")]:
            if make_folders:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=current)
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
            os.close(current)
            current = below
        yield current
    finally:
        os.close(current)
