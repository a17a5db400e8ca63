"""`tallystick context`: the code that a task is about, within a budget of tokens. Owns its text, JSON Lines and serving.

With `--serve` one process answers many questions: a line of JSON {"repo", "query", "budgets"} in, a line out.
"""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tallystick_agent.protocol.display import shown
from tallystick_agent.protocol.errors import ConfigurationError, TallystickError
from tallystick_server.compose import Application

if TYPE_CHECKING:
    from tallystick_agent.ports import CodeFinder, Progress
    from tallystick_agent.protocol.code import CodeMap, Found, Mode

BUDGET = click.IntRange(50, 200_000)
MOST_QUERY = 100_000
MOST_BUDGETS = 20
LONG_BUILD = 300
"""Files to read from which a person is told that it goes on."""


@click.command(name="context")
@click.option("--repo", type=click.Path(path_type=Path), default=Path(), show_default=True, help="Folder of the repository.")
@click.option("--query", help="What the task is.")
@click.option("--query-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file that says it.")
@click.option("--budget", type=BUDGET, default=2_000, show_default=True, help="Tokens (o200k) that the map may take.")
@click.option(
    "--mode", type=click.Choice(["outline", "bodies"]), help="First lines only, or bodies of the best; the budget decides."
)
@click.option("--plain/--no-plain", default=None, help="Source lines alone: no line numbers, no blank lines. JSON is plain.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: files with their symbols, then the map.")
@click.option("--left-out", is_flag=True, help="List the files that are not read, and why, instead.")
@click.option("--explain", metavar="SESSION", help="Show where the tokens of a session went, instead.")
@click.option("--serve", is_flag=True, help="Answer questions from standard input, one JSON object a line.")
def command(
    repo: Path,
    query: str | None,
    query_file: Path | None,
    budget: int,
    mode: "Mode | None",
    plain: bool | None,
    as_json: bool,
    left_out: bool,
    explain: str | None,
    serve: bool,
) -> int:
    """Show the files and definitions that a task is about, best first, in at most the tokens of the budget."""
    app = Application.load()
    if explain is not None:
        from tallystick_server.cli.context_explain import explain_session

        return explain_session(app, explain, as_json=as_json)
    if serve:
        return asyncio.run(_serve(app, mode, plain is not False))
    if left_out:
        found = asyncio.run(_once(app, repo, "", 50, mode, plain=True))
        for path, reason in found.left_out:
            click.echo(json.dumps({"path": path, "reason": reason}) if as_json else f"{shown(path)}  ({shown(reason)})")
        return 0
    if (query is None) == (query_file is None):
        raise click.UsageError("Give --query or --query-file, one of them.")
    text = query if query is not None else (query_file or Path()).read_text("utf-8", "replace")
    bare = plain if plain is not None else as_json
    found = asyncio.run(_once(app, repo, text[:MOST_QUERY], budget, mode, bare))
    made = found.maps[budget]
    if as_json:
        for row in _rows(found, made):
            click.echo(json.dumps(row))
        return 0
    if not made.text:
        click.echo(f"Nothing in {found.indexed} files matches.", err=True)
        return 1
    click.echo(shown(made.text), nl=False)
    if sys.stderr.isatty():
        click.secho(f"{made.tokens:,} of {budget:,} tokens · {made.mode} · {found.indexed:,} files indexed", dim=True, err=True)
    return 0


async def _once(app: Application, repo: Path, text: str, budget: int, mode: "Mode | None", plain: bool) -> "Found":
    search = app.code_search(app.disk(repo))
    try:
        if sys.stderr.isatty():
            await search.prepare(_progress)
        return await search.find(text, [budget], mode=mode, plain=plain)
    finally:
        await app.close()


def _progress(at: "Progress") -> None:
    """One line that is written over; called from the thread that builds the index."""
    if at.total >= LONG_BUILD:
        end = "\r\x1b[K" if at.done == at.total else ""
        click.secho(f"\rIndexing {at.done:,} of {at.total:,} files…{end}", dim=True, nl=False, err=True)


