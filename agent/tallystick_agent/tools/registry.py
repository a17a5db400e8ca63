"""Which tools a request offers. Owns the fixed order: a changed order or set would break the provider's prompt cache."""

from tallystick_agent.protocol.modes import WorkMode
from tallystick_agent.tools.ask_user import AskUser
from tallystick_agent.tools.base import Tool
from tallystick_agent.tools.define import Define
from tallystick_agent.tools.edit import Edit
from tallystick_agent.tools.find_code import FindCode
from tallystick_agent.tools.list_files import ListFiles
from tallystick_agent.tools.read_file import ReadFile
from tallystick_agent.tools.run_command import RunCommand
from tallystick_agent.tools.search import Search
from tallystick_agent.tools.update_plan import UpdatePlan
from tallystick_agent.tools.write_file import WriteFile

_READING = frozenset(("read_file", "list_files", "search", "find_code", "ask_user", "update_plan"))
"""Tools that change nothing outside the session."""

LARGE: tuple[Tool, ...] = (
    ReadFile(),
    ListFiles(),
    Search(),
    FindCode(),
    Edit(),
    WriteFile(),
    RunCommand(),
    AskUser(),
    UpdatePlan(),
)
SMALL: tuple[Tool, ...] = (ReadFile(), Search(), Define(), Edit(), WriteFile(replaces=False), RunCommand())
"""For small models: each further branch makes a wrong choice likelier."""


def tools_for(scale: str, mode: WorkMode) -> tuple[Tool, ...]:
    """What a model of that scale is offered in that mode."""
    every = SMALL if scale == "small" else LARGE
    match mode:
        case "act":
            return every
        case "plan":
            return tuple(tool for tool in every if tool.spec.name in _READING)
        case "answer":
            return ()
