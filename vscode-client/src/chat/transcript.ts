// The conversation as a fold of the session's events. Pure; bounded, whatever the events hold. Owns no picture of it.

import { count, money, nanosOf } from "../money";
import type { Event, EventBody, ToolCallItem } from "../protocol.gen";
import { type Block, type BlockOf, type Transcript } from "./blocks";

export const MOST_BLOCKS = 300;
export const MOST_TEXT = 100_000;
export const MOST_OUTPUT = 8_000;
export const MOST_DETAIL = 40_000;

/** The conversation after one more event. */
export function step(was: Transcript, event: Event): Transcript {
  switch (event.kind) {
    case "turn_started":
      return started(was, event);
    case "request_planned":
      return { ...was, context: { tokens: event.input_tokens, window: event.window_tokens } };
    case "request_started":
      return { ...was, activity: `Asking ${event.endpoint}` + (event.attempt > 1 ? `, attempt ${event.attempt}` : "") };
    case "attempt_failed":
      return { ...was, activity: bounded(event.message, 200) + (event.retry_in_s === null ? "" : ` Again in ${event.retry_in_s} s.`) };
    case "request_finished":
      return { ...was, spent: summed(was.spent, event.segments) };
    case "item_started":
    case "item_finished":
      return item(was, event.item_id, event.item, event.kind === "item_finished");
    case "item_delta":
      return delta(was, event.item_id, event.text);
    case "permission_requested":
      return asked(was, event);
    case "permission_decided":
      return decided(was, event);
    case "question_asked": {
      const block: Block = { kind: "question", key: event.call_id, question: bounded(event.question, MOST_OUTPUT), options: event.options ?? [], answer: null };
      return { ...put(was, block), activity: "Waiting for your answer" };
    }
    case "files_changed":
      return changed(was, event);
    case "notice":
      return event.level === "info" ? was : note(was, `notice ${event.seq}`, event.level, `${event.message} ${event.remedy ?? ""}`);
    case "turn_finished":
      return finished(was, event);
    case "session_opened":
    case "session_closed":
    case "session_renamed":
      return was;
    default:
      // A kind of a newer server: it is shown by nobody.
      event satisfies never;
      return was;
  }
}

/** The server ended, or the session was closed: nothing of the turn goes on. */
export function cut(was: Transcript, words: string): Transcript {
  const settled = settle(was);
  return was.busy ? { ...note(settled, `cut ${was.blocks.length + was.dropped}`, "warning", words), cut: true } : settled;
}

/** A line of our own, such as why nothing was sent. */
export function note(was: Transcript, key: string, level: BlockOf<"note">["level"], words: string): Transcript {
  return put(was, { kind: "note", key, level, text: bounded(words.trim(), MOST_OUTPUT) });
}

/** The user answered a question of the model. */
export function answered(was: Transcript, callId: string, text: string): Transcript {
  const block = find(was, callId);
  return block?.kind === "question" ? { ...put(was, { ...block, answer: text }), activity: "" } : was;
}

export function find(was: Transcript, key: string): Block | undefined {
  return was.blocks.findLast((block) => block.key === key);
}

/** The permissions and questions that wait for the user. */
export function open(was: Transcript): readonly (BlockOf<"call"> | BlockOf<"question">)[] {
  return was.blocks.filter(
    (block): block is BlockOf<"call"> | BlockOf<"question"> =>
      (block.kind === "call" && block.asked !== null && block.asked.decision === null) || (block.kind === "question" && block.answer === null),
  );
}

function started(was: Transcript, event: Event & { kind: "turn_started" }): Transcript {
  const turn = { busy: true, activity: "Thinking", cut: false, spent: {}, changed: false, model: event.model ?? was.model };
  const begun = { ...was, ...turn };
  return event.continued ? begun : put(begun, { kind: "prompt", key: `prompt ${event.turn_id}`, text: bounded(event.prompt, MOST_TEXT) });
}

