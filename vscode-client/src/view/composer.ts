// The field that prompts are written in, its mode, the context's measure, Send and Stop.

import type { Transcript, WorkMode } from "../chat/blocks";
import { brief, count, share } from "../money";
import type { Post } from "./blocks";
import { byId } from "./dom";

const HIGHEST = 240;

export class Composer {
  private readonly form = byId("composer", HTMLFormElement);
  private readonly field = byId("prompt", HTMLTextAreaElement);
  private readonly mode = byId("mode", HTMLSelectElement);
  private readonly context = byId("context", HTMLSpanElement);
  private readonly sendButton = byId("send", HTMLButtonElement);
  private readonly stopButton = byId("stop", HTMLButtonElement);
  private busy = false;

  /** `changed` is told the draft and the mode whenever one of them changes. */
  constructor(
    private readonly post: Post,
    private readonly changed: (draft: string, mode: string) => void,
  ) {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.send();
      }
    });
    this.field.addEventListener("input", () => this.edited());
    this.mode.addEventListener("change", () => this.edited());
    this.stopButton.addEventListener("click", () => this.post({ kind: "stop" }));
  }

  restore(draft: string, mode: string): void {
    this.field.value = draft;
    if (mode) {
      this.mode.value = mode;
    }
    this.edited();
  }

  /** What could not be sent comes back, unless something else was written meanwhile. */
  refused(text: string): void {
    if (!this.field.value.trim()) {
      this.restore(text, this.mode.value);
    }
  }

  focus(): void {
    this.field.focus();
  }

  show(transcript: Transcript): void {
    this.busy = transcript.busy;
    const stopHadFocus = document.activeElement === this.stopButton;
    this.stopButton.hidden = !transcript.busy;
    this.sendButton.hidden = transcript.busy;
    if (stopHadFocus && !transcript.busy) {
      this.field.focus();
    }
    const { context } = transcript;
    if (context === null) {
      this.context.textContent = "";
    } else if (context.window === null) {
      this.context.textContent = `${brief(context.tokens)} in context`;
      this.context.title = `The last request had ${count(context.tokens)} tokens; the model's window is not known.`;
    } else {
      this.context.textContent = `${share(context.tokens, context.window)} of ${brief(context.window)}`;
      this.context.title = `The last request had ${count(context.tokens)} of the ${count(context.window)} tokens that fit.`;
    }
  }

  private send(): void {
    const text = this.field.value;
    if (this.busy || !text.trim()) {
      return;
    }
    this.field.value = "";
    this.edited();
    this.post({ kind: "send", text, mode: this.mode.value as WorkMode });
  }

  private edited(): void {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(HIGHEST, this.field.scrollHeight + 2)}px`;
    this.changed(this.field.value, this.mode.value);
  }
}
