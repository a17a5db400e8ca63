"""`tallystick context` as a person, a script and a long-lived caller meet it: the real program on real folders."""

import json
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.agent.context.code.workspaces import SHOP, commit
from tests.support.program import Program

from tallystick_agent.context.code.store import VERSION
from tallystick_agent.tokens.encodings import o200k

TASK = "The total of the cart is wrong in euros"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    program = Program(folder=tmp_path)
    for path, text in SHOP.items():
        program.write(path, text)
    return program


def context(program: Program, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return program.run("context", "--repo", str(program.repo), *arguments)


def tokens(text: str) -> int:
    return len(o200k().encode_ordinary(text))


def test_the_text_is_a_map_within_the_budget(program: Program) -> None:
    done = context(program, "--query", TASK, "--budget", "100")
    assert (done.returncode, done.stderr) == (0, "")
    assert "shop/cart.py:\n" in done.stdout
    assert "5 def total(self, currency):\n" in done.stdout
    assert tokens(done.stdout) <= 100


def test_bodies_are_shown_with_their_numbers_or_plain(program: Program) -> None:
    numbered = context(program, "--query", TASK, "--mode", "bodies").stdout
    assert "@@ 5-6\n    def total(self, currency):\n" in numbered or "@@ 1-6\nclass Cart:\n" in numbered
    plain = context(program, "--query", TASK, "--mode", "bodies", "--plain").stdout
    assert "@@\n" in plain
    assert "@@ " not in plain
    assert "\n\n" not in plain


def test_a_question_may_stand_in_a_file(program: Program) -> None:
    question = program.write("task.md", TASK)
    asked = context(program, "--query-file", str(question))
    assert asked.returncode == 0
    question.unlink()
    program.write("latin", "").write_bytes(b"caf\xe9 total")
    assert context(program, "--query-file", str(program.repo / "latin")).returncode == 0


def test_json_has_a_row_for_each_file_and_then_the_map(program: Program) -> None:
    done = context(program, "--query", TASK, "--json", "--mode", "bodies")
    *files, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["path"] for row in files} == set(SHOP)
    assert [row["score"] for row in files] == sorted((row["score"] for row in files), reverse=True)
    assert (last["mode"], last["files"], last["tokens"]) == ("bodies", len(SHOP), tokens(last["map"]))
    cart = next(row for row in files if row["path"] == "shop/cart.py")
    assert {symbol["shown"] for row in files for symbol in row["symbols"]} <= {"body", "first line"}
    lines = SHOP["shop/cart.py"].splitlines()
    for symbol in cart["symbols"]:
        for first, end in symbol["lines"]:
            assert 1 <= first <= end <= len(lines)
            assert symbol["name"] in " ".join(lines[first - 1 : end])
    assert "def total(self, currency):" in cart["text"]


def test_the_text_of_a_row_is_that_of_its_file(program: Program) -> None:
    """Though lines of another file look like its path."""
    program.write("config", "zebra = 1\n")
    program.write("Makefile", "zebra.py:\n\trun\nconfig:\n\tzebra one\nshop/cart.py:\n\tzebra two\n")
    program.write("zebra.py", "def zebra():\n    return 1\n")
    done = context(program, "--query", "zebra", "--json", "--mode", "bodies")
    *files, last = [json.loads(line) for line in done.stdout.splitlines()]
    texts = {row["path"]: row["text"] for row in files if row["symbols"]}
    assert texts["Makefile"] == "@@\n" + (program.repo / "Makefile").read_text()
    assert texts["config"] == "@@\nzebra = 1\n"
    assert "class Cart:\n" in texts["shop/cart.py"]
    assert all(text in last["map"] for text in texts.values())


def test_the_same_question_has_the_same_answer_in_every_process(program: Program) -> None:
    commit(program.repo, "Round the total in euros")
    assert len({context(program, "--query", TASK, "--json").stdout for _ in range(3)}) == 1
    assert (program.home / "cache" / f"code_index_{VERSION}.sqlite3").exists()


