import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST, Restarts, WINDOW_MS } from "../src/server/restarts";

test("a server that dies is started again, with growing pauses, and not for ever", () => {
  const restarts = new Restarts();
  const pauses = Array.from({ length: MOST + 1 }, (_, index) => restarts.next(index * 1_000));
  assert.deepEqual(pauses, [0, 500, 1_000, 2_000, 4_000, undefined]);
  assert.equal(restarts.next(WINDOW_MS + MOST * 1_000), 0, "after a quiet time it counts anew");
});
