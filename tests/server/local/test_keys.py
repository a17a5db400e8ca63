"""API keys: where they come from, where each may be sent, and storing one. The keyring is the real library on a file."""

import os
from pathlib import Path

import pytest
from tests.support.program import Program
from tests.support.pty_run import run_at_terminal

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_server.local.keys import KeyStore

HERE = "https://api.example.test"
ELSEWHERE = "https://elsewhere.example.test"


class Anywhere(dict[str, frozenset[str]]):
    """Every name may go to one origin."""

    def get(self, key: str, default: frozenset[str] | None = None) -> frozenset[str]:  # type: ignore[override]
        return frozenset({HERE})


def store(
    home: Path, text: str | bytes | None = None, environment: dict[str, str] | None = None, *, mode: int = 0o600
) -> KeyStore:
    if text is not None:
        file = home / "keys.env"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        file.chmod(mode)
    return KeyStore(environment or {}, home, Anywhere)


def test_keys_come_from_the_environment_by_their_name(tmp_path: Path) -> None:
    environment = {"OPENAI_API_KEY": "sk-1", "EMPTY_API_KEY": "", "PATH": "/bin", "API_KEY_FILE": "x"}
    keys = store(tmp_path, environment=environment)
    assert keys.names() == frozenset({"OPENAI_API_KEY"})
    assert keys.get("OPENAI_API_KEY", HERE) == "sk-1"
    assert keys.get("PATH", HERE) is None
    assert keys.values() == ("sk-1",)


def test_a_name_that_the_settings_use_is_a_key_whatever_it_is_called(tmp_path: Path) -> None:
    keys = KeyStore({"WORK_TOKEN": "t", "OTHER_TOKEN": "u"}, tmp_path, lambda: {"WORK_TOKEN": frozenset({HERE})})
    assert keys.names() == frozenset({"WORK_TOKEN"})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("A=1\n", {"A": "1"}),
        ("A=1\nB=2", {"A": "1", "B": "2"}),
        ("export A=1\n", {"A": "1"}),
        ("A=\"1\"\nB='2'\n", {"A": "1", "B": "2"}),
        ("# A=1\n  # B=2\n\nC=3\n", {"C": "3"}),
        ("A = 1 \n", {"A": "1"}),
        ("A=1=2==\n", {"A": "1=2=="}),
        ("A=\nB=  \nnothing\n", {}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=1\nA=2\n", {"A": "2"}),
    ],
)
def test_the_keys_file(tmp_path: Path, text: str, found: dict[str, str]) -> None:
    keys = store(tmp_path, text)
    assert {name: keys.get(name, HERE) for name in keys.names()} == found


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    environment = {"OPENAI_API_KEY": "environment", "OTHER": "environment"}
    keys = KeyStore(environment, tmp_path, lambda: {"OPENAI_API_KEY": frozenset({HERE}), "THIRD": frozenset({HERE})})
    store(tmp_path, "OPENAI_API_KEY=file\nTHIRD=file\n")
    assert (keys.get("OPENAI_API_KEY", HERE), keys.get("THIRD", HERE)) == ("environment", "file")
    assert keys.places() == {"OPENAI_API_KEY": "environment", "THIRD": "keys.env"}


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o666])
def test_a_keys_file_that_others_can_read_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigurationError) as refused:
        store(tmp_path, "A=1\n", mode=mode).names()
    assert "chmod 600" in refused.value.remedy
    assert "1" not in refused.value.message.replace(str(tmp_path), "")


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_keys_file_of_the_users_own_is_read(tmp_path: Path, mode: int) -> None:
    assert store(tmp_path, "A=1\n", mode=mode).get("A", HERE) == "1"


def test_a_keys_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        store(tmp_path, b"A=\xff\xfe\n").names()
    (tmp_path / "other" / "keys.env").mkdir(parents=True, mode=0o700)
    with pytest.raises(ConfigurationError):
        store(tmp_path / "other").names()


def test_a_key_is_given_out_for_its_own_origins_alone(tmp_path: Path) -> None:
    keys = KeyStore({"A_API_KEY": "secret"}, tmp_path, lambda: {"A_API_KEY": frozenset({HERE})})
    assert keys.get("A_API_KEY", HERE) == "secret"
    for origin in (ELSEWHERE, "http://api.example.test", "https://api.example.test:444", ""):
        with pytest.raises(ConfigurationError) as refused:
            keys.get("A_API_KEY", origin)
        assert refused.value.code == "provider_auth"
        assert "secret" not in refused.value.message + refused.value.remedy


