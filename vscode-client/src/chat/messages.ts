// What the extension and the chat view say to each other. Types, and the check of what comes from the view.

import type { Event } from "../protocol.gen";
import type { Decision, Transcript, WorkMode } from "./blocks";

/** The server's state as the view shows it; `action` is a command that helps. */
export interface Banner {
  words: string;
  action: { title: string; command: string } | null;
}

export type ToView =
  | { kind: "state"; transcript: Transcript; banner: Banner | null }
  | { kind: "events"; events: readonly Event[] }
  | { kind: "banner"; banner: Banner | null }
  | { kind: "refused"; text: string }
  | { kind: "focus" };

export type FromView =
  | { kind: "ready" }
  | { kind: "send"; text: string; mode: WorkMode }
  | { kind: "stop" }
  | { kind: "continue" }
  | { kind: "undo" }
  | { kind: "decide"; callId: string; digest: string; decision: Decision }
  | { kind: "answer"; callId: string; text: string }
  | { kind: "open"; path: string }
  | { kind: "copy"; text: string }
  | { kind: "command"; command: string };

export const MOST_PROMPT = 200_000;

/** The message, or `undefined` for what is none. */
export function fromView(data: unknown): FromView | undefined {
  if (typeof data !== "object" || data === null) {
    return undefined;
  }
  const given = data as Record<string, unknown>;
  const text = (name: string): string => (typeof given[name] === "string" ? given[name].slice(0, MOST_PROMPT) : "");
  switch (given["kind"]) {
    case "ready":
    case "stop":
    case "continue":
    case "undo":
      return { kind: given["kind"] };
    case "send": {
      const mode = given["mode"];
      return { kind: "send", text: text("text"), mode: mode === "plan" || mode === "answer" ? mode : "act" };
    }
    case "decide": {
      const decision = given["decision"];
      const known = decision === "allow_once" || decision === "allow_always" ? decision : "reject";
      return { kind: "decide", callId: text("callId"), digest: text("digest"), decision: known };
    }
    case "answer":
      return { kind: "answer", callId: text("callId"), text: text("text") };
    case "open":
      return { kind: "open", path: text("path") };
    case "copy":
      return { kind: "copy", text: text("text") };
    case "command":
      return { kind: "command", command: text("command") };
    default:
      return undefined;
  }
}
