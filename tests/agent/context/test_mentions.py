"""What a prompt points at with `@`: a table of prompts, and what stays a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.context.mentions import MOST, Mention, mentions

FILES = (
    "README.md",
    "a b.md",
    "Makefile",
    "logo.PNG",
    "src/cart.py",
    "src/deep/only.py",
    "src/a/same.py",
    "src/b/same.py",
    "docs/types/node.md",
    "node_modules/@types/node/index.d.ts",
    "odd:7",
    "grüße.txt",
)


def file(path: str, first: int = 0, last: int = 0) -> Mention:
    return Mention(kind="file", target=path, lines=(first, last or first) if first else None)


def folder(path: str) -> Mention:
    return Mention(kind="folder", target=path)


def url(address: str) -> Mention:
    return Mention(kind="url", target=address)


CASES: list[tuple[str, list[Mention]]] = [
    # Files
    ("fix @src/cart.py", [file("src/cart.py")]),
    ("@src/cart.py is wrong", [file("src/cart.py")]),
    ("@./src/cart.py and @/README.md", [file("src/cart.py"), file("README.md")]),
    ("see @Makefile", [file("Makefile")]),
    ("@grüße.txt", [file("grüße.txt")]),
    ("line\n@README.md\nline", [file("README.md")]),
    ("no file: @nothing.py", []),
    ("", []),
    ("no sign at all", []),
    ("@", []),
    ("@ README.md", []),
    # Around it
    ("Why is @src/cart.py, so slow?", [file("src/cart.py")]),
    ("Is it @src/cart.py?", [file("src/cart.py")]),
    ("It is @src/cart.py.", [file("src/cart.py")]),
    ("It is @src/cart.py...", [file("src/cart.py")]),
    ("(@src/cart.py)", [file("src/cart.py")]),
    ("[@src/cart.py]; `@README.md`", [file("src/cart.py"), file("README.md")]),
    ("'@src/cart.py'", [file("src/cart.py")]),
    ("@src/cart.py's total", [file("src/cart.py")]),
    ("@src/cart.py:", [file("src/cart.py")]),
    # Quotes
    ('@"a b.md"', [file("a b.md")]),
    ('@"a b.md".', [file("a b.md")]),
    ('@"a b.md":3-4', [file("a b.md", 3, 4)]),
    ('@"a b.md":3', [file("a b.md", 3)]),
    ('@"no such.md"', []),
    ('@"a\nb.md"', []),
    # Lines
    ("@src/cart.py:10-40", [file("src/cart.py", 10, 40)]),
    ("@src/cart.py:10", [file("src/cart.py", 10)]),
    ("@src/cart.py:10.", [file("src/cart.py", 10)]),
    ("@src/cart.py#L10-L40", [file("src/cart.py", 10, 40)]),
    ("@src/cart.py#L10-40", [file("src/cart.py", 10, 40)]),
    ("@src/cart.py#L7", [file("src/cart.py", 7)]),
    ("@src/cart.py:40-10", [file("src/cart.py", 40)]),
    ("@src/cart.py:0", [file("src/cart.py", 1)]),
    ("@src/cart.py:0-0", [file("src/cart.py", 1)]),
    ("@odd:7", [file("odd:7")]),
    ("@odd:7:3", [file("odd:7", 3)]),
    ("@src/cart.py:12345678", []),
    ("@src/cart.py:x", []),
    # Folders
    ("@src/", [folder("src/")]),
    ("@src", [folder("src/")]),
    ("@src/deep", [folder("src/deep/")]),
    ("list @docs/types/.", [folder("docs/types/")]),
    ("@nothing/", []),
    # The end of a path is enough where one file has it
    ("@only.py", [file("src/deep/only.py")]),
    ("@deep/only.py:2", [file("src/deep/only.py", 2)]),
    ("@cart.py", [file("src/cart.py")]),
    ("@same.py", []),
    ("@b/same.py", [file("src/b/same.py")]),
    ("@art.py", []),
    # Words that are none
    ("write to me@example.org or a.b@README.md", []),
    ("@property\ndef total(self):", []),
    ("@pytest.mark.parametrize('a', [1])", []),
    ("npm i @types/node @angular/core", []),
    ("git@github.com:a/README.md", []),
    ("@@README.md", []),
    ("https://github.com/@README.md", []),
    # Pictures
    ("@logo.PNG", [Mention(kind="image", target="logo.PNG")]),
    # Fixed words
    ("@diff", [Mention(kind="diff")]),
    ("review @changes.", [Mention(kind="diff")]),
    ("@terminal, @problems and @diagnostics", [Mention(kind="terminal"), Mention(kind="diagnostics")]),
    ("@symbol:Cart.total", [Mention(kind="symbol", target="Cart.total")]),
    ("@symbol:Cart.total()?", [Mention(kind="symbol", target="Cart.total")]),
    ("@symbol:", []),
    ("@commit:1a2b3c4.", [Mention(kind="commit", target="1a2b3c4")]),
    ("@commit:HEAD~2", [Mention(kind="commit", target="HEAD~2")]),
    ("@commit:--upload-pack=x", [Mention(kind="commit", target="--upload-pack=x")]),
    ("@commit:", []),
    # Addresses
    ("see @https://example.org/a/b?c=d&e#f.", [url("https://example.org/a/b?c=d&e#f")]),
    ("(@http://127.0.0.1:80/x)", [url("http://127.0.0.1:80/x")]),
    ("<@https://example.org/>", [url("https://example.org/")]),
    ("@https://en.wikipedia.org/wiki/Diff_(computing)", [url("https://en.wikipedia.org/wiki/Diff_(computing)")]),
    ("(see @https://en.wikipedia.org/wiki/Diff_(computing))", [url("https://en.wikipedia.org/wiki/Diff_(computing)")]),
    ("https://example.org/", []),
    ("@ftp://example.org/a", []),
    # Each once, in order
    ("@README.md @src/ @README.md @./README.md", [file("README.md"), folder("src/")]),
    ("@src/cart.py:1 @src/cart.py", [file("src/cart.py", 1), file("src/cart.py")]),
    ("@diff and @changes", [Mention(kind="diff")]),
]


@pytest.mark.parametrize(("prompt", "expected"), CASES, ids=[repr(prompt)[:50] for prompt, _ in CASES])
def test_mentions(prompt: str, expected: list[Mention]) -> None:
    assert list(mentions(prompt, FILES)) == expected


def test_a_prompt_has_at_most_fifty_the_first_ones() -> None:
    files = [f"f{number}.py" for number in range(80)]
    found = mentions(" ".join(f"@{name}" for name in files), files)
    assert [one.target for one in found] == files[:MOST]


def test_which_files_there_are_decides_and_their_order_does_not() -> None:
    prompt = "@only.py @same.py @src @types"
    assert mentions(prompt, FILES) == mentions(prompt, tuple(reversed(FILES)))
    assert mentions(prompt, ()) == ()


def test_words_that_name_nothing_are_not_compared_with_every_file() -> None:
    """A pasted file full of decorators, in a workspace of many files."""
    looks = 0

    class Path(str):
        __slots__ = ()

        def endswith(self, *_: object) -> bool:
            nonlocal looks
            looks += 1
            return False

    files = [Path(f"src/f{number}.py") for number in range(2_000)]
    assert mentions("@Override\n" * 2_000, files) == ()
    assert looks <= 4 * len(files)


@given(st.text(alphabet="@a./:#L1-\"' \n(),", max_size=60))
def test_any_text_is_read_and_only_files_that_exist_are_named(prompt: str) -> None:
    for one in mentions(prompt, ("a", "a/a", "a.a")):
        assert one.kind in ("file", "folder")
        assert one.target in ("a", "a/a", "a.a", "a/")
        assert one.lines is None or 1 <= one.lines[0] <= one.lines[1]
