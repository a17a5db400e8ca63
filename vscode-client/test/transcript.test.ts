// The conversation as a fold of events.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY, type Block, type BlockOf, type Transcript } from "../src/chat/blocks";
import { answered, cut, MOST_BLOCKS, MOST_OUTPUT, MOST_TEXT, note, open, step } from "../src/chat/transcript";
import type { Event, ToolCallItem } from "../src/protocol.gen";
import { event, finished } from "./events";

const COST = { provider_nanos: null, priced_nanos: 1_500_000 };
const ASKED = event({ kind: "permission_requested", call_id: "c", tool: "edit", title: "edit a.py", detail: "--- a\n+++ b\n", reason: "the rule for edits", digest: "d1" });

function play(...events: readonly Event[]): Transcript {
  return events.reduce(step, EMPTY);
}

function last<K extends Block["kind"]>(transcript: Transcript, kind: K): BlockOf<K> {
  const found = transcript.blocks.findLast((block) => block.kind === kind);
  assert.ok(found, kind);
  return found as BlockOf<K>;
}

function call(kind: "item_started" | "item_finished", more: Partial<ToolCallItem>): Event {
  return event({ kind, item_id: "i-c", item: { kind: "tool_call", call_id: "c", name: "edit", arguments: "{}", title: "edit a.py", side_effect: true, ...more } });
}

const started = event({ kind: "turn_started", prompt: "make it so", model: "openai/m" });

test("a message grows by its pieces and ends as the engine has it", () => {
  const begun = play(started, event({ kind: "item_started", item_id: "m", item: { kind: "message", origin: "assistant" } }), event({ kind: "item_delta", item_id: "m", text: "Hel" }), event({ kind: "item_delta", item_id: "m", text: "lo" }));
  assert.equal(begun.busy, true);
  assert.deepEqual(last(begun, "prompt").text, "make it so");
  assert.deepEqual([last(begun, "message").text, last(begun, "message").done], ["Hello", false]);
  const ended = step(begun, event({ kind: "item_finished", item_id: "m", item: { kind: "message", text: "Hello.", origin: "assistant" } }));
  assert.deepEqual([last(ended, "message").text, last(ended, "message").done], ["Hello.", true]);
  assert.equal(begun.blocks[0], ended.blocks[0], "what did not change is the same value");
  assert.equal(play(event({ kind: "item_finished", item_id: "e", item: { kind: "message", text: "of the engine", origin: "engine" } })).blocks.length, 0);
});

test("a permission is asked, decided, and then a call with its changes", () => {
  const asked = play(started, ASKED);
  assert.equal(open(asked).length, 1);
  assert.equal(last(asked, "call").asked?.digest, "d1");
  const allowed = step(asked, event({ kind: "permission_decided", call_id: "c", tool: "edit", decision: "allow_once", by: "user" }));
  assert.equal(open(allowed).length, 0);
  const done = [
    call("item_started", { status: "running" }),
    event({ kind: "files_changed", call_id: "c", changes: [{ path: "a.py", diff: "+x\n", before: "1", after: "2" }] }),
    call("item_finished", { status: "ok", output: "Changed a.py (+1 -0)." }),
    finished(COST),
  ].reduce(step, allowed);
  assert.equal(done.blocks.filter((block) => block.kind === "call").length, 1);
  const block = last(done, "call");
  assert.deepEqual([block.status, block.changes[0]?.path, block.asked?.decision], ["ok", "a.py", "allow_once"]);
  assert.equal(last(done, "end").undo, true);
  const undone = [
    event({ kind: "turn_started", prompt: "/undo", continued: true }),
    call("item_started", { call_id: "u", title: "undo a.py" }),
    event({ kind: "files_changed", call_id: "u", changes: [], undoes: "t-1" }),
  ].reduce(step, done);
  assert.equal(last(undone, "end").undo, false);
});

test("a rejected call is not allowed, one that nobody decided lapsed", () => {
  const rejected = play(started, ASKED, event({ kind: "permission_decided", call_id: "c", tool: "edit", decision: "reject", by: "user" }));
  assert.equal(last(rejected, "call").status, "denied");
  const lapsed = play(started, ASKED, finished(COST, { stop: "cancelled" }));
  assert.deepEqual([last(lapsed, "call").status, last(lapsed, "call").asked?.decision, open(lapsed).length], ["denied", "lapsed", 0]);
});