def test_a_damaged_index_is_made_again(program: Program) -> None:
    first = context(program, "--query", TASK)
    (program.home / "cache" / f"code_index_{VERSION}.sqlite3").write_bytes(b"damaged" * 1_000)
    second = context(program, "--query", TASK)
    assert (second.returncode, second.stdout, second.stderr) == (0, first.stdout, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--query"),
        (("--query", "a", "--query-file", __file__), "one of them"),
        (("--query-file", "/nonexistent/task"), "does not exist"),
        (("--query", "a", "--budget", "49"), "50"),
        (("--query", "a", "--budget", "200001"), "200000"),
        (("--query", "a", "--budget", "many"), "integer"),
        (("--query", "a", "--mode", "all"), "outline"),
    ],
)
def test_what_cannot_be_asked_says_why(program: Program, arguments: tuple[str, ...], says: str) -> None:
    done = context(program, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["none", "shop/cart.py"])
def test_what_is_no_folder_says_so(program: Program, name: str) -> None:
    done = program.run("context", "--repo", str(program.repo / name), "--query", "a")
    assert done.returncode not in (0, 1)
    assert name in done.stderr
    assert "--repo" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_code_matches_nothing(tmp_path: Path) -> None:
    done = context(Program(folder=tmp_path), "--query", TASK)
    assert (done.returncode, done.stdout) == (1, "")
    assert "0 files" in done.stderr


def test_names_that_are_no_unicode_are_printed_somehow(program: Program) -> None:
    (program.repo / "caf\udce9.py").write_text("def zebra(): ...\n")
    done = subprocess.run(
        program.command("context", "--repo", str(program.repo), "--query", "zebra"),
        env={**program.environment, "PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"def zebra(): ..." in done.stdout


class Served:
    """One process that answers questions."""

    def __init__(self, program: Program, *arguments: str) -> None:
        command = program.command("context", "--serve", *arguments)
        self.process = subprocess.Popen(command, env=program.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, line: bytes) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def ask(self, **question: object) -> dict[str, Any]:
        return self.send(json.dumps(question).encode())


@pytest.fixture
def served(program: Program) -> Generator[Served, None, None]:
    served = Served(program)
    yield served
    assert served.process.stdin is not None
    assert served.process.stdout is not None
    served.process.stdin.close()
    assert served.process.stdout.read() == b""
    assert served.process.wait(30) == 0
    served.process.stdout.close()


def test_one_process_answers_many_questions_about_many_folders(program: Program, served: Served) -> None:
    answer = served.ask(repo=str(program.repo), query=TASK, budgets=[60, 400])
    assert set(answer["order"]) == set(SHOP)
    assert set(answer["maps"]) == set(answer["tokens"]) == {"60", "400"}
    for budget, text in answer["maps"].items():
        assert tokens(text) == answer["tokens"][budget] <= int(budget)
    program.write("shop/zebra.py", "def zebra(): ...\n")
    assert served.ask(repo=str(program.repo), query="zebra")["order"][0] == "shop/zebra.py"
    assert served.ask(repo=str(program.repo / "shop"), query="zebra")["order"][0] == "zebra.py"
    assert set(served.ask(repo=str(program.repo), query="zebra", budgets=[-5, 0, 10])["tokens"]) == {"0", "10"}


NO_QUESTIONS = (
    b"",
    b"no json",
    b"[]",
    b"{}",
    b'{"repo": 1, "query": "a"}',
    b'{"repo": "/nonexistent", "query": "a"}',
    b'{"repo": "", "query": 2}',
    b'{"repo": "%s", "query": "a"}' % (b"x" * 5_000),
    b'{"repo": "a\\u0000b", "query": "a"}',
    b'{"repo": ".", "query": "a", "budgets": "many"}',
    b'{"repo": ".", "query": "a", "budgets": [1e400]}',
    b'{"repo": ".", "query": "\\ud800"}',
    b"\xff\xfe{}",
    b"[" * 100_000,
)


def test_a_line_that_is_no_question_gets_an_error_and_serving_goes_on(program: Program, served: Served) -> None:
    for line in NO_QUESTIONS:
        answer = served.send(line)
        assert set(answer) <= {"error", "code", "remedy"}, line
        assert answer["error"], line
    assert served.ask(repo=str(program.repo), query=TASK)["order"]


def test_a_folder_that_is_gone_has_no_code_and_is_no_end(program: Program, served: Served) -> None:
    assert served.ask(repo=str(program.repo), query=TASK)["order"]
    program.repo.rename(program.folder / "moved")
    assert served.ask(repo=str(program.repo), query=TASK)["order"] == []
    (program.folder / "moved").rename(program.repo)
    assert served.ask(repo=str(program.repo), query=TASK)["order"]
