// The extension's parts and its commands. Owns the wiring; every feature is the server's or a part's.

import * as vscode from "vscode";
import { newChatDocument } from "./chat/documents";
import { ChatView } from "./chat/view";
import { Connection } from "./server/connection";
import { install } from "./server/managed";
import { StatusBar } from "./status/bar";

let connection: Connection | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const storage = context.globalStorageUri.fsPath;
  const log = vscode.window.createOutputChannel("Tallystick", { log: true });
  const server = (connection = new Connection(storage, log));
  const chat = new ChatView(context, server);
  const command = (name: string, run: () => unknown): vscode.Disposable => vscode.commands.registerCommand(name, run);
  context.subscriptions.push(
    log,
    server,
    chat,
    new StatusBar(server),
    vscode.window.registerWebviewViewProvider(ChatView.id, chat),
    command("tallystick.chat.new", () => chat.fresh()),
    command("tallystick.chat.stop", () => chat.stop()),
    command("tallystick.chat.newDocument", () => newChatDocument(server)),
    command("tallystick.server.restart", () => server.restart()),
    command("tallystick.server.log", () => log.show()),
    command("tallystick.server.install", async () => {
      if (vscode.workspace.isTrusted && (await install(storage, log))) {
        await server.restart();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => server.restart()),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("tallystick.python") || change.affectsConfiguration("tallystick.model")) {
        void server.restart();
      }
    }),
  );
  // The editor is not held up by our start.
  void server.restart();
}

export async function deactivate(): Promise<void> {
  await connection?.stop();
}
