"""What a turn looks up before it starts: the test command. Owns that look-up."""

from tallystick_agent.context.test_command import WANTED, TestCommand, find_test_command
from tallystick_agent.loop.parts import EngineParts, SessionOptions
from tallystick_agent.protocol.errors import WorkspaceError


async def find_tests(parts: EngineParts, options: SessionOptions) -> TestCommand | None:
    """The user's own command, else the one that the repository's files tell."""
    if parts.settings.tests.command:
        files = await options.workspace.files()
        language = "python" if any(path.endswith(".py") for path in files) else ""
        return TestCommand(command=parts.settings.tests.command, language=language, reason="the setting tests.command")
    files = await options.workspace.files()
    texts: dict[str, str] = {}
    for name in WANTED:
        if name in files:
            try:
                texts[name] = (await options.workspace.read(name)).text
            except WorkspaceError:
                continue
    if not any(path.endswith(".py") for path in files):
        return find_test_command(files, texts, python="python3", has_pytest=False)
    if (options.workspace.root / ".venv/bin/python").exists():
        # The repository's own interpreter is only looked at here: it runs when somebody has allowed the tests.
        installed = any((options.workspace.root / ".venv/lib").glob("python3*/site-packages/pytest/__init__.py"))
        return find_test_command(files, texts, python=".venv/bin/python", has_pytest=installed)
    return find_test_command(files, texts, python=parts.python, has_pytest=await _has_pytest(parts.python, files, options))


async def _has_pytest(python: str, files: tuple[str, ...], options: SessionOptions) -> bool:
    if not any("test" in path for path in files):
        return False
    # -I keeps the repository's own modules off the path, so nothing of it is imported by this look.
    look = (python, "-I", "-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('pytest') is None)")
    result = await options.terminal.run(look, cwd=options.workspace.root, timeout_s=20, output_bytes=1_000)
    return result.exit_code == 0