def _rows(found: "Found", made: "CodeMap") -> list[dict[str, Any]]:
    """Files in the map in its order, then the other ranked ones, then the map itself."""
    from itertools import groupby

    rows: list[dict[str, Any]] = []
    by_path: dict[str, list[dict[str, Any]]] = {}
    for body in made.bodies:
        runs = [[block[0][0], block[-1][0]] for block in body.blocks()]
        by_path.setdefault(body.path, []).append(
            {"name": body.name, "lines": runs, "shown": "body", "score": round(body.score, 3)}
        )
    for line in made.lines:
        entry = {"name": line.name, "lines": [[line.number, line.last]], "shown": "first line", "score": round(line.score, 3)}
        by_path.setdefault(line.path, []).append(entry)
    sections = _sections(made)
    for path, score in found.files:
        text = sections.get(path, "")
        rows.append({"path": path, "score": round(score, 3), "symbols": by_path.get(path, []), "text": text})
    ranked = {path for path, _ in found.files}
    for path, _ in groupby(path for path in by_path if path not in ranked):
        rows.append({"path": path, "score": None, "symbols": by_path[path], "text": sections.get(path, "")})
    return [*rows, {"map": made.text, "tokens": made.tokens, "mode": made.mode, "files": found.indexed}]


def _sections(made: "CodeMap") -> dict[str, str]:
    """The lines of the map under each path. They are counted, since a line of code may look like a path."""
    bodies, lines = Counter[str](), Counter[str]()
    for body in made.bodies:
        bodies[body.path] += sum(1 + len(block) for block in body.blocks())
    for line in made.lines:
        lines[line.path] += 1
    rows = made.text.split("\n")
    found: dict[str, str] = {}
    at = 0
    for path, size in (*bodies.items(), *lines.items()):
        at += 1 + path.count("\n")
        found[path] = found.get(path, "") + "".join(f"{row}\n" for row in rows[at : at + size])
        at += size
    return found


async def _serve(app: Application, mode: "Mode | None", plain: bool) -> int:
    searches: dict[str, CodeFinder] = {}
    loop = asyncio.get_running_loop()
    try:
        while line := await loop.run_in_executor(None, sys.stdin.buffer.readline):
            try:
                answer = await _answer(app, searches, line, mode, plain)
            except TallystickError as error:
                answer = {"error": error.message, "code": error.code, "remedy": error.remedy}
            except OSError as error:
                answer = {"error": f"That repository cannot be read: {error.strerror}."}
            click.echo(json.dumps(answer))
            sys.stdout.flush()
    finally:
        await app.close()
    return 0


async def _answer(
    app: Application, searches: "dict[str, CodeFinder]", line: bytes, mode: "Mode | None", plain: bool
) -> dict[str, Any]:
    from pydantic import TypeAdapter, ValidationError

    try:
        asked = TypeAdapter(dict[str, Any]).validate_json(line)
        repo = TypeAdapter(str).validate_python(asked.get("repo"))
        query = TypeAdapter(str).validate_python(asked.get("query"))[:MOST_QUERY]
        budgets = TypeAdapter(list[int]).validate_python(asked.get("budgets") or [2_000])[:MOST_BUDGETS]
    except ValidationError as error:
        raise ConfigurationError(
            f"That is no question: {error.errors()[0]['msg']}.", remedy='Send {"repo": PATH, "query": TEXT, "budgets": [TOKENS]}.'
        ) from None
    if repo not in searches:
        searches[repo] = app.code_search(app.disk(Path(repo)))
    # A budget below the least is answered with what fits, which may be nothing.
    found = await searches[repo].find(query, [max(0, budget) for budget in budgets], mode=mode, plain=plain, most_files=3_000)
    return {
        "order": [path for path, _ in found.files],
        "maps": {str(budget): made.text for budget, made in found.maps.items()},
        "tokens": {str(budget): made.tokens for budget, made in found.maps.items()},
    }
