"""Where a `tally:` comment is found, in many languages, and where not."""

import pytest

from tallystick_server.lsp.tally_comments import MOST_COMMENTS, find_comments

CASES: list[tuple[str, str, list[tuple[int, int, str]]]] = [
    ("python", "x = 1  # tally: make it 2\n", [(0, 0, "make it 2")]),
    ("python", "# tally: one\n# two\n#\n# three\n", [(0, 1, "one\ntwo")]),
    ("python", "# note\n# Tally: one\n#   two\n# tally: three\n", [(1, 2, "one\ntwo"), (3, 3, "three")]),
    ("python", "    # tally: one\n    # two\n# three\n", [(0, 1, "one\ntwo")]),
    ("python", "x = 1  # tally: one\n# two\n", [(0, 0, "one")]),
    ("python", "# tally: one\nx = 1\n# two\n", [(0, 0, "one")]),
    ("python", "# tally:\n# do it\n", [(0, 1, "do it")]),
    ("python", "# tally:\n", []),
    ("python", "s = '# tally: no'\nt = \"# tally: no\"\n", []),
    ("python", 's = """\n# tally: no\n"""\n# tally: yes\n', [(3, 3, "yes")]),
    ("python", "'''# tally: no\n'''\ns = 'it\\'s'  # tally: yes\n", [(2, 2, "yes")]),
    ("python", "# not-tally: no\n# totally: no\n# see tally: no\n", []),
    ("javascript", "a(); // tally: one\n", [(0, 0, "one")]),
    ("javascript", "const a = `\n// tally: no\n`;\n/* tally: yes */\n", [(3, 3, "yes")]),
    ("javascript", 'const u = "https://x"; // tally: yes\n', [(0, 0, "yes")]),
    ("javascript", "/**\n * tally: one\n * two\n *\n * @param x\n */\n", [(1, 2, "one\ntwo")]),
    ("javascript", "const r = /it's/; // tally: lost, which costs an offer\nx(); // tally: yes\n", [(1, 1, "yes")]),
    ("typescript", "/* tally: one\n   two */ code()\n", [(0, 1, "one\ntwo")]),
    ("rust", "fn f<'a>(x: &'a str) {} // tally: one\n/// tally: two\n", [(0, 0, "one"), (1, 1, "two")]),
    ("c", "char c = '\"'; // tally: one\n", [(0, 0, "one")]),
    ("go", "s := `// tally: no`\n// tally: yes\n", [(1, 1, "yes")]),
    ("java", 'String s = "/* tally: no */"; /* tally: yes */\n', [(0, 0, "yes")]),
    ("php", "<?php # tally: one\n// tally: two\n#[Attribute]\n", [(0, 0, "one"), (1, 1, "two")]),
    ("css", "a { color: red } /* tally: blue */\n// tally: no\n", [(0, 0, "blue")]),
    ("sql", "SELECT '-- tally: no'; -- tally: yes\n", [(0, 0, "yes")]),
    ("lua", "x = [[ -- tally: no ]]\n-- tally: one\n--[[ tally: two ]]\n", [(1, 1, "one"), (2, 2, "two")]),
    ("haskell", "f x = x -- tally: one\n{- tally: two -}\n", [(0, 0, "one"), (1, 1, "two")]),
    ("html", '<p title="x">a</p>\n<!-- tally: one\n     two -->\n', [(1, 2, "one\ntwo")]),
    ("markdown", "```html\n<!-- tally: no -->\n```\n<!-- tally: yes -->\n`<!-- tally: no -->`\n", [(3, 3, "yes")]),
    ("shellscript", "echo ${#x} $# 'a # tally: no' # tally: yes\n", [(0, 0, "yes")]),
    ("yaml", "a: b#c # tally: one\n", [(0, 0, "one")]),
    ("dockerfile", "# tally: one\nRUN x\n", [(0, 0, "one")]),
    ("clojure", '(f "; tally: no") ;; tally: one\n', [(0, 0, "one")]),
    ("emacs-lisp", '(f ?\\") ;; tally: one\n;; tally: two\n;; more\n', [(0, 0, "one"), (1, 2, "two\nmore")]),
    ("ini", "; tally: one\n", [(0, 0, "one")]),
    ("latex", "100\\% sure % tally: one\n", [(0, 0, "one")]),
    ("unheard-of", "  // tally: one\nx # tally: no\n-- tally: two\n", [(0, 0, "one"), (2, 2, "two")]),
    ("plaintext", "tally: no\n", []),
]


@pytest.mark.parametrize(("language", "text", "found"), CASES)
def test_comments(language: str, text: str, found: list[tuple[int, int, str]]) -> None:
    assert [(one.first, one.last, one.text) for one in find_comments(text, language)] == found


def test_bounds() -> None:
    assert find_comments("# tally: x\n" + "a" * 500_001, "python") == ()
    assert len(find_comments("# tally: x\n\n" * 200, "python")) == MOST_COMMENTS
    [one] = find_comments("# tally: " + "x" * 9_000, "python")
    assert len(one.text) == 2_000
    assert find_comments("/* tally: never closed\n" * 1_000, "c")
    assert find_comments('"""' + "# tally: x\n" * 10_000, "python") == ()
