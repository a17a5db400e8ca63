// What comes from the page is checked before it is followed; the page loads nothing but our own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromView, MOST_PROMPT } from "../src/chat/messages";
import { page } from "../src/chat/page";
import { surroundings } from "../src/chat/surroundings";

test("messages of the page", () => {
  for (const none of [null, undefined, 1, "ready", {}, { kind: "eval" }, { kind: 3 }]) {
    assert.equal(fromView(none), undefined);
  }
  assert.deepEqual(fromView({ kind: "send", text: "x", mode: "root" }), { kind: "send", text: "x", mode: "act" });
  assert.deepEqual(fromView({ kind: "decide", callId: "c", digest: "d", decision: "allow_everything" }), { kind: "decide", callId: "c", digest: "d", decision: "reject" });
  const long = fromView({ kind: "send", text: "x".repeat(MOST_PROMPT + 1) });
  assert.ok(long?.kind === "send" && long.text.length === MOST_PROMPT);
});

test("the page's policy", () => {
  const html = page("abc", "https://host/view.js", "https://host/style.css");
  assert.match(html, /default-src 'none'; style-src 'nonce-abc'; script-src 'nonce-abc'"/);
  assert.doesNotMatch(html, /unsafe|style="|onclick/);
});

test("what the model is told of the editor", () => {
  assert.equal(surroundings([], undefined), "");
  assert.equal(
    surroundings(["b.py", "a.py"], { path: "a.py", from: 3, to: 5, selected: true }),
    "Open in the editor with unsaved changes: a.py, b.py. Reading and editing use that text; commands see the saved files.\nThe user selected a.py, lines 3-5.",
  );
});
