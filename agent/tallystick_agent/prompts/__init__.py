"""The texts that models read, as files. Owns loading; the words are in the `.md` files beside this one."""

from functools import cache
from importlib.resources import files


@cache
def load(name: str) -> str:
    """The prompt `name`.md, without its last newline."""
    return files("tallystick_agent.prompts").joinpath(f"{name}.md").read_text("utf-8").strip()
