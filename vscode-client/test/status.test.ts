// The status bar's words, and its figures from the events of one session.
import assert from "node:assert/strict";
import { test } from "node:test";
import { follow, NOTHING, shown, type Status } from "../src/status/words";
import { event, finished } from "./events";

test("the server's states", () => {
  assert.equal(shown("missing", "Tallystick is not installed on this machine.", NOTHING).level, "warning");
  assert.equal(shown("stopped", "It died.", NOTHING).level, "error");
  assert.match(shown("restarting", "It ended.", NOTHING).text, /restarting/);
  assert.equal(shown("ready", "", NOTHING).text, "$(pulse) Tallystick");
});

test("model, context and money", () => {
  const status: Status = { ...NOTHING, model: "openai/gpt-5-mini", contextTokens: 27_200, windowTokens: 272_000, costNanos: 12_300_000, tokens: 30_000 };
  assert.equal(shown("ready", "", status).text, "$(pulse) gpt-5-mini · 10% · $0.0123");
  assert.match(shown("ready", "", { ...status, costNanos: null }).text, /price unknown$/);
  assert.match(shown("ready", "", { ...status, windowTokens: null }).text, /27.2k in context/);
  assert.equal(shown("ready", "", { ...status, state: "waiting", message: "May I edit a.py?" }).level, "warning");
});

test("a turn, as its events tell it", () => {
  const turn = [
    event({ kind: "turn_started", prompt: "hi", model: "openai/m" }),
    event({ kind: "request_planned", request_id: "r", purpose: "chat", segments: [], input_tokens: 900, reserved_output_tokens: 1, window_tokens: 1_000, error_band: 0, max_cost_nanos: null }),
    event({ kind: "permission_requested", call_id: "c", tool: "edit", title: "edit a.py", detail: "", reason: "", digest: "d" }),
  ];
  const waiting = turn.reduce(follow, NOTHING);
  assert.deepEqual([waiting.state, waiting.model, waiting.contextTokens], ["waiting", "openai/m", 900]);
  const one = follow(waiting, finished({ provider_nanos: null, priced_nanos: 5 }));
  assert.deepEqual([one.state, one.costNanos, one.tokens], ["idle", 5, 12]);
  const two = follow(one, finished({ provider_nanos: null, priced_nanos: null }));
  assert.equal(two.costNanos, null, "a sum with something unknown in it is unknown");
  assert.equal(follow(two, finished({ provider_nanos: 7, priced_nanos: 1 })).costNanos, null);
});
