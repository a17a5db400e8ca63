// The chat view's script: takes the extension's messages, folds the events, draws once a frame.

import { EMPTY, type Transcript } from "../chat/blocks";
import type { Banner, FromView, ToView } from "../chat/messages";
import { open, step } from "../chat/transcript";
import { Composer } from "./composer";
import { button, byId } from "./dom";
import { Log } from "./log";

interface Draft {
  draft: string;
  mode: string;
}

declare function acquireVsCodeApi(): { postMessage(message: FromView): void; getState(): Draft | undefined; setState(state: Draft): void };

const code = acquireVsCodeApi();
const log = new Log(byId("log", HTMLElement), (message) => code.postMessage(message));
const composer = new Composer(
  (message) => {
    if (message.kind === "send") {
      log.toEnd();
    }
    code.postMessage(message);
  },
  (draft, mode) => code.setState({ draft, mode }),
);
const activity = byId("activity", HTMLElement);
const announce = byId("announce", HTMLElement);
const banner = byId("banner", HTMLElement);
let transcript: Transcript = EMPTY;
let drawing = false;
let said = { busy: false, waiting: 0 };

addEventListener("message", ({ data }: MessageEvent<ToView>) => {
  switch (data.kind) {
    case "state":
      transcript = data.transcript;
      showBanner(data.banner);
      break;
    case "events":
      transcript = data.events.reduce(step, transcript);
      break;
    case "banner":
      showBanner(data.banner);
      return;
    case "refused":
      composer.refused(data.text);
      return;
    case "focus":
      composer.focus();
      return;
  }
  if (!drawing) {
    drawing = true;
    requestAnimationFrame(draw);
  }
});

function draw(): void {
  drawing = false;
  log.show(transcript);
  composer.show(transcript);
  activity.hidden = !transcript.busy;
  activity.textContent = transcript.activity;
  activity.classList.toggle("waiting", open(transcript).length > 0);
  tell();
}

/** What a screen reader should say: that something is asked, and that the turn ended. Not every word as it comes. */
function tell(): void {
  const asked = open(transcript);
  const last = asked.at(-1);
  if (asked.length > said.waiting && last !== undefined) {
    announce.textContent = last.kind === "call" ? `Permission needed: ${last.title}` : `Question: ${last.question}`;
  } else if (said.busy && !transcript.busy) {
    announce.textContent = "The turn has ended.";
  } else if (!said.busy && transcript.busy) {
    announce.textContent = "Working.";
  }
  said = { busy: transcript.busy, waiting: asked.length };
}

function showBanner(shown: Banner | null): void {
  banner.hidden = shown === null;
  banner.replaceChildren();
  if (shown !== null) {
    banner.append(shown.words);
    const { action } = shown;
    if (action !== null) {
      banner.append(" ", button(action.title, () => code.postMessage({ kind: "command", command: action.command }), { class: "secondary" }));
    }
  }
}

const kept = code.getState();
composer.restore(kept?.draft ?? "", kept?.mode ?? "");
code.postMessage({ kind: "ready" });
