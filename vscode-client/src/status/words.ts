// The status bar's words, and its figures where the server sends none of its own. Pure.

import { brief, count, money, nanosOf, share } from "../money";
import type { Event } from "../protocol.gen";
import type { ServerState } from "../server/state";

/** `tallystick/status`. Cost and tokens are of the server's process so far; `costNanos` null is unknown. */
export interface Status {
  state: "idle" | "busy" | "waiting" | "error";
  message: string;
  model: string;
  contextTokens: number | null;
  windowTokens: number | null;
  costNanos: number | null;
  tokens: number;
}

export const NOTHING: Status = { state: "idle", message: "", model: "", contextTokens: null, windowTokens: null, costNanos: 0, tokens: 0 };

/** The status after one more event of the chat view's session. */
export function follow(was: Status, event: Event): Status {
  switch (event.kind) {
    case "session_opened":
      return { ...was, model: event.model };
    case "turn_started":
      return { ...was, state: "busy", message: "", model: event.model || was.model };
    case "request_planned":
      return { ...was, contextTokens: event.input_tokens, windowTokens: event.window_tokens };
    case "permission_requested":
      return { ...was, state: "waiting", message: `May I ${event.title}?` };
    case "question_asked":
      return { ...was, state: "waiting", message: event.question };
    case "permission_decided":
    case "item_started":
      return { ...was, state: "busy", message: "" };
    case "turn_finished": {
      const { usage } = event;
      const cost = nanosOf(event.cost);
      return {
        ...was,
        state: event.stop === "end_turn" || event.stop === "cancelled" ? "idle" : "error",
        message: event.stop === "end_turn" ? "" : `${event.detail ?? ""} ${event.remedy ?? ""}`.trim(),
        tokens: was.tokens + (usage.input_tokens ?? 0) + (usage.output_tokens ?? 0),
        costNanos: cost === null || was.costNanos === null ? null : was.costNanos + cost,
      };
    }
    default:
      return was;
  }
}

export interface Shown {
  text: string;
  tooltip: string;
  level: "plain" | "warning" | "error";
}

/** What stands in the status bar. `$(…)` are VS Code's own icons. */
export function shown(server: ServerState, message: string, status: Status): Shown {
  switch (server) {
    case "untrusted":
      return { text: "$(circle-slash) Tallystick", tooltip: message, level: "plain" };
    case "missing":
      return { text: "$(warning) Tallystick: not installed", tooltip: message, level: "warning" };
    case "starting":
      return { text: "$(loading~spin) Tallystick", tooltip: "Tallystick is starting.", level: "plain" };
    case "restarting":
      return { text: "$(loading~spin) Tallystick: restarting", tooltip: message, level: "warning" };
    case "stopped":
      return { text: "$(error) Tallystick: stopped", tooltip: `${message} Select to start it again.`, level: "error" };
    case "ready":
      return figures(status);
  }
}

function figures(status: Status): Shown {
  const { contextTokens, windowTokens, costNanos, tokens } = status;
  const model = status.model.split("/").at(-1) ?? "";
  const parts = [model || "Tallystick"];
  const lines = [status.model ? `Model: ${status.model}` : "No model was asked yet."];
  if (contextTokens !== null && windowTokens !== null && windowTokens > 0) {
    parts.push(share(contextTokens, windowTokens));
    lines.push(`Context: ${count(contextTokens)} of ${count(windowTokens)} tokens`);
  } else if (contextTokens !== null) {
    parts.push(`${brief(contextTokens)} in context`);
    lines.push(`Context: ${count(contextTokens)} tokens; the model's window is not known`);
  }
  if (tokens > 0) {
    parts.push(money(costNanos));
    lines.push(`Since the server started: ${count(tokens)} tokens, ${money(costNanos)}`);
  }
  const icon = { idle: "$(pulse)", busy: "$(loading~spin)", waiting: "$(bell-dot)", error: "$(error)" }[status.state];
  const message = status.message || (status.state === "waiting" ? "Tallystick waits for your word." : "");
  if (message) {
    lines.unshift(message.slice(0, 300));
  }
  const level = status.state === "waiting" ? "warning" : status.state === "error" ? "error" : "plain";
  return { text: `${icon} ${parts.join(" · ")}`, tooltip: lines.join("\n"), level };
}
