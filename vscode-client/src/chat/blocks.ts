// What a conversation in the chat view is made of. Types alone, shared by the extension and the view.

import type { Event, FileChange, PlanStep, ToolCallItem } from "../protocol.gen";

export type Decision = "allow_once" | "allow_always" | "reject";
export type WorkMode = "act" | "plan" | "answer";
export type StopReason = Extract<Event, { kind: "turn_finished" }>["stop"];

/** A permission as it was shown, and what became of it. `lapsed`: the turn ended before anybody decided. */
export interface Asked {
  title: string;
  detail: string;
  reason: string;
  digest: string;
  decision: Decision | "lapsed" | null;
  by: string;
}

/** The blocks of one key are the same thing, at one time or at another. */
export type Block =
  | { kind: "prompt"; key: string; text: string }
  | { kind: "message"; key: string; text: string; done: boolean }
  | { kind: "reasoning"; key: string; text: string; done: boolean }
  | {
      kind: "call";
      key: string;
      name: string;
      title: string;
      status: NonNullable<ToolCallItem["status"]> | "asked";
      sideEffect: boolean;
      output: string;
      changes: readonly Pick<FileChange, "path" | "diff">[];
      asked: Asked | null;
    }
  | { kind: "question"; key: string; question: string; options: readonly string[]; answer: string | null }
  | { kind: "plan"; key: string; steps: readonly PlanStep[] }
  | { kind: "note"; key: string; level: "info" | "warning" | "error"; text: string }
  | {
      kind: "end";
      key: string;
      stop: StopReason;
      words: string;
      usage: string;
      model: string;
      requests: number;
      segments: readonly { name: string; tokens: number }[];
      /** The turn changed files, and that was not taken back. */
      changed: boolean;
      undo: boolean;
    };

export type BlockOf<K extends Block["kind"]> = Extract<Block, { kind: K }>;

export interface Transcript {
  blocks: readonly Block[];
  /** Blocks that were left out at the top. */
  dropped: number;
  busy: boolean;
  /** What the running turn does now, in words; empty where none runs. */
  activity: string;
  model: string;
  /** The last request's place in the model's window. */
  context: { tokens: number; window: number | null } | null;
  /** The turn was cut short by the server's end, and may be gone on with. */
  cut: boolean;
  /** Of the running turn: what the input tokens of its requests were spent on, and whether files were changed. */
  spent: Readonly<Record<string, number>>;
  changed: boolean;
  /** The call of an item, where they have different names. */
  ids: Readonly<Record<string, string>>;
}

export const EMPTY: Transcript = {
  blocks: [],
  dropped: 0,
  busy: false,
  activity: "",
  model: "",
  context: null,
  cut: false,
  spent: {},
  changed: false,
  ids: {},
};
