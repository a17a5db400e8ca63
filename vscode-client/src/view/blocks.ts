// One element a block of the conversation. Owns how each looks; what is in it is the transcript's.

import type { Block, BlockOf } from "../chat/blocks";
import { count, share } from "../money";
import type { FromView } from "../chat/messages";
import { permissionCard } from "./card";
import { counts, diffElement } from "./diff";
import { button, h } from "./dom";
import { questionCard } from "./question";
import { render } from "./rich";

export type Post = (message: FromView) => void;

const STATUS: Readonly<Record<BlockOf<"call">["status"], readonly [string, string]>> = {
  asked: ["?", "waiting"],
  running: ["", "running"],
  ok: ["✓", "done"],
  error: ["✗", "failed"],
  denied: ["⊘", "not allowed"],
  unknown: ["?", "outcome unknown"],
};
const STEP = { pending: ["○", "to do"], in_progress: ["◐", "in progress"], done: ["●", "done"] } as const;

/** The element of a block; `known` is what showed it before, which is changed where that is enough. */
export function blockElement(block: Block, known: HTMLElement | undefined, post: Post): HTMLElement {
  switch (block.kind) {
    case "prompt":
      return h("section", { class: "prompt", "aria-label": "You" }, h("div", { class: "said" }, block.text));
    case "message":
      return message(block, known, post);
    case "reasoning":
      return reasoning(block, known);
    case "call":
      return block.asked !== null && block.asked.decision === null ? permissionCard(block, block.asked, post) : call(block, known, post);
    case "question":
      return questionCard(block, known, post);
    case "plan":
      return plan(block);
    case "note":
      return h("p", { class: `note ${block.level}` }, block.text);
    case "end":
      return end(block, post);
  }
}

function message(block: BlockOf<"message">, known: HTMLElement | undefined, post: Post): HTMLElement {
  const element = known ?? h("section", { class: "message", "aria-label": "Tallystick" });
  render(element, block.text, (text) => post({ kind: "copy", text }));
  element.classList.toggle("streaming", !block.done);
  element.hidden = !block.text.trim();
  return element;
}

function reasoning(block: BlockOf<"reasoning">, known: HTMLElement | undefined): HTMLElement {
  const element = known ?? h("details", { class: "reasoning" }, h("summary"), h("div", { class: "thoughts" }));
  const [summary, thoughts] = element.children;
  if (summary && thoughts) {
    summary.textContent = block.done ? "Thoughts" : "Thinking…";
    thoughts.textContent = block.text;
  }
  element.hidden = !block.text.trim();
  return element;
}

function call(block: BlockOf<"call">, known: HTMLElement | undefined, post: Post): HTMLElement {
  const [mark, words] = STATUS[block.status];
  const icon = h("span", { class: `status ${block.status}`, role: "img", "aria-label": words }, mark);
  const sums = block.changes.map(({ diff }) => counts(diff));
  const added = sums.reduce((sum, one) => sum + one.added, 0);
  const removed = sums.reduce((sum, one) => sum + one.removed, 0);
  const figures = sums.length > 0 && h("span", { class: "figures" }, h("span", { class: "plus" }, `+${added}`), " ", h("span", { class: "minus" }, `−${removed}`));
  const by = block.asked?.decision === "allow_always" ? "allowed for this session" : block.asked?.decision === "allow_once" ? "allowed once" : "";
  const failed = block.status === "denied" ? (block.asked?.decision === "lapsed" ? "not answered" : "rejected") : block.status === "error" ? firstLine(block.output) : "";
  const note = h("span", { class: "remark" }, failed || by);
  const title = h("span", { class: "title" }, block.title);
  const summary = h("summary", { class: "call-head" }, icon, title, figures, note);
  const inside = [
    ...block.changes.map(({ path, diff }) => h("div", {}, button(path, () => post({ kind: "open", path }), { class: "file", title: `Open ${path}` }), diffElement(diff))),
    block.output.trim() !== "" && block.changes.length === 0 && h("pre", { class: "output", tabindex: "0", "aria-label": "Output" }, block.output),
  ];
  const small = block.changes.length > 0 && added + removed <= 40;
  // What the user opened or closed stays so; a change is open at first.
  const was = known instanceof HTMLDetailsElement && known.dataset["changes"] === String(block.changes.length) ? known.open : small;
  const details = h("details", { class: "call", open: was }, summary, ...inside);
  details.dataset["changes"] = String(block.changes.length);
  return details;
}

function plan(block: BlockOf<"plan">): HTMLElement {
  const steps = block.steps.map(({ text, status }) => {
    const [mark, words] = STEP[status ?? "pending"];
    return h("li", { class: status ?? "pending" }, h("span", { role: "img", "aria-label": words }, mark), ` ${text}`);
  });
  return h("section", { class: "plan", "aria-label": "Plan" }, h("div", { class: "caption" }, "Plan"), h("ul", {}, ...steps));
}

function end(block: BlockOf<"end">, post: Post): HTMLElement {
  const why = block.stop === "end_turn" ? "" : block.stop === "cancelled" ? "Stopped." : `Stopped (${block.stop.replaceAll("_", " ")}). ${block.words}`;
  const undo = block.undo && button("Undo changes", () => post({ kind: "undo" }), { class: "quiet", title: "Take back what this turn changed in files" });
  const usage = block.usage !== "" && h("details", { class: "usage" }, h("summary", {}, block.usage), spent(block));
  return h("section", { class: "end", "aria-label": "End of the turn" }, why !== "" && h("p", { class: "note warning" }, why), h("div", { class: "end-row" }, usage, undo));
}

/** Where the tokens of the turn went. */
function spent(block: BlockOf<"end">): HTMLElement {
  const whole = block.segments.reduce((sum, one) => sum + one.tokens, 0);
  const rows = block.segments.map(({ name, tokens }) => {
    const bar = h("span", { class: "bar" });
    bar.style.width = `${(100 * tokens) / Math.max(1, block.segments[0]?.tokens ?? 1)}%`;
    const cell = (text: string): HTMLElement => h("td", { class: "number" }, text);
    return h("tr", {}, h("th", { scope: "row" }, name), cell(count(tokens)), cell(share(tokens, whole)), h("td", { class: "bars", "aria-hidden": "true" }, bar));
  });
  const requests = `${block.requests} request${block.requests === 1 ? "" : "s"}`;
  return h("div", {}, h("div", { class: "served" }, `${requests} to ${block.model}`), h("table", { "aria-label": "Where the tokens went" }, h("tbody", {}, ...rows)));
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0]?.slice(0, 200) ?? "";
}