def test_a_key_that_nothing_names_goes_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        KeyStore({"A_API_KEY": "secret"}, tmp_path, dict).get("A_API_KEY", HERE)


def program(folder: Path, **environment: str) -> tuple[Program, dict[str, str]]:
    """The program with a keyring on a file of its own, and no key in its environment."""
    made = Program(folder=folder)
    ring = {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring", "XDG_DATA_HOME": str(folder / "data")}
    inherited = {name: value for name, value in made.environment.items() if not name.startswith("OPENAI")}
    return made, {**inherited, **ring, **environment}


def typed(made: Program, environment: dict[str, str], *arguments: str, text: str = "") -> tuple[int, str]:
    import subprocess

    done = subprocess.run(
        made.command(*arguments),
        env=environment,
        cwd=made.folder,
        input=text,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_key_is_stored_in_the_keyring_used_listed_and_removed(tmp_path: Path) -> None:
    made, environment = program(tmp_path)
    code, output = typed(made, environment, "keys", "set", "GROQ_API_KEY", text="gsk-secret-1\n")
    assert (code, "kept in the keyring" in output) == (0, True), output
    assert "gsk-secret-1" not in output
    assert not (made.home / "keys.env").exists()
    code, output = typed(made, environment, "keys")
    assert "GROQ_API_KEY  (keyring)  goes to https://api.groq.com" in output
    code, output = typed(made, environment, "route", "groq/llama-3.3-70b-versatile")
    assert (code, "groq/llama-3.3-70b-versatile" in output) == (0, True), output
    assert typed(made, environment, "keys", "delete", "GROQ_API_KEY")[0] == 0
    code, output = typed(made, environment, "route", "groq/llama-3.3-70b-versatile")
    assert (code, "There is no key for groq" in output) == (2, True)


def test_a_key_is_stored_in_a_file_for_the_user_alone(tmp_path: Path) -> None:
    made, environment = program(tmp_path)
    assert typed(made, environment, "keys", "set", "GROQ_API_KEY", "--file", text="gsk-secret-1\n")[0] == 0
    file = made.home / "keys.env"
    assert file.read_text("utf-8") == "GROQ_API_KEY=gsk-secret-1\n"
    assert os.name != "posix" or file.stat().st_mode & 0o777 == 0o600
    assert typed(made, environment, "keys", "set", "GROQ_API_KEY", "--file", text="gsk-secret-2\n")[0] == 0
    assert file.read_text("utf-8") == "GROQ_API_KEY=gsk-secret-2\n"


@pytest.mark.parametrize(("name", "text", "says"), [
    ("NOBODYS_KEY", "x\n", "No provider uses a key NOBODYS_KEY"),
    ("GROQ_API_KEY", "naïve\n", "That is no key: it has characters"),
    ("GROQ_API_KEY", '"gsk-1"\n', "That is no key: it has characters"),
    ("GROQ_API_KEY", "gsk 1\n", "That is no key: it has a blank inside"),
    ("GROQ_API_KEY", "gsk\t1\n", "That is no key: it has a blank inside"),
    ("GROQ_API_KEY", "", "The key is empty."),
    ("GROQ_API_KEY", "\ngsk-1\n", "The key is empty."),
    ("GROQ_API_KEY", "\udcff\n", "That is no key: it has characters"),
])  # fmt: skip
def test_what_can_be_no_key_is_refused(tmp_path: Path, name: str, text: str, says: str) -> None:
    made, environment = program(tmp_path)
    code, output = typed(made, environment, "keys", "set", name, text=text)
    assert (code, says in output) == (2, True), output
    assert "gsk" not in output
    assert not (made.home / "keys.env").exists()


def test_a_key_is_read_from_a_pipe_without_a_word_about_terminals(tmp_path: Path) -> None:
    made, environment = program(tmp_path)
    code, output = typed(made, environment, "keys", "set", "GROQ_API_KEY", text="  gsk-1  \r\nmore\n")
    assert (code, output) == (0, "GROQ_API_KEY is kept in the keyring.\n")


def test_a_key_is_asked_for_at_a_terminal_and_not_shown(tmp_path: Path) -> None:
    seen = run_at_terminal(
        Program(folder=tmp_path), ["keys", "set", "GROQ_API_KEY", "--file"], wait_for="(not shown)", then="gsk-1\n"
    )
    assert seen.code == 0, seen.text
    assert "gsk-1" not in seen.text
    assert (tmp_path / "home" / "keys.env").read_text("utf-8") == "GROQ_API_KEY=gsk-1\n"


@pytest.mark.parametrize("backend", ["keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"])
def test_a_machine_without_a_keyring_keeps_the_key_in_the_file_and_says_so(tmp_path: Path, backend: str) -> None:
    made, environment = program(tmp_path, PYTHON_KEYRING_BACKEND=backend)
    code, output = typed(made, environment, "keys", "set", "GROQ_API_KEY", "--keyring", text="gsk-1\n")
    assert (code, "no keyring that can be used" in output) == (2, True), output
    assert not (made.home / "keys.env").exists()
    code, output = typed(made, environment, "keys", "set", "GROQ_API_KEY", text="gsk-1\n")
    assert (code, "no keyring that can be used" in output, "keys.env" in output) == (0, True, True), output
    assert (made.home / "keys.env").read_text("utf-8") == "GROQ_API_KEY=gsk-1\n"


def test_a_keyring_that_fails_says_what_to_do(tmp_path: Path) -> None:
    """What was in the keyring, and is asked for where there is none."""
    made, environment = program(tmp_path)
    assert typed(made, environment, "keys", "set", "GROQ_API_KEY", text="gsk-1\n")[0] == 0
    environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    code, output = typed(made, environment, "route", "groq/llama-3.3-70b-versatile")
    assert (code, "The keyring cannot be used" in output, "--file" in output) == (2, True, True), output


def test_of_several_places_the_one_that_is_used_is_named(tmp_path: Path) -> None:
    """The environment is above keys.env, and that above the keyring: a key that is set anew must not lie below an old one."""
    made, environment = program(tmp_path)
    assert typed(made, environment, "keys", "set", "GROQ_API_KEY", "--file", text="gsk-old\n")[0] == 0
    _, output = typed(made, environment, "keys", "set", "GROQ_API_KEY", text="gsk-new\n")
    assert "Its line in keys.env, which would have been used instead, is removed." in output
    assert (made.home / "keys.env").read_text("utf-8") == ""
    assert "GROQ_API_KEY  (keyring)" in typed(made, environment, "keys")[1]
    _, output = typed(made, environment, "keys", "set", "GROQ_API_KEY", "--file", text="gsk-filed\n")
    assert "The keyring has one of that name too; the one in keys.env is used." in output
    given = {**environment, "GROQ_API_KEY": "gsk-given"}
    _, output = typed(made, given, "keys", "set", "GROQ_API_KEY", text="gsk-new\n")
    assert "The environment has one of that name too, and that one is used" in output


def test_a_key_whose_provider_has_no_address_yet_says_what_is_missing(tmp_path: Path) -> None:
    made, environment = program(tmp_path, AZURE_OPENAI_API_KEY="a")
    _, output = typed(made, environment, "keys")
    assert "AZURE_OPENAI_API_KEY  (environment)  goes nowhere before AZURE_OPENAI_ENDPOINT is set" in output
    assert "://" not in output
    _, output = typed(made, {**environment, "AZURE_OPENAI_ENDPOINT": "https://work.example.test"}, "keys")
    assert "goes to https://work.example.test" in output


@pytest.mark.parametrize(("held", "found"), [
    ((), ()),
    (("keyring", "keys.env", "environment"), ("environment", "keys.env", "keyring")),
    (("keys.env",), ("keys.env",)),
])  # fmt: skip
def test_all_places_of_a_key_come_in_the_order_of_use(tmp_path: Path, held: tuple[str, ...], found: tuple[str, ...]) -> None:
    (tmp_path / "keyring.json").write_text('{"names": ["A"]}' if "keyring" in held else '{"names": []}', "utf-8")
    keys = store(tmp_path, "A=1\n" if "keys.env" in held else "", {"A": "2" if "environment" in held else " "})
    assert keys.holders("A") == found
