// The chat view's host: the conversation's state, the session behind it, and the page that shows it.
//
// The page is thrown away when it is hidden and made anew when it is shown; what it shows is kept here, and across windows
// in the workspace's storage. Owns no picture: events go to the page as they come, and the page folds them as we do.

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { Connection } from "../server/connection";
import { keepsSessions } from "../server/state";
import type { Event, Operation } from "../protocol.gen";
import { EMPTY, type Decision, type Transcript } from "./blocks";
import { around, chatFolder, openFile } from "./editor";
import { fromView, type Banner, type FromView, type ToView } from "./messages";
import { page } from "./page";
import { Refused, Session } from "./session";
import { answered, cut, find, note, open, step } from "./transcript";

const KEPT = "tallystick.chat";
const FLUSH_MS = 30;
/** Commands that a banner may offer. */
const OFFERED = ["tallystick.server.install", "tallystick.server.restart", "workbench.trust.manage"];

interface Kept {
  session: string;
  folder: string;
  transcript: Transcript;
}

export class ChatView implements vscode.WebviewViewProvider, vscode.Disposable {
  static readonly id = "tallystick.chat";
  private readonly listening: vscode.Disposable[];
  private view: vscode.WebviewView | undefined;
  private transcript: Transcript = EMPTY;
  private session: Session;
  private folder: vscode.Uri | undefined;
  private sending = false;
  /** The session before this one: its last events may still come. */
  private before = "";
  private waiting: Event[] = [];
  private flushing: NodeJS.Timeout | undefined;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly connection: Connection,
  ) {
    const kept = context.workspaceState.get<Kept>(KEPT);
    this.session = new Session(connection, kept?.session ?? "");
    if (kept !== undefined) {
      this.folder = vscode.Uri.parse(kept.folder);
      this.transcript = cut({ ...EMPTY, ...kept.transcript }, "The window was closed in the middle of this turn.");
    }
    this.listening = [
      connection.onNotification(({ method, params }) => {
        if (method === "tallystick/event") {
          this.hear((params as { event: Event }).event);
        }
      }),
      connection.onDidChange(() => this.serverChanged()),
    ];
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    const dist = vscode.Uri.joinPath(this.context.extensionUri, "dist");
    const address = (name: string): string => view.webview.asWebviewUri(vscode.Uri.joinPath(dist, name)).toString();
    view.webview.options = { enableScripts: true, localResourceRoots: [dist] };
    view.webview.onDidReceiveMessage((data: unknown) => {
      const message = fromView(data);
      if (message !== undefined) {
        void this.take(message);
      }
    });
    view.onDidDispose(() => (this.view = undefined));
    view.webview.html = page(randomBytes(16).toString("hex"), address("view.js"), address("style.css"));
    this.badge();
  }

  dispose(): void {
    clearTimeout(this.flushing);
    this.listening.forEach((one) => one.dispose());
  }

  /** Ends this conversation and begins another. */
  async fresh(): Promise<void> {
    const old = this.session;
    this.before = old.id;
    this.session = new Session(this.connection, "");
    this.folder = undefined;
    this.change(EMPTY);
    await this.keep();
    await vscode.commands.executeCommand(`${ChatView.id}.focus`);
    this.post({ kind: "focus" });
    await old.close();
  }

  async stop(): Promise<void> {
    if (this.transcript.busy) {
      await this.operate({ kind: "cancel" });
    }
  }

  private async take(message: FromView): Promise<void> {
    switch (message.kind) {
      case "ready":
        return this.tell();
      case "send":
        return this.send(message.text, { kind: "prompt", text: message.text, mode: message.mode });
      case "continue":
        return this.send("", { kind: "continue" });
      case "undo":
        return this.send("", { kind: "undo" });
      case "stop":
        return this.stop();
      case "decide":
        return this.decide(message.callId, message.digest, message.decision);
      case "answer":
        if (await this.operate({ kind: "answer", call_id: message.callId, text: message.text })) {
          this.change(answered(this.transcript, message.callId, message.text));
        }
        return;
      case "open":
        return this.folder === undefined ? undefined : openFile(this.folder, message.path);
      case "copy":
        return vscode.env.clipboard.writeText(message.text);
      case "command":
        return OFFERED.includes(message.command) ? vscode.commands.executeCommand(message.command) : undefined;
    }
  }

  /** Begins a turn. `text` goes back to the page where nothing came of it. */
  private async send(text: string, operation: Operation): Promise<void> {
    if (this.sending || this.transcript.busy || (operation.kind === "prompt" && !text.trim())) {
      return this.post({ kind: "refused", text });
    }
    this.folder ??= chatFolder();
    if (this.folder === undefined) {
      this.complain("Open a folder or a file first: the agent works in one.");
      return this.post({ kind: "refused", text });
    }
    this.sending = true;
    try {
      const whole = operation.kind === "prompt" ? { ...operation, context: around(this.folder) } : operation;
      if (!(await this.operate(whole))) {
        this.post({ kind: "refused", text });
      }
    } finally {
      this.sending = false;
    }
  }

  /** Only what was shown can be decided: the digest must be the one in the conversation. */
  private async decide(callId: string, digest: string, decision: Decision): Promise<void> {
    const block = find(this.transcript, callId);
    if (block?.kind === "call" && block.asked?.decision === null && block.asked.digest === digest) {
      await this.operate({ kind: "decide", call_id: callId, digest, decision });
    }
  }

  private async operate(operation: Operation): Promise<boolean> {
    const session = this.session;
    try {
      await session.submit(operation, this.folder?.toString() ?? "");
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) {
        throw error;
      }
      if (session === this.session) {
        this.complain(error.message);
      }
      return false;
    }
  }

  private complain(words: string): void {
    this.change(note(this.transcript, "problem", "error", words));
  }

  private hear(event: Event): void {
    if (event.session_id === this.before) {
      return;
    }
    const waited = open(this.transcript).length;
    this.transcript = step(this.transcript, event);
    this.waiting.push(event);
    this.flushing ??= setTimeout(() => this.flush(), FLUSH_MS);
    if (open(this.transcript).length !== waited) {
      this.badge();
      if (open(this.transcript).length > waited) {
        void this.call();
      }
    }
    if (event.kind === "turn_finished") {
      void this.keep();
    }
  }

  private flush(): void {
    this.flushing = undefined;
    const events = this.waiting;
    this.waiting = [];
    this.post({ kind: "events", events });
  }

  private serverChanged(): void {
    if (!keepsSessions(this.connection.state)) {
      this.session.lost();
      if (this.transcript.busy) {
        this.change(cut(this.transcript, "The server ended in the middle of this turn. What was done stays done."));
        void this.keep();
      }
    }
    this.post({ kind: "banner", banner: this.banner() });
  }

  private banner(): Banner | null {
    const { state, message } = this.connection;
    switch (state) {
      case "ready":
        return null;
      case "starting":
        return { words: "Starting…", action: null };
      case "restarting":
        return { words: message, action: null };
      case "untrusted":
        return { words: message, action: { title: "Manage trust", command: "workbench.trust.manage" } };
      case "missing":
        return { words: message, action: { title: "Install…", command: "tallystick.server.install" } };
      case "stopped":
        return { words: message, action: { title: "Start again", command: "tallystick.server.restart" } };
    }
  }

  /** A change that no event makes: the page takes the whole. */
  private change(transcript: Transcript): void {
    this.transcript = transcript;
    this.tell();
    this.badge();
  }

  private tell(): void {
    clearTimeout(this.flushing);
    this.flushing = undefined;
    this.waiting = [];
    this.post({ kind: "state", transcript: this.transcript, banner: this.banner() });
  }

  private post(message: ToView): void {
    // A hidden page is gone; it takes the whole when it is back.
    void this.view?.webview.postMessage(message);
  }

  private badge(): void {
    if (this.view !== undefined) {
      const waiting = open(this.transcript).length;
      this.view.badge = waiting > 0 ? { value: waiting, tooltip: "Tallystick waits for your word" } : undefined;
    }
  }

  /** Somebody must answer, and the view is not on the screen. */
  private async call(): Promise<void> {
    if (this.view?.visible !== true) {
      const show = "Show";
      if ((await vscode.window.showInformationMessage("Tallystick waits for your word in its chat.", show)) === show) {
        await vscode.commands.executeCommand(`${ChatView.id}.focus`);
      }
    }
  }

  private async keep(): Promise<void> {
    const kept: Kept | undefined =
      this.session.id && this.folder !== undefined ? { session: this.session.id, folder: this.folder.toString(), transcript: this.transcript } : undefined;
    await this.context.workspaceState.update(KEPT, kept);
  }
}
