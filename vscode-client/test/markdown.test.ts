// Models' Markdown as a tree.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inline, parse, type Inline } from "../src/view/markdown";

function plain(nodes: readonly Inline[]): string {
  return nodes.map((node) => ("text" in node ? node.text : "children" in node ? plain(node.children) : "\n")).join("");
}

function kinds(text: string): string[] {
  return parse(text).map((node) => node.kind);
}

test("blocks", () => {
  const text = "# Title\n\nWords\nmore words\n\n- one\n- two\n\n1. first\n2. second\n\n> said\n\n```py\nx = 1\n\ny\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---\nend";
  assert.deepEqual(kinds(text), ["heading", "paragraph", "list", "list", "quote", "code", "table", "rule", "paragraph"]);
});

test("a fence is code until it is closed, or the text ends", () => {
  for (const [text, code] of [
    ["```js\nlet a;\n```", "let a;"],
    ["```js\nlet a;", "let a;"],
    ["````\n```\n````", "```"],
    ["~~~\n# no heading\n~~~", "# no heading"],
  ] as const) {
    const [node] = parse(text);
    assert.ok(node?.kind === "code");
    assert.equal(node.text, code);
  }
});

test("lists nest, and hold tasks and code", () => {
  const [list] = parse("1. one\n   - inner\n   - more\n2. two\n\n   ```\n   code\n   ```\n- [x] done");
  assert.ok(list?.kind === "list" && list.ordered && list.items.length === 2);
  assert.deepEqual(list.items.map(({ children }) => children.map((node) => node.kind)), [["paragraph", "list"], ["paragraph", "code"]]);
  const [tasks] = parse("- [x] done\n- [ ] open\n- none");
  assert.ok(tasks?.kind === "list");
  assert.deepEqual(tasks.items.map(({ checked }) => checked), [true, false, null]);
  const [from] = parse("3. three");
  assert.ok(from?.kind === "list" && from.start === 3);
});

test("marks inside a line", () => {
  assert.deepEqual(inline("a `b*c` **d** *e* ~~f~~").map((node) => node.kind), ["text", "code", "text", "strong", "text", "em", "text", "del"]);
  for (const text of ["snake_case_name", "2 * 3 * 4", "a ** b", "`open", "**open", "[no](javascript:alert(1))", "[no](file:///etc/passwd)", "a \\* b"]) {
    assert.ok(inline(text).every((node) => node.kind === "text"), text);
  }
  const [link] = inline("[docs](https://example.com/a_b)");
  assert.ok(link?.kind === "link" && link.address === "https://example.com/a_b");
  assert.ok(inline("see https://example.com/x.").some((node) => node.kind === "link" && node.address === "https://example.com/x"));
});

test("HTML is text", () => {
  const [node] = parse("<img src=x onerror=alert(1)> &amp; <b>x</b>");
  assert.ok(node?.kind === "paragraph");
  assert.equal(plain(node.children), "<img src=x onerror=alert(1)> &amp; <b>x</b>");
});

test("no words are lost, wherever a stream stands", () => {
  const text = "Hi **bold *both* `code`**\n\n- a\n  - b [l](https://x.y)\n\n```py\nx\n```\n| a |\n|---|\n| c |\n> q\n> > r";
  for (let end = 0; end <= text.length; end += 1) {
    const letters = (from: string): string => from.replace(/[^a-z]/gi, "");
    const raw = parse(text.slice(0, end)).map((node) => node.raw);
    assert.equal(letters(raw.join("")), letters(text.slice(0, end)));
  }
});

test("hostile texts end, and soon enough to be read in one go", () => {
  for (const text of ["*".repeat(50_000), "`".repeat(50_001), "[".repeat(50_000), "> ".repeat(20_000), `${"- ".repeat(20_000)}x`, "**a ".repeat(20_000), "|".repeat(50_000) + "\n|-|", "_a".repeat(30_000), "https://".repeat(5_000)]) {
    assert.ok(parse(text).length > 0);
  }
});