test("a question is one block, whoever answers", () => {
  const asks = [
    started,
    event({ kind: "item_started", item_id: "q", item: { kind: "tool_call", call_id: "c", name: "ask_user", arguments: "{}", title: "Which?", status: "running" } }),
    event({ kind: "question_asked", call_id: "c", question: "Which?", options: ["a", "b"] }),
  ];
  const asked = play(...asks);
  assert.deepEqual(asked.blocks.map((block) => block.kind), ["prompt", "question"]);
  const told = answered(asked, "c", "a");
  const ended = event({ kind: "item_finished", item_id: "q", item: { kind: "tool_call", call_id: "c", name: "ask_user", arguments: "{}", status: "ok", output: "The user says: a" } });
  assert.equal(last(step(told, ended), "question").answer, "a");
  assert.equal(last(step(asked, ended), "question").answer, "", "nobody waits any more");
});

test("the end says what it cost and where the tokens went", () => {
  const request = event({ kind: "request_finished", request_id: "r", purpose: "chat", endpoint: "e", finish: "stop", usage: {}, cost: COST, segments: [{ name: "tool:edit", tokens: 3 }, { name: "tool:search", tokens: 4 }, { name: "system", tokens: 5 }, { name: "output:text", tokens: 2 }] });
  const ended = play(started, request, request, finished(COST, { usage: { input_tokens: 1_234, cached_tokens: 200, output_tokens: 56 } }));
  const end = last(ended, "end");
  assert.equal(end.usage, "1,234 tokens in (200 cached) · 56 out · $0.0015");
  assert.deepEqual(end.segments, [{ name: "tool descriptions", tokens: 14 }, { name: "instructions", tokens: 10 }, { name: "output", tokens: 4 }]);
  assert.deepEqual([ended.busy, ended.activity], [false, ""]);
  assert.match(last(play(started, finished({ priced_nanos: null })), "end").usage, /price unknown$/);
});

test("the server's end in the middle leaves nothing running or waiting", () => {
  const asked = play(started, call("item_started", { call_id: "r", status: "running" }), ASKED);
  const left = cut(asked, "The server ended.");
  assert.deepEqual([left.busy, left.cut, open(left).length], [false, true, 0]);
  assert.ok(left.blocks.filter((block) => block.kind === "call").every((block) => block.status === "unknown" || block.status === "denied"));
  assert.equal(last(left, "note").text, "The server ended.");
  assert.equal(step(left, event({ kind: "turn_started", prompt: "", continued: true })).cut, false);
  assert.equal(cut(EMPTY, "x").blocks.length, 0);
});

test("whatever comes, what is kept is bounded", () => {
  const long = "x".repeat(MOST_TEXT);
  const many = Array.from({ length: MOST_BLOCKS + 50 }, (_, index) => event({ kind: "item_finished", item_id: `m${index}`, item: { kind: "message", text: "y", origin: "assistant" } }));
  const all = [...many, event({ kind: "item_delta", item_id: `m${MOST_BLOCKS}`, text: long }), event({ kind: "item_delta", item_id: `m${MOST_BLOCKS}`, text: long })].reduce(step, EMPTY);
  assert.deepEqual([all.blocks.length, all.dropped], [MOST_BLOCKS, 50]);
  assert.ok(all.blocks.every((block) => !("text" in block) || block.text.length <= MOST_TEXT));
  const output = play(call("item_started", { status: "running" }), event({ kind: "item_delta", item_id: "i-c", text: `${long}end` }));
  assert.equal(last(output, "call").output.length, MOST_OUTPUT);
  assert.ok(last(output, "call").output.endsWith("end"));
  assert.ok(note(EMPTY, "n", "error", long).blocks.every((block) => block.kind === "note" && block.text.length <= MOST_OUTPUT));
});

test("what it does not know changes nothing", () => {
  const strange = { ...event({ kind: "session_closed" }), kind: "of_tomorrow" } as unknown as Event;
  assert.equal(step(EMPTY, strange), EMPTY);
  assert.equal(step(EMPTY, event({ kind: "item_delta", item_id: "none", text: "x" })), EMPTY);
});
