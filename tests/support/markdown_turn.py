"""Whole turns as Markdown documents: prose, files, a scripted model, and what must come of it. Owns the format.

Blocks of a document, by their info string:

    file=PATH        a file of the workspace (`mode=000` and `bytes=hex` where text will not do)
    settings         settings.toml of the user
    run              command lines, one a run, after `$ tallystick`; `{id}` is the session of the run before
    model KEY=VALUE  one reply of the scripted model, in order (see `scripted_provider`)
    requests, events, diff, stderr   what must be seen; `--update-scenarios` writes them
"""

import difflib
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.scripted_provider import Reply, ScriptedProvider, Seen

EXPECTED = ("requests", "events", "diff", "stderr")
_BLOCK = re.compile(r"^(`{3,4})([^\n`]*)\n(.*?)^\1$\n?", re.MULTILINE | re.DOTALL)


@dataclass(slots=True)
class TurnDocument:
    """A parsed document; `blocks` are (info, text) in order."""

    text: str
    blocks: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> "TurnDocument":
        return cls(text=text, blocks=tuple((info.strip(), body) for _, info, body in _BLOCK.findall(text)))

    def of(self, kind: str) -> list[tuple[dict[str, str], str]]:
        """(attributes, text) of every block of a kind."""
        found: list[tuple[dict[str, str], str]] = []
        for info, body in self.blocks:
            words = info.split()
            if any(word == kind or word.startswith(f"{kind}=") for word in words):
                found.append(({key: value for key, _, value in (word.partition("=") for word in words)}, body))
        return found

    def with_expected(self, seen: dict[str, str]) -> str:
        """The document with what was seen in the expected blocks that it has; missing ones are added at the end."""
        text = self.text
        for kind in EXPECTED:
            block = f"```{kind}\n{seen[kind]}```\n"
            pattern = re.compile(rf"^```{kind}\n.*?^```$\n?", re.MULTILINE | re.DOTALL)
            found = pattern.search(text)
            if found is not None:
                text = text[: found.start()] + block + text[found.end() :]
            elif seen[kind]:
                text = f"{text.rstrip()}\n\n{block}"
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResult:
    """What was seen, as the text of each expected block."""

    seen: dict[str, str]
    requests: list[Seen]


def run_document(document: TurnDocument, folder: Path) -> TurnResult:
    """Plays a document with the real program as a child process."""
    home, repo = folder / "home", folder / "repo"
    home.mkdir(mode=0o700)
    repo.mkdir()
    _files(document, repo)
    before = _tree(repo)
    for _, body in document.of("settings"):
        (home / "settings.toml").write_text(body, "utf-8")
    replies = [_reply(attributes, body) for attributes, body in document.of("model")]
    events: list[str] = []
    errors: list[str] = []
    with ScriptedProvider(list(replies)) as provider:
        session = ""
        for line in "".join(body for _, body in document.of("run")).splitlines():
            words = [word.replace("{id}", session) for word in shlex.split(line.removeprefix("$ tallystick "))]
            done = _run(words, home, repo, provider.url)
            flat = [json.loads(one) for one in done.stdout.splitlines()]
            session = flat[0]["session_id"] if flat else session
            events += [f"$ {words[0]}", *filter(None, map(_event, flat)), f"exit {done.returncode}"]
            errors.append(done.stderr.replace(str(folder), "").replace(session or "\0", "SESSION"))
    seen = {
        "requests": _requests(provider.requests),
        "events": "".join(f"{line}\n" for line in events).replace(str(repo), "REPO"),
        "diff": _diff(before, _tree(repo)),
        "stderr": "".join(errors),
    }
    return TurnResult(seen=seen, requests=provider.requests)