function item(was: Transcript, key: string, of: (EventBody & { kind: "item_finished" })["item"], done: boolean): Transcript {
  switch (of.kind) {
    case "message":
    case "reasoning": {
      if (of.kind === "message" && of.origin === "engine") {
        return was;
      }
      const known = find(was, key);
      const text = of.text || (known?.kind === of.kind ? known.text : "");
      const activity = of.kind === "message" ? "Answering" : "Thinking";
      return { ...put(was, { kind: of.kind, key, text: bounded(text, MOST_TEXT), done }), activity };
    }
    case "tool_call":
      return call(was, key, of);
    case "plan":
      return done ? put(was, { kind: "plan", key: "plan", steps: of.steps }) : was;
    case "compaction": {
      const what = of.restores ? "brought back" : "condensed";
      return done ? note(was, key, "info", `The context window was ${what}: ${count(of.tokens_before)} → ${count(of.tokens_after)} tokens.`) : was;
    }
  }
}

function call(was: Transcript, itemId: string, of: ToolCallItem): Transcript {
  const known = find(was, of.call_id);
  if (known?.kind === "question") {
    // The call that asks is seen as its question; what it gives back is the answer.
    return of.status === "running" || known.answer !== null ? was : put(was, { ...known, answer: "" });
  }
  const before = known?.kind === "call" ? known : undefined;
  const status = of.status ?? "running";
  const block: Block = {
    kind: "call",
    key: of.call_id,
    name: of.name,
    title: bounded((of.title || of.name).replace(/\s+/g, " "), 300),
    status,
    sideEffect: of.side_effect ?? false,
    output: bounded(of.output ?? "", MOST_OUTPUT),
    changes: before?.changes ?? [],
    asked: before?.asked ?? null,
  };
  const kept = put(was, block);
  return { ...kept, ids: { ...kept.ids, [itemId]: of.call_id }, activity: status === "running" ? block.title : "Thinking" };
}

function delta(was: Transcript, itemId: string, text: string): Transcript {
  const block = find(was, was.ids[itemId] ?? itemId);
  if (block?.kind === "message" || block?.kind === "reasoning") {
    return put(was, { ...block, text: bounded(block.text + text, MOST_TEXT) });
  }
  // Of a running command the newest words are wanted.
  return block?.kind === "call" ? put(was, { ...block, output: (block.output + text).slice(-MOST_OUTPUT) }) : was;
}

function asked(was: Transcript, event: Event & { kind: "permission_requested" }): Transcript {
  const { title, detail, reason, digest } = event;
  const known = find(was, event.call_id);
  const block: Block = {
    ...(known?.kind === "call" ? known : { name: event.tool, sideEffect: true, output: "", changes: [] }),
    kind: "call",
    key: event.call_id,
    title: bounded(title.replace(/\s+/g, " "), 300),
    status: "asked",
    asked: { title, detail, reason, digest, decision: null, by: "" },
  };
  return { ...put(was, block), activity: "Waiting for your permission" };
}

function decided(was: Transcript, event: Event & { kind: "permission_decided" }): Transcript {
  const block = find(was, event.call_id);
  if (block?.kind !== "call" || block.asked === null) {
    return was;
  }
  const status = event.decision === "reject" ? "denied" : "running";
  return { ...put(was, { ...block, status, asked: { ...block.asked, decision: event.decision, by: event.by } }), activity: block.title };
}

function changed(was: Transcript, event: Event & { kind: "files_changed" }): Transcript {
  const block = find(was, event.call_id);
  const changes = event.changes.map(({ path, diff }) => ({ path, diff: bounded(diff, MOST_DETAIL) }));
  const undone = event.undoes ?? null;
  // An undo cannot itself be taken back by the same button.
  const now = undone === null ? { ...was, changed: true } : offerUndo(was, `end ${undone}`);
  return block?.kind === "call" ? put(now, { ...block, changes }) : now;
}

