// The extension: starts the server, and shows in the status bar what the last turn used. Owns no agent logic.

import * as vscode from "vscode";
import { LanguageClient, type LanguageClientOptions } from "vscode-languageclient/node";
import { serverOptions } from "./launch";
import type { Event } from "./protocol.gen";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  context.subscriptions.push(vscode.commands.registerCommand("tallystick.newChat", newChat));
  if (vscode.workspace.isTrusted) {
    await start(context);
  } else {
    context.subscriptions.push(vscode.workspace.onDidGrantWorkspaceTrust(() => start(context)));
  }
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}

async function start(context: vscode.ExtensionContext): Promise<void> {
  const settings = vscode.workspace.getConfiguration("tallystick");
  const options: LanguageClientOptions = { documentSelector: [{ scheme: "file" }, { scheme: "untitled" }] };
  client = new LanguageClient(
    "tallystick",
    "Tallystick",
    serverOptions(settings.get("python", "python3"), settings.get("model", "")),
    options,
  );
  const status = vscode.window.createStatusBarItem(vscode.StatusBarAlignment.Right);
  context.subscriptions.push(client, status);
  client.onNotification("tallystick/event", ({ event }: { event: Event }) => show(status, event));
  await client.start();
}

function show(status: vscode.StatusBarItem, event: Event): void {
  if (event.kind !== "turn_finished") {
    return;
  }
  const tokens = (event.usage.input_tokens ?? 0) + (event.usage.output_tokens ?? 0);
  status.text = `$(pulse) ${tokens.toLocaleString()} tokens`;
  status.tooltip = `${event.stop}, ${event.requests} requests`;
  status.show();
}

async function newChat(): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) {
    await vscode.window.showErrorMessage("Open a folder first: a chat is a file in it.");
    return;
  }
  const stamp = new Date().toISOString().slice(0, 16).replace(/[:T]/g, "-");
  const uri = vscode.Uri.joinPath(folder.uri, `chat-${stamp}.tally.md`);
  await vscode.workspace.fs.writeFile(uri, Buffer.from("## You\n\n", "utf8"));
  await vscode.window.showTextDocument(uri);
}
