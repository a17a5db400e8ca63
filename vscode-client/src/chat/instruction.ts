// Words for tasks on code: LSP has no input box, VS Code does. Owns the box; what becomes of the words is the server's.

import * as vscode from "vscode";

const CODE = "tallystick.code";
const ASKS: Record<string, string> = {
  ask: "What do you want to know about this code?",
  edit: "How shall this code be changed?",
};

/** The command with what the person typed, or `undefined` where they closed the box. */
export async function withInstruction(command: string, args: unknown[]): Promise<unknown[] | undefined> {
  const [kind, uri, range, diagnostics, instruction] = args;
  const prompt = typeof kind === "string" ? ASKS[kind] : undefined;
  if (command !== CODE || prompt === undefined || instruction) {
    return args;
  }
  const typed = await vscode.window.showInputBox({ prompt, placeHolder: "Enter sends it to a new chat" });
  return typed?.trim() ? [kind, uri, range, diagnostics, typed.trim()] : undefined;
}