/** Undo is offered at the last turn that changed files; the turn of `undone` did so no more. */
function offerUndo(was: Transcript, undone: string): Transcript {
  const changed = (block: Block): boolean => block.kind === "end" && block.changed && block.key !== undone;
  const last = was.blocks.findLastIndex(changed);
  const blocks = was.blocks.map((block, at): Block => {
    const now = { changed: changed(block), undo: at === last };
    return block.kind === "end" && (block.changed !== now.changed || block.undo !== now.undo) ? { ...block, ...now } : block;
  });
  return { ...was, blocks };
}

function finished(was: Transcript, event: Event & { kind: "turn_finished" }): Transcript {
  const { usage, cost, requests } = event;
  const about = usage.source === "estimated" ? "about " : "";
  const cached = usage.cached_tokens ? ` (${count(usage.cached_tokens)} cached)` : "";
  const spoken = [
    `${about}${count(usage.input_tokens ?? 0)} tokens in${cached}`,
    `${count(usage.output_tokens ?? 0)} out`,
    money(nanosOf(cost)),
  ];
  const end: Block = {
    kind: "end",
    key: `end ${event.turn_id}`,
    stop: event.stop,
    words: bounded(`${event.detail ?? ""} ${event.remedy ?? ""}`.trim(), MOST_OUTPUT),
    usage: requests === 0 ? "" : spoken.join(" · "),
    model: was.model,
    requests,
    segments: Object.entries(was.spent)
      .map(([name, tokens]) => ({ name, tokens }))
      .sort((one, other) => other.tokens - one.tokens)
      .slice(0, 12),
    changed: was.changed,
    undo: false,
  };
  return offerUndo(put(settle(was), end), "");
}

/** Nothing runs and nothing waits any more. */
function settle(was: Transcript): Transcript {
  const blocks = was.blocks.map((block): Block => {
    if (block.kind === "call" && (block.status === "running" || block.status === "asked")) {
      const lapsed = block.asked !== null && block.asked.decision === null ? { ...block.asked, decision: "lapsed" as const } : block.asked;
      return { ...block, status: block.status === "asked" ? "denied" : "unknown", asked: lapsed };
    }
    if ((block.kind === "message" || block.kind === "reasoning") && !block.done) {
      return { ...block, done: true };
    }
    return block.kind === "question" && block.answer === null ? { ...block, answer: "" } : block;
  });
  return { ...was, blocks, busy: false, activity: "", ids: {} };
}

/** Replaces the block of that key, or adds it at the end, where the oldest make room. */
function put(was: Transcript, block: Block): Transcript {
  const at = was.blocks.findLastIndex((one) => one.key === block.key);
  if (at >= 0) {
    return { ...was, blocks: was.blocks.with(at, block) };
  }
  const blocks = [...was.blocks, block];
  const over = Math.max(0, blocks.length - MOST_BLOCKS);
  return { ...was, blocks: blocks.slice(over), dropped: was.dropped + over };
}

const GROUPS: Readonly<Record<string, string>> = {
  tool: "tool descriptions",
  tool_call: "tool calls",
  tool_output: "tool output",
  file: "files read",
  system: "instructions",
  assistant: "earlier answers",
  prompt: "prompts",
  map: "map of the code",
  files: "list of files",
};

/** Segments as people read them: `tool:edit` and `tool:search` are both tool descriptions. Outputs have a line of their own. */
function summed(spent: Transcript["spent"], segments: readonly { name: string; tokens: number }[]): Transcript["spent"] {
  const sums = new Map(Object.entries(spent));
  for (const { name, tokens } of segments) {
    const first = name.split(":", 1)[0] ?? name;
    const group = first === "output" ? "output" : (GROUPS[first] ?? first.replaceAll("_", " "));
    sums.set(group, (sums.get(group) ?? 0) + tokens);
  }
  return Object.fromEntries(sums);
}

function bounded(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
