// A unified diff, line by line. The marks stay in the text, so that colour is not what tells.

import { h } from "./dom";

const MOST_LINES = 300;

export interface Counts {
  added: number;
  removed: number;
}

/** Pure: lines added and removed. */
export function counts(diff: string): Counts {
  const lines = body(diff);
  return { added: lines.filter((line) => line.startsWith("+")).length, removed: lines.filter((line) => line.startsWith("-")).length };
}

/** Pure: a diff without the lines that name its files. */
function body(diff: string): string[] {
  return diff.replace(/\n$/, "").split("\n").filter((line) => !/^(---|\+\+\+) /.test(line));
}

export function isDiff(text: string): boolean {
  return /^(---|\+\+\+|@@|diff )/.test(text);
}

export function diffElement(diff: string): HTMLElement {
  const lines = body(diff);
  const shown = lines.slice(0, MOST_LINES).map((line) => {
    const kind = line.startsWith("@@") ? "hunk" : line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : "same";
    return h("span", { class: `line ${kind}` }, line || " ");
  });
  const left = lines.length - shown.length;
  return h("pre", { class: "diff", tabindex: "0", "aria-label": "Changes" }, ...shown, left > 0 && h("span", { class: "line hunk" }, `… ${left} more lines`));
}
