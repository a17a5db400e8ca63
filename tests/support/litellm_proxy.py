"""A real LiteLLM proxy on 127.0.0.1 in front of any OpenAI-like address. For tests.

Owns its configuration and its life. It costs about 7 seconds of processor time and 350 MB to start, so the tests that use it
stand in one module.
"""

import json
import secrets
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.foreign_process import TIE, foreign_python, free_port, served

START = f"{TIE}\nfrom litellm import run_server\nsys.argv[0] = 'litellm'\nrun_server()\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteLLMProxy:
    """A proxy that is ready. `url` is the base URL with `/v1`; `key` opens it, without it every request is refused."""

    url: str
    key: str


@contextmanager
def litellm_proxy(upstream: str, models: Sequence[str], *, upstream_key: str = "upstream") -> Generator[LiteLLMProxy, None, None]:
    """Serves `models` from `upstream`, a base URL with `/v1`. No telemetry, no database, no retries of its own."""
    python = foreign_python("litellm")
    # A weak key is refused at the start.
    key, port = f"sk-{secrets.token_hex(24)}", free_port()
    parameters = {"api_base": upstream, "api_key": upstream_key}
    configuration = {
        "model_list": [{"model_name": name, "litellm_params": {"model": f"openai/{name}", **parameters}} for name in models],
        "litellm_settings": {"telemetry": False, "num_retries": 0},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
        "general_settings": {"master_key": key},
    }
    environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "DO_NOT_TRACK": "1", "NO_COLOR": "1", "NO_PROXY": "*"}
    with tempfile.TemporaryDirectory(prefix="litellm") as folder, httpx.Client(trust_env=False, timeout=5) as client:
        # JSON is YAML.
        file = Path(folder) / "config.yaml"
        file.write_text(json.dumps(configuration), "utf-8")
        options = ["--config", str(file), "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]

        def ready(_: str) -> bool:
            try:
                return client.get(f"http://127.0.0.1:{port}/health/readiness").status_code == 200
            except httpx.TransportError:
                return False

        with served([str(python), "-I", "-c", START, *options], ready, environment):
            yield LiteLLMProxy(url=f"http://127.0.0.1:{port}/v1", key=key)
