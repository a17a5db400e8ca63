"""The one path rule: what stays inside a root, what is protected, what is secret, and opening without following links."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.policy.paths import confine, folder_beneath, is_protected, is_secret, open_beneath
from tallystick_agent.protocol.errors import PathRefused


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "ws"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.py").write_text("a = 1\n")
    (tmp_path / "ws-evil").mkdir()
    (tmp_path / "ws-evil" / "secret").write_text("secret\n")
    return root


@pytest.mark.parametrize(
    ("written", "inside"),
    [
        ("src/a.py", "src/a.py"),
        ("./src/./a.py", "src/a.py"),
        ("src//a.py", "src/a.py"),
        ("  src/a.py\n", "src/a.py"),
        (".", "."),
        ("./", "."),
        ("new/file.txt", "new/file.txt"),
        ("...", "..."),
        ("a..b", "a..b"),
        ("src/", "src"),
    ],
)
def test_a_relative_path_is_made_clean(written: str, inside: str, root: Path) -> None:
    assert confine(root, written) == inside


@pytest.mark.parametrize(
    "written",
    [
        "",
        "   ",
        "a\0b",
        "..",
        "../ws-evil/secret",
        "src/../../ws-evil/secret",
        "src/..",
        "./..",
        "/etc/passwd",
        "/",
        "//server/share",
        "\\\\server\\share",
        "C:\\Windows",
        "c:/windows",
        "C:secret",
    ],
)
def test_a_path_that_leaves_or_may_leave_is_refused(written: str, root: Path) -> None:
    with pytest.raises(PathRefused) as refused:
        confine(root, written)
    assert refused.value.remedy


def test_an_absolute_path_inside_is_taken_as_its_relative_form(root: Path) -> None:
    assert confine(root, f"{root}/src/a.py") == "src/a.py"
    assert confine(root, f"{root}/src/../src/a.py") == "src/a.py"
    assert confine(root, str(root)) == "."


def test_an_absolute_path_is_compared_part_by_part(root: Path) -> None:
    with pytest.raises(PathRefused):
        confine(root, f"{root}-evil/secret")
    with pytest.raises(PathRefused):
        confine(root, f"{root}/../ws-evil/secret")


def test_an_absolute_path_is_taken_under_either_name_of_a_linked_root(root: Path) -> None:
    linked = root.parent / "linked"
    linked.symlink_to(root)
    assert confine(linked, f"{linked}/src/a.py") == "src/a.py"
    assert confine(linked, f"{root}/src/a.py") == "src/a.py"


def test_a_link_is_judged_by_where_it_leads(root: Path) -> None:
    (root / "out").symlink_to(root.parent / "ws-evil")
    (root / "out.txt").symlink_to(root.parent / "ws-evil" / "secret")
    (root / "in.py").symlink_to("src/a.py")
    (root / "hook").symlink_to(".git/hooks")

    for path in ("out", "out/secret", "out.txt", "out/new"):
        with pytest.raises(PathRefused):
            confine(root, path)
    assert confine(root, "in.py") == "src/a.py"
    assert is_protected(confine(root, "hook/pre-commit"))


def test_links_in_a_circle_do_not_hang(root: Path) -> None:
    (root / "one").symlink_to("two")
    (root / "two").symlink_to("one")
    assert confine(root, "one") in ("one", "two")


WRITTEN = st.lists(
    st.sampled_from(["..", ".", "/", "//", "a", "src", "~", "\\", "C:", " ", "\u2025", "．．", "\udce9", "x" * 300]), max_size=6
)


@given(WRITTEN.map("".join) | WRITTEN.map("/".join) | st.text(st.characters(exclude_categories=[]), max_size=20))
def test_whatever_is_written_what_comes_out_lies_inside(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    root = tmp_path_factory.getbasetemp() / "inside"
    root.mkdir(exist_ok=True)
    try:
        relative = confine(root, text)
    except PathRefused:
        return
    assert ".." not in relative.split("/")
    assert not relative.startswith("/")
    assert Path(os.path.realpath(root / relative)).is_relative_to(os.path.realpath(root))


def test_opening_beneath_a_root_reads_what_is_there(root: Path) -> None:
    with open_beneath(root, "src/a.py", os.O_RDONLY) as descriptor:
        assert os.read(descriptor, 100) == b"a = 1\n"


def test_a_link_swapped_in_after_the_judgement_is_not_followed(root: Path) -> None:
    path = confine(root, "src/a.py")
    (root / "src" / "a.py").unlink()
    (root / "src" / "a.py").symlink_to(root.parent / "ws-evil" / "secret")
    with pytest.raises(OSError), open_beneath(root, path, os.O_RDONLY):
        pass


def test_a_folder_swapped_for_a_link_is_not_followed(root: Path) -> None:
    path = confine(root, "src/new.txt")
    (root / "src" / "a.py").unlink()
    (root / "src").rmdir()
    (root / "src").symlink_to(root.parent / "ws-evil")
    with pytest.raises(OSError), open_beneath(root, path, os.O_WRONLY | os.O_CREAT, make_folders=True):
        pass
    assert sorted(one.name for one in (root.parent / "ws-evil").iterdir()) == ["secret"]


def test_folders_are_made_only_where_that_is_asked(root: Path) -> None:
    with pytest.raises(FileNotFoundError), folder_beneath(root, "new/deep"):
        pass
    with folder_beneath(root, "new/deep", make_folders=True) as descriptor:
        assert os.fstat(descriptor).st_ino == (root / "new" / "deep").stat().st_ino


def test_no_descriptor_stays_open(root: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(5):
        with open_beneath(root, "src/a.py", os.O_RDONLY):
            pass
        with pytest.raises(OSError), open_beneath(root, "src/none/a.py", os.O_RDONLY):
            pass
    after = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    assert after == before


@pytest.mark.parametrize(
    "path",
    [
        ".git/hooks/pre-commit",
        ".GIT/config",
        ".Git/config",
        "sub/.git/config",
        ".git",
        ".vscode/settings.json",
        ".VSCode/Settings.json",
        ".idea/workspace.xml",
        ".cursor/mcp.json",
        ".claude/settings.json",
        ".tallystick/settings.toml",
        ".husky/pre-commit",
        ".devcontainer/devcontainer.json",
        ".git./config",
        ".git /config",
        ".gitattributes",
        ".gitmodules",
        ".mcp.json",
        "sub/.envrc",
        ".BASHRC",
        "project.code-workspace",
    ],
)
def test_files_that_make_something_run_later_are_protected(path: str) -> None:
    assert is_protected(path)


@pytest.mark.parametrize(
    "path", ["src/a.py", "git/a.py", "x.git/a.py", ".github/workflows/ci.yml", ".gitignore", "gitmodules", ".", "a.vscode"]
)
def test_ordinary_files_are_not_protected(path: str) -> None:
    assert not is_protected(path)


@pytest.mark.parametrize(
    "path",
    [".env", ".ENV", "app/.env", ".env.local", ".env.production", ".netrc", "keys/id_rsa", "ID_ED25519", "credentials.json"],
)
def test_files_that_may_hold_secrets(path: str) -> None:
    assert is_secret(path)


@pytest.mark.parametrize(
    "path",
    [".env.example", ".env.sample", ".env.template", "env", "environment.py", "src/id_rsa.py", ".envs/a.txt", "id_rsa.pub"],
)
def test_files_that_only_look_like_it(path: str) -> None:
    assert not is_secret(path)
