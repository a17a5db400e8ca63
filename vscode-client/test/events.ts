// Events for tests, with the envelope that the engine gives them.
import type { Cost, Event, EventBody } from "../src/protocol.gen";

let seq = 0;

export function event(body: EventBody): Event {
  seq += 1;
  return { ...body, v: 1, session_id: "s-1", turn_id: "t-1", seq, time: "2026-11-25T00:00:00Z" };
}

export function finished(cost: Cost, more: Partial<Extract<EventBody, { kind: "turn_finished" }>> = {}): Event {
  return event({ kind: "turn_finished", stop: "end_turn", usage: { input_tokens: 10, output_tokens: 2 }, cost, requests: 1, ...more });
}