def _files(document: TurnDocument, repo: Path) -> None:
    for attributes, body in document.of("file"):
        path = repo / attributes["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes.fromhex(attributes["bytes"]) if "bytes" in attributes else body.encode())


def _reply(attributes: dict[str, str], body: str) -> Reply:
    status = int(attributes.get("status", "200"))
    return Reply(
        lines=body if status == 200 else "",
        status=status,
        body=body.strip(),
        headers={"retry-after": attributes["retry-after"]} if "retry-after" in attributes else {},
        finish=attributes.get("finish", ""),
        cut="cut" in attributes,
        hang="hang" in attributes,
        comments=int(attributes.get("comments", "0")),
        usage=json.loads(attributes["usage"]) if "usage" in attributes else None,
    )


def _run(words: list[str], home: Path, repo: Path, url: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TALLYSTICK_HOME": str(home),
        "OPENAI_API_KEY": "sk-scripted-0000",
        "OPENAI_BASE_URL": url,
        "LANG": "C.UTF-8",
    }
    task = words[0] in ("run", "resume")
    more = [
        "--json",
        *([] if "--repo" in words else ["--repo", str(repo)]),
        *([] if "--model" in words else ["--model", "openai/scripted"]),
    ]
    command = [sys.executable, "-I", "-m", "tallystick_server", *words, *(more if task else [])]
    return subprocess.run(
        command,
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )


def _event(event: dict[str, Any]) -> str:
    """One line for an event that matters in a document; empty for the others."""
    match event["kind"]:
        case "request_started":
            elsewhere = f" at {event['endpoint']}" if event["endpoint"] != "openai/scripted" else ""
            return f"request attempt {event['attempt']}{elsewhere}"
        case "attempt_failed":
            again = "tries again" if event["retry_in_s"] is not None else "final"
            return f"attempt failed: {event['code']}, {again}"
        case "request_finished":
            usage = event["usage"]
            total = sum(one["tokens"] for one in event["segments"])
            exact = "segments exact" if total == usage["input_tokens"] + usage["output_tokens"] else "SEGMENTS WRONG"
            return f"request finished: {event['finish']}, usage {usage['source']}, {exact}"
        case "item_finished":
            return _item(event["item"])
        case "permission_requested":
            return f"permission asked: {event['tool']} {event['title']}"
        case "permission_decided":
            return f"permission {event['decision']} by {event['by']}"
        case "files_changed":
            return f"files changed: {', '.join(change['path'] for change in event['changes'])}"
        case "notice":
            return f"notice: {event['code']}"
        case "turn_finished":
            detail = f": {event['detail']}" if event["detail"] else ""
            return f"turn finished: {event['stop']}, {event['requests']} requests{detail}"
        case _:
            return ""


def _item(item: dict[str, Any]) -> str:
    match item["kind"]:
        case "message":
            return f"{item['origin']}: {_short(item['text'])}"
        case "tool_call":
            return f"{item['name']} {item['status']}: {_short(item['output'])}"
        case "compaction":
            return f"compaction: {len(item['dropped_calls'])} outputs dropped"
        case kind:
            return str(kind)


def _short(text: str) -> str:
    lines = text.strip().split("\n")
    return lines[0][:160] + (f" … (+{len(lines) - 1} lines)" if len(lines) > 1 else "")


def _requests(requests: list[Seen]) -> str:
    """Each request as what it adds to the one before; one that does not start with its predecessor says so."""
    lines: list[str] = []
    previous: list[dict[str, Any]] = []
    for number, request in enumerate(requests, 1):
        messages: list[dict[str, Any]] = request.body["messages"]
        extends = messages[: len(previous)] == previous
        lines.append(f"{number}: {'' if extends else 'rewritten, '}{len(messages)} messages")
        lines.extend(f"   + {_message(message)}" for message in (messages[len(previous) :] if extends else messages))
        previous = messages
    return "".join(f"{line}\n" for line in lines)


def _message(message: dict[str, Any]) -> str:
    calls = [f"{one['function']['name']} {one['function']['arguments']}" for one in message.get("tool_calls", [])]
    text = _short(message["content"] or "") if message["role"] != "system" else f"({len(message['content'])} characters)"
    return " ".join(part for part in (message["role"], text, *(f"[call {call[:200]}]" for call in calls)) if part)


def _tree(repo: Path) -> dict[str, str]:
    found = (path for path in sorted(repo.rglob("*")) if path.is_file())
    return {path.relative_to(repo).as_posix(): path.read_bytes().decode("utf-8", "backslashreplace") for path in found}


def _diff(before: dict[str, str], after: dict[str, str]) -> str:
    lines: list[str] = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path, ""), after.get(path, "")
        lines += difflib.unified_diff(old.splitlines(), new.splitlines(), f"a/{path}", f"b/{path}", lineterm="")
    return "".join(f"{line}\n" for line in lines)
