// The status bar item: the server's state, the model, its context and the money. Owns the item; the words are `words.ts`.

import * as vscode from "vscode";
import type { Connection } from "../server/connection";
import type { Event } from "../protocol.gen";
import { follow, NOTHING, shown, type Status } from "./words";

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("status", vscode.StatusBarAlignment.Right, 100);
  private readonly listening: vscode.Disposable[];
  private status: Status = NOTHING;
  /** The server tells the status itself: it knows of every chat, not of the view's alone. */
  private told = false;

  constructor(private readonly connection: Connection) {
    this.item.name = "Tallystick";
    this.listening = [
      connection.onDidChange(() => this.serverChanged()),
      connection.onNotification(({ method, params }) => this.hear(method, params)),
    ];
    this.show();
    this.item.show();
  }

  dispose(): void {
    this.item.dispose();
    this.listening.forEach((one) => one.dispose());
  }

  private serverChanged(): void {
    if (this.connection.state !== "ready") {
      // What the next process used begins at nothing.
      this.status = { ...NOTHING, model: this.status.model };
      this.told = false;
    }
    this.show();
  }

  private hear(method: string, params: unknown): void {
    if (method === "tallystick/status") {
      this.told = true;
      this.status = params as Status;
    } else if (!this.told && method === "tallystick/event") {
      this.status = follow(this.status, (params as { event: Event }).event);
    } else {
      return;
    }
    this.show();
  }

  private show(): void {
    const { state, message } = this.connection;
    const { text, tooltip, level } = shown(state, message, this.status);
    this.item.text = text;
    this.item.tooltip = tooltip;
    this.item.accessibilityInformation = { label: `Tallystick: ${tooltip.replace(/\n/g, ", ")}` };
    this.item.command = { missing: "tallystick.server.install", stopped: "tallystick.server.restart", untrusted: "workbench.trust.manage" }[state as string] ?? "tallystick.chat.focus";
    const background = { plain: undefined, warning: "statusBarItem.warningBackground", error: "statusBarItem.errorBackground" }[level];
    this.item.backgroundColor = background === undefined ? undefined : new vscode.ThemeColor(background);
  }
}
