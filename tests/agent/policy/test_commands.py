"""What a shell command may do unasked: a table of commands and verdicts.

The rule: harmless programs on plain words run, a few programs never run, all else asks. Whatever the shell would expand,
redirect or assign is not plain, so it asks, whatever it starts with.
"""

import pytest

from tallystick_agent.policy.commands import Verdict, judge, split_plain


def verdict(command: str, *, allow: tuple[str, ...] = (), deny: tuple[str, ...] = (), unknown: Verdict = "ask") -> Verdict:
    return judge(command, allow=allow, deny=deny, unknown=unknown).verdict


# From the attack table, class command-policy: none of them may run without a yes.
ATTACKS = [
    "ls && touch made",
    "ls && touch $CANARY",
    "ls\ntouch made",
    "ls\r\ntouch made",
    "ls & touch made",
    "ls &",
    "echo $(touch made)",
    "echo `touch made`",
    'echo "$(touch made)"',
    'echo "`touch made`"',
    "echo =(touch made)",
    'ls *(e:"touch made":)',
    "echo $[ x='a[$(touch made)]', x ]",
    "echo $((a[$(touch made)]))",
    "echo ${x:=$(touch made)}",
    "cat <<EOF\n$(touch made)\nEOF",
    "cat <(touch made)",
    "ls >(touch made)",
    "LD_PRELOAD=./x.so ls",
    "PATH=.:$PATH ls",
    "find . -fprintf /outside/x %p",
    "find . -delete",
    "find . -exec touch made ;",
    "sed -n '1e touch made' f",
    "sed -i s/a/b/ .agent/settings.json",
    "git -c core.fsmonitor=./x status",
    "git diff --ext-diff --output=/outside/x",
    "git status",
    "cd .agent && echo {} > settings.json",
    "cat a; " + "true && " * 60 + "touch made",
    "ls -la \\\n; touch made",
    "ls -la \\\n; touch $CANARY",
    'echo "',
    "echo 'never closed",
    "npm install",
    "pytest",
    "python3 -c \"import os;os.system('touch made')\"",
    "tar -xf a.tar --to-command=./x",
    "man -P ./x ls",
    "ls" + " " * 400 + "; touch made",
    "rm -rf build",
    "ls > made",
    "ls >> made",
    "ls 2> made",
    "ls >| made",
    "ls >& made",
    "cat < /etc/passwd",
    "(ls; touch made)",
    "{ ls; touch made; }",
    "if true; then touch made; fi",
    "for f in a; do touch made; done",
    "while true; do touch made; done",
    "ls() { touch made; }; ls",
    "! touch made",
    "true || touch made",
    "ls | sh",
    "ls | xargs touch",
    "echo made | tee made",
    "eval ls",
    "exec ls",
    "env ls",
    "command ls",
    "./ls",
    "bin/cat a.py",
    "l*",
    "$'ls'",
    "\\ls",
    "l\\s; touch made",
    "ls\0touch made",
    "x=1",
    "",
    "   ",
    "# only a comment",
    "a" * 20_000,
    "coproc ls",
    "[[ -f a ]]",
    "(( a[$(touch made)] ))",
    "echo {a,b}$(touch made)",
    "curl http://127.0.0.1/",
    "bash -c ls",
    "node -e 1",
    "awk 'BEGIN{system(\"touch made\")}'",
]


@pytest.mark.parametrize("command", ATTACKS)
def test_what_could_do_more_than_read_asks_first(command: str) -> None:
    assert verdict(command) != "allow"


HARMLESS = [
    "ls",
    "ls -la",
    "ls -la src tests",
    "pwd",
    "cat a.py",
    "cat a.py | head -3",
    "head -n 20 src/a.py",
    "tail -5 log.txt",
    "wc -l src/a.py | tail -1",
    "echo hello",
    "echo 'a && b'",
    'echo "a; b | c"',
    "echo 'touch $CANARY'",
    "ls && pwd",
    "ls; pwd",
    "ls || true",
    "cat a.py && cat b.py && wc -l a.py b.py",
    "ls\npwd",
    "which python3",
    "basename src/a.py",
    "uname -a",
    "whoami",
    "stat a.py",
    "nl a.py | head -50",
    "cat 'a file with spaces.txt'",
    "cat grüße.txt",
    "ls *.py",
    "wc -l src/*.py",
]


@pytest.mark.parametrize("command", HARMLESS)
def test_what_only_reads_the_workspace_is_not_asked_about(command: str) -> None:
    assert verdict(command) == "allow"


FORBIDDEN = [
    "sudo ls",
    "/usr/bin/sudo ls",
    "'sudo' ls",
    "su root",
    "ls && sudo ls",
    "shutdown now",
    "dd if=a of=b",
    "mkfs a",
    "rm -rf /",
    "rm -rf /*",
    "rm -rf ~",
    "rm -rf ~/src",
    "rm -rf ..",
    "rm -rf ../other",
    "rm -r /etc",
]


