"""Documents and generated files tell the truth: every setting, command, exit code and event is in them."""

import re
import subprocess
import sys
from pathlib import Path

import click

from tallystick_agent.protocol import codec
from tallystick_server.cli.exit_codes import ExitCode
from tallystick_server.cli.main import group

ROOT = Path(__file__).resolve().parents[2]


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_generated_files_are_fresh() -> None:
    command = [sys.executable, "scripts/generate_docs.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_readme_names_every_command_and_option() -> None:
    readme = text("README.md")
    context = click.Context(group)
    for name in group.list_commands(context):
        assert f"tallystick {name}" in readme, name
    run = group.get_command(context, "run")
    assert run is not None
    for parameter in run.params:
        if isinstance(parameter, click.Option):
            assert parameter.opts[0] in readme, parameter.opts[0]


def test_readme_names_every_exit_code() -> None:
    readme = text("README.md")
    for code in ExitCode:
        assert re.search(rf"^\| {int(code)} \|", readme, re.MULTILINE), code


def test_the_schema_names_every_event() -> None:
    schema = codec.json_schema()
    kinds = {name["properties"]["kind"]["const"] for name in schema["$defs"].values() if "kind" in name.get("properties", {})}
    documented = text("docs/events.md")
    for kind in kinds:
        assert f"`{kind}`" in documented, kind


def test_links_between_documents_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_nothing_names_a_registry_host_or_a_path_of_one_machine() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    names = ("pypi", "npmjs", "deb.debian", "pythonhosted")
    hosts = re.compile("|".join([*(re.escape(f"{name}.org") for name in names), "/wor" + "k/(?:main|shared)"]))
    for name in filter(None, listed):
        path = ROOT / name
        if path.is_file() and path.suffix not in (".gz", ".png"):
            assert not hosts.search(path.read_text("utf-8", "replace")), name


def test_the_changelog_has_this_version() -> None:
    from tallystick_agent import __version__

    assert f"## {__version__}" in text("CHANGELOG.md")
    assert f'version = "{__version__}"' in text("pyproject.toml")
