// Where the user is in the editor: the folder that a chat is about, and the files around it.

import * as vscode from "vscode";
import { surroundings, type Looking } from "./surroundings";

/** The folder of the file that is looked at, else the first one, else that file's own; `undefined` where nothing is open. */
export function chatFolder(): vscode.Uri | undefined {
  const active = vscode.window.activeTextEditor?.document.uri;
  const file = active?.scheme === "file" ? active : undefined;
  const holding = file === undefined ? undefined : vscode.workspace.getWorkspaceFolder(file);
  const folder = holding ?? vscode.workspace.workspaceFolders?.find((one) => one.uri.scheme === "file");
  return folder?.uri ?? (file === undefined ? undefined : vscode.Uri.joinPath(file, ".."));
}

/** In words for the model. */
export function around(folder: vscode.Uri): string {
  const unsaved = vscode.workspace.textDocuments.filter((document) => document.isDirty).map((document) => within(folder, document.uri));
  const editor = vscode.window.activeTextEditor;
  const path = editor === undefined ? undefined : within(folder, editor.document.uri);
  const looking: Looking | undefined =
    editor === undefined || path === undefined
      ? undefined
      : { path, from: editor.selection.start.line + 1, to: editor.selection.end.line + 1, selected: !editor.selection.isEmpty };
  return surroundings(unsaved.filter((one) => one !== undefined), looking);
}

/** Opens a file that the conversation names; a path that leads out of the folder is not followed. */
export async function openFile(folder: vscode.Uri, path: string): Promise<void> {
  const uri = vscode.Uri.joinPath(folder, path);
  if (within(folder, uri) !== undefined) {
    await vscode.window.showTextDocument(uri, { preview: true });
  }
}

/** The path inside the folder; chats are no code and have none. */
function within(folder: vscode.Uri, uri: vscode.Uri): string | undefined {
  const root = folder.path.endsWith("/") ? folder.path : `${folder.path}/`;
  const inside = uri.scheme === folder.scheme && uri.path.startsWith(root) && !uri.path.endsWith(".tally.md");
  return inside ? uri.path.slice(root.length) : undefined;
}
