// A question of the model: its options as buttons, or words of the user's own.

import type { BlockOf } from "../chat/blocks";
import type { Post } from "./blocks";
import { button, h } from "./dom";

export function questionCard(block: BlockOf<"question">, known: HTMLElement | undefined, post: Post): HTMLElement {
  const title = h("div", { class: "card-title" }, h("span", { class: "asks" }, "Question"), " ", block.question);
  if (block.answer !== null) {
    const answer = block.answer === "" ? "Not answered" : `You: ${block.answer}`;
    return h("section", { class: "card settled", role: "group", "aria-label": "Question of the model" }, title, h("div", { class: "reason" }, answer));
  }
  if (known !== undefined) {
    // What the user is writing there stays.
    return known;
  }
  const say = (text: string): void => {
    if (text.trim()) {
      post({ kind: "answer", callId: block.key, text: text.trim() });
    }
  };
  const input = h("input", { type: "text", "aria-label": "Your answer", placeholder: block.options.length > 0 ? "or something else" : "Your answer" });
  const form = h("form", { class: "own" }, input, h("button", { type: "submit", class: "secondary" }, "Answer"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say(input.value);
  });
  const options = block.options.map((option) => button(option, () => say(option)));
  return h("section", { class: "card", role: "group", "aria-label": "Question of the model" }, title, h("div", { class: "buttons" }, ...options), form);
}
