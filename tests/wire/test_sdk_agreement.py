"""The official clients hear from the scripted provider what its script says, on every wire, whole and in streams.

So what the product is tested against is the wire, and not our idea of it. Each client runs in a child process of its own
environment; it also reads every frame strictly by its own types, and names the fields that it does not know.
"""

import json
import subprocess
from typing import Any

import pytest
from tests.support.foreign_process import ROOT, foreign_python
from tests.support.scripted.reply import Reply, Said
from tests.support.scripted_provider import ScriptedProvider
from tests.wire.cases import CASES, answer

CHAT = {"stop": "stop", "tool_calls": "tool_calls", "length": "length", "content_filter": "content_filter", "refusal": "stop"}
FINISH = {
    "openai-responses": {
        "stop": "completed",
        "tool_calls": "completed",
        "length": "max_output_tokens",
        "content_filter": "content_filter",
        "refusal": "completed",
    },
    "anthropic": {
        "stop": "end_turn",
        "tool_calls": "tool_use",
        "length": "max_tokens",
        "content_filter": "refusal",
        "refusal": "refusal",
    },
    "gemini": {
        "stop": "STOP",
        "tool_calls": "STOP",
        "length": "MAX_TOKENS",
        "content_filter": "SAFETY",
        "refusal": "SAFETY",
    },
    "ollama": {**CHAT, "tool_calls": "stop"},
    "openai-chat": CHAT,
    "openrouter": CHAT,
    "groq": CHAT,
    "mistral": CHAT,
}
"""Why an answer ended, in the word that each client shows."""
UNSEEN = {
    "gemini": ("cache_write",),
    "ollama": ("cached", "cache_write", "reasoning"),
}
"""Numbers that a wire cannot carry."""
ADDED = {
    "openai-chat": {
        "choices.delta.reasoning: unknown",
        "choices.delta.reasoning_details: unknown",
        "choices.message.reasoning: unknown",
        "choices.message.reasoning_details: unknown",
        "choices.finish_reason: literal_error",
        "usage.cost: unknown",
    },
    "openai-responses": {"response.usage.cost: unknown", "usage.cost: unknown"},
    "anthropic": {"usage.cost: unknown"},
    "openrouter": {"choices.error: unknown"},
}
"""What we say beyond the types of a client: OpenRouter's own fields on the wires that it borrows, and a failed choice."""
MESSAGE = CASES["error-after"].error_after


def expected(sdk: str, reply: Reply) -> dict[str, Any]:
    said = Said.of(reply)
    knows = sdk != "mistral"
    end = "refusal" if reply.refusal else reply.finish or ("tool_calls" if said.calls else "stop")
    numbers = {
        "input": reply.input_tokens,
        "output": reply.output_tokens,
        "cached": reply.cached,
        "cache_write": reply.cache_write,
        "reasoning": reply.reasoning_tokens,
    }
    return {
        "text": said.text + (said.refusal if knows else ""),
        "reasoning": said.reasoning if knows else "",
        "calls": [[call.name, call.parsed] for call in said.calls],
        "finish": FINISH[sdk][end],
        "usage": {name: 0 if name in UNSEEN.get(sdk, ()) else value for name, value in numbers.items()},
        "error": "",
    }


@pytest.mark.slow
@pytest.mark.parametrize("sdk", FINISH)
def test_a_client_hears_what_the_script_says(sdk: str) -> None:
    python = foreign_python("sdks")
    with ScriptedProvider(answer) as provider:
        command = [str(python), "-I", str(ROOT / "tests/support/sdk_check.py"), sdk, provider.root, *CASES]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, dict[str, Any]] = json.loads(done.stdout)
    failed = report.pop("error-after")
    heard = {name: [case["stream"], case["whole"]] for name, case in report.items()}
    assert heard == {name: [expected(sdk, CASES[name])] * 2 for name in report}
    assert sdk == "mistral" or MESSAGE in failed["stream"]["error"]
    problems = {problem for case in [*report.values(), failed] for problem in case["problems"]}
    assert problems == ADDED.get(sdk, set())
