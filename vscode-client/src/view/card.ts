// The card that asks for a permission. It shows all that would be done, and takes no focus: a key that the user was about
// to press must never be an answer.

import type { Asked, BlockOf, Decision } from "../chat/blocks";
import type { Post } from "./blocks";
import { diffElement, isDiff } from "./diff";
import { button, h } from "./dom";

const CHOICES: readonly (readonly [string, Decision, string])[] = [
  ["Allow once", "allow_once", ""],
  ["Allow for this session", "allow_always", "secondary"],
  ["Reject", "reject", "secondary"],
];

export function permissionCard(block: BlockOf<"call">, asked: Asked, post: Post): HTMLElement {
  const title = h("div", { class: "card-title", id: `title-${block.key}` }, h("span", { class: "asks" }, "Permission"), " ", asked.title);
  const detail = isDiff(asked.detail) ? diffElement(asked.detail) : h("pre", { class: "output whole", tabindex: "0", "aria-label": "What would be done" }, asked.detail);
  const buttons = CHOICES.map(([label, decision, kind]) =>
    button(
      label,
      () => {
        // One answer: the engine's word takes the card away.
        buttons.forEach((one) => (one.disabled = true));
        post({ kind: "decide", callId: block.key, digest: asked.digest, decision });
      },
      kind ? { class: kind } : {},
    ),
  );
  const reason = h("div", { class: "reason" }, `Asked because of ${asked.reason}.`);
  return h("section", { class: "card", role: "group", "aria-labelledby": `title-${block.key}` }, title, asked.detail.trim() !== "" && detail, reason, h("div", { class: "buttons" }, ...buttons));
}
