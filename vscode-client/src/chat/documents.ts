// New chat documents. The server makes them where it can; before that the file is ours to make.

import * as vscode from "vscode";
import type { Connection } from "../server/connection";
import { chatFolder } from "./editor";

const SERVERS = "tallystick.newChat";

export async function newChatDocument(connection: Connection): Promise<void> {
  const folder = chatFolder();
  if (folder === undefined) {
    await vscode.window.showErrorMessage("Open a folder first: a chat document is a file in it.");
    return;
  }
  if (connection.commands.includes(SERVERS)) {
    const made = await connection.request<{ uri: string } | null>("workspace/executeCommand", {
      command: SERVERS,
      arguments: [folder.toString(), null, null],
    });
    // Where the server has shown it, somebody may type there already: the cursor is theirs.
    if (made !== null && vscode.window.activeTextEditor?.document.uri.toString() !== vscode.Uri.parse(made.uri).toString()) {
      await showAtEnd(vscode.Uri.parse(made.uri));
    }
    return;
  }
  const stamp = new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-");
  const uri = vscode.Uri.joinPath(folder, `chat-${stamp}.tally.md`);
  await vscode.workspace.fs.writeFile(uri, Buffer.from("## You\n\n", "utf8"));
  await showAtEnd(uri);
}

async function showAtEnd(uri: vscode.Uri): Promise<void> {
  const editor = await vscode.window.showTextDocument(uri);
  const end = editor.document.lineAt(editor.document.lineCount - 1).range.end;
  editor.selection = new vscode.Selection(end, end);
}
