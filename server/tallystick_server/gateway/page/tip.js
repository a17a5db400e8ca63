// The box that shows exact figures beside what is pointed at or focused. Knows no chart.

import { dot, h } from "./dom.js";

const GAP = 8;

/** A box inside `frame` (which must be positioned). */
export function tip(frame) {
  const box = h("div", { class: "tip", role: "presentation", hidden: true });
  frame.append(box);
  return {
    /** Beside `from` … `to` in pixels of the frame; rows are `{hue, name, value, strong}`. */
    show({ from, to, title, rows, notes = [] }) {
      box.replaceChildren(
        h("p", { class: "tip-title" }, title),
        h("ul", {}, rows.map((row) => h("li", { class: row.strong ? "strong" : "" }, row.hue ? dot(row.hue) : h("span", { class: "dot none" }), h("span", { class: "tip-name" }, row.name), h("span", { class: "tip-value" }, row.value)))),
        ...notes.map((note) => h("p", { class: "tip-note" }, note)),
      );
      box.hidden = false;
      const [width, room] = [box.offsetWidth, frame.clientWidth];
      const left = to + GAP + width <= room ? to + GAP : from - GAP - width;
      box.style.left = `${Math.max(0, Math.min(left, room - width))}px`;
    },
    hide() {
      box.hidden = true;
    },
  };
}
