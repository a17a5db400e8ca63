"""A web page as text: a table of markup, and pages that nobody wrote by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.context.web_text import page_text

HTML: list[tuple[str, str]] = [
    ("", ""),
    ("plain words", "plain words"),
    ("<p>One</p><p>Two</p>", "One\n\nTwo"),
    ("One<br>Two<br/>Three", "One\nTwo\nThree"),
    ("<h1>Head</h1>Words", "Head\nWords"),
    ("<ul><li>a</li><li>b</li></ul>", "a\n\nb"),
    ("<b>bold</b> and <i>not</i>", "bold and not"),
    ("a &lt; b &amp;&amp; c &#8217; &eacute;", "a < b && c \u2019 é"),
    ("a&nbsp;&nbsp; b", "a b"),
    # What nobody reads
    ("<script>if (a < b) { alert('</p>') }</script>Words", "Words"),
    ("<style>p { color: red }</style>Words", "Words"),
    ("<!-- hidden -->Words<!---->", "Words"),
    ("<head><title>T</title></head><body>Words</body>", "Words"),
    ("<nav><a>Menu</a></nav>Words<footer>Imprint</footer>", "Words"),
    ("<svg><text>x</text></svg>Words", "Words"),
    ("<svg/>Words", "Words"),
    ("<noscript>Turn it on</noscript>Words", "Words"),
    ("<!DOCTYPE html><html><body>Words</body></html>", "Words"),
    # Tags that HTML lets one leave out, or that are closed in a wrong order
    ("<!DOCTYPE html><head><meta charset=utf-8><title>T</title><body><p>Words", "Words"),
    ("<head><title>T</title><p>Words", "Words"),
    ("<nav><footer>x</nav>Words", "Words"),
    ("</nav>Words</p>", "Words"),
    ("<p>One<p>Two", "One\nTwo"),
    ("a < b and c > d", "a < b and c > d"),
    ("<p>cut in the mid", "cut in the mid"),
    # Tables
    ("<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>", "a b\n\n1 2"),
    # Code keeps its indentation
    ("<pre>def f():\n    return 1\n\n    # end\n</pre>", "def f():\n    return 1\n\n    # end"),
    ("<pre>a\n b\n  c</pre>", "a\n b\n  c"),
    ("<pre><code>if a:\n\tb</code></pre>  and   more", "if a:\n\tb\nand more"),
]


@pytest.mark.parametrize(("page", "expected"), HTML, ids=[page[:40] or "empty" for page, _ in HTML])
def test_html(page: str, expected: str) -> None:
    assert page_text(page, html=True) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", ""),
        ("\n\n a \n\n\n\n b \n", "a \n\n b"),
        ("def f():\n    a\n\n    b\n", "def f():\n    a\n\n    b"),
        ("<p>no html</p>", "<p>no html</p>"),
        ('{\n  "a": 1\n}\n', '{\n  "a": 1\n}'),
        ("a\r\n\r\n\r\n  b", "a\n\n  b"),
    ],
)
def test_other_text_stays_as_it_is_but_for_its_empty_lines(body: str, expected: str) -> None:
    assert page_text(body, html=False) == expected


@given(st.text(alphabet="<>/abp!-&; \n\"'=", max_size=200), st.booleans())
def test_any_text_is_read(body: str, html: bool) -> None:
    text = page_text(body, html=html)
    assert text == text.strip()
    assert "\n\n\n" not in text


@pytest.mark.parametrize("piece", ["<p>a</p>", "<nav>", "<", "<!--", "&", "</", "<a b='", "<![", "<?", "\n \n", "<script>"])
def test_a_page_of_one_thing_over_and_over_is_read(piece: str) -> None:
    assert len(page_text(piece * 20_000, html=True)) <= len(piece) * 20_000
