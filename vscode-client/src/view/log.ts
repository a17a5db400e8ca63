// The conversation on the page: keeps its elements in step with the transcript, and the end in sight.

import type { Block, Transcript } from "../chat/blocks";
import { blockElement, type Post } from "./blocks";
import { button, h } from "./dom";

/** Pixels from the end within which the user is taken to be reading it. */
const NEAR = 60;

export class Log {
  private readonly shown = new Map<string, { block: Block; element: HTMLElement }>();
  private top: HTMLElement | undefined;
  private foot: HTMLElement | undefined;

  constructor(
    private readonly root: HTMLElement,
    private readonly post: Post,
  ) {}

  show(transcript: Transcript): void {
    const follows = this.root.scrollHeight - this.root.scrollTop - this.root.clientHeight < NEAR;
    const wanted = new Set(transcript.blocks.map((block) => block.key));
    for (const [key, { element }] of this.shown) {
      if (!wanted.has(key)) {
        element.remove();
        this.shown.delete(key);
      }
    }
    let before: Element | null = null;
    for (const block of transcript.blocks) {
      const element = this.element(block);
      const place: Element | null = before === null ? this.root.firstElementChild : before.nextElementSibling;
      if (place !== element) {
        this.root.insertBefore(element, place);
      }
      before = element;
    }
    this.ends(transcript);
    if (follows) {
      this.root.scrollTop = this.root.scrollHeight;
    }
  }

  toEnd(): void {
    this.root.scrollTop = this.root.scrollHeight;
  }

  private element(block: Block): HTMLElement {
    const known = this.shown.get(block.key);
    if (known?.block === block) {
      return known.element;
    }
    const usable = known !== undefined && known.block.kind === block.kind ? known.element : undefined;
    const element = blockElement(block, usable, this.post);
    if (known !== undefined && known.element !== element) {
      const focused = known.element.contains(document.activeElement);
      known.element.replaceWith(element);
      if (focused) {
        // The keyboard stays where it was: what had the focus is gone.
        this.root.focus({ preventScroll: true });
      }
    }
    this.shown.set(block.key, { block, element });
    return element;
  }

  /** What stands before the first and after the last block. */
  private ends(transcript: Transcript): void {
    this.top?.remove();
    this.foot?.remove();
    this.top = this.foot = undefined;
    if (transcript.blocks.length === 0) {
      this.foot = welcome();
    } else if (transcript.cut && !transcript.busy) {
      this.foot = h("div", { class: "foot" }, button("Go on with it", () => this.post({ kind: "continue" }), { class: "secondary" }));
    }
    if (transcript.dropped > 0) {
      this.top = h("p", { class: "note info" }, "What was before is in the session's log, and no longer shown here.");
      this.root.prepend(this.top);
    }
    if (this.foot !== undefined) {
      this.root.append(this.foot);
    }
  }
}

function welcome(): HTMLElement {
  const point = (text: string): HTMLElement => h("li", {}, text);
  return h(
    "section",
    { class: "welcome", "aria-label": "Welcome" },
    h("div", { class: "welcome-title" }, "Tallystick"),
    h("p", {}, "A coding agent that accounts for every token."),
    h(
      "ul",
      {},
      point("It reads what is on your screen, unsaved text too."),
      point("It asks before it changes files or runs commands."),
      point("@ names a file, / is a command: /plan, /compact, /undo, …"),
    ),
  );
}
