import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, money, share } from "../src/money";

test("an unknown price is said to be unknown", () => {
  assert.equal(money(null), "price unknown");
  assert.equal(money(0), "$0.0000");
  assert.equal(money(99_999), "<$0.0001");
  assert.equal(money(1_890_000), "$0.0019");
});

test("tokens and shares", () => {
  assert.equal(brief(999), "999");
  assert.equal(brief(272_000), "272k");
  assert.equal(brief(1_050_000), "1.1M");
  assert.equal(share(1, 1_000), "<1%");
  assert.equal(share(0, 10), "0%");
});