@pytest.mark.parametrize("command", FORBIDDEN)
def test_some_commands_never_run(command: str) -> None:
    assert verdict(command) == "deny"
    assert verdict(command, unknown="allow") == "deny"


LEAVING = [
    "cat /etc/passwd",
    "cat ~/.ssh/config",
    "cat ../secret",
    "cat a/../../secret",
    "ls /",
    "cat --show-all=/etc/passwd",
    "head -c 10 '/etc/passwd'",
    "wc --files0-from=../names",
    "file --files-from=../names",
    "cat ~root/x",
]


@pytest.mark.parametrize("command", LEAVING)
def test_reading_outside_the_workspace_asks(command: str) -> None:
    assert verdict(command) == "ask"


SECRET = [
    "cat .env",
    "cat app/.env.local",
    "cat .e'n'v",
    "cat .netrc",
    "cat .npmrc",
    "cat keys/id_rsa",
    "cat credentials.json",
    "cat .e*",
    "cat .[e]nv",
    "cat .en?",
    "cat .{env,x}",
    "head id_*",
]


@pytest.mark.parametrize("command", SECRET)
def test_what_reading_a_file_would_refuse_a_command_does_not_read_unasked(command: str) -> None:
    assert verdict(command) != "allow"


def test_a_program_that_can_write_is_not_harmless() -> None:
    assert verdict("file -C -m magic") == "ask"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("npm test", "allow"),
        ("npm test -- --watch", "allow"),
        ("npm testing", "ask"),
        ("npm", "ask"),
        ("npm install", "ask"),
        ("npm test && ls", "allow"),
        ("npm test && npm install", "ask"),
        ("npm test; rm -rf src", "ask"),
        ("npm test > out", "ask"),
        ("npm test $(touch made)", "ask"),
        ("FOO=1 npm test", "ask"),
        ("sudo npm test", "deny"),
    ],
)
def test_an_allow_rule_is_a_prefix_of_words(command: str, expected: Verdict) -> None:
    assert verdict(command, allow=("npm test",)) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("git push", "deny"),
        ("git push origin main", "deny"),
        ("git status", "allow"),
        ("git status && git push", "deny"),
        ("git status | git push", "deny"),
        ("echo $(git push)", "ask"),
        ("FOO=1 git push", "deny"),
        ("git push > out", "deny"),
        ("git \\\npush", "deny"),
        ("git pushes", "allow"),
    ],
)
def test_a_deny_rule_wins_over_every_allow_rule(command: str, expected: Verdict) -> None:
    assert verdict(command, allow=("git",), deny=("git push",)) in (expected, "deny")
    assert (verdict(command, allow=("git",), deny=("git push",)) == "allow") == (expected == "allow")


@pytest.mark.parametrize("unknown", ["allow", "ask", "deny"])
def test_the_rule_for_unknown_commands_decides_about_them(unknown: Verdict) -> None:
    assert verdict("make all", unknown=unknown) == unknown
    assert verdict("make > out", unknown=unknown) == unknown
    assert verdict("ls", unknown=unknown) == "allow"


def test_even_where_all_is_allowed_a_forbidden_word_in_unclear_text_asks() -> None:
    for command in ("X=1 sudo ls", "sudo ls > out", "echo $(sudo ls)", "echo `sudo ls`", "(sudo ls)", "{ sudo ls; }"):
        assert verdict(command, unknown="allow") != "allow", command


@pytest.mark.parametrize("command", ["X=1 git push", "git push > out", "echo $(git push)", "echo `git push`", "(git push)"])
def test_even_where_all_is_allowed_a_denied_command_in_unclear_text_is_denied(command: str) -> None:
    assert verdict(command, deny=("git push",), unknown="allow") == "deny"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("ls -la", [["ls", "-la"]]),
        ("echo 'a b' \"c d\"", [["echo", "a b", "c d"]]),
        ("a && b; c | d\ne", [["a"], ["b"], ["c"], ["d"], ["e"]]),
        ("echo pre'fix'ed", [["echo", "prefixed"]]),
        ("echo ''", [["echo", ""]]),
    ],
)
def test_plain_words_are_read_as_the_shell_reads_them(command: str, words: list[list[str]]) -> None:
    assert split_plain(command) == words


def test_the_reason_says_which_rule_spoke() -> None:
    assert "npm test" in judge("npm test", allow=("npm test",), deny=(), unknown="ask").reason
    assert "make" in judge("make", allow=(), deny=(), unknown="ask").reason
    assert "sudo" in judge("sudo ls", allow=(), deny=(), unknown="ask").reason
