// Tells the server what the editor's language tools say of open documents. Owns when: on their changes, and after every edit.

import * as vscode from "vscode";

const SETTLE_MS = 700;
/** Milliseconds after a change of a text for which the language tools get time. */

export type Send = (params: unknown) => void;

export function reportDiagnostics(send: Send): vscode.Disposable {
  const waiting = new Map<string, NodeJS.Timeout>();
  const tell = (document: vscode.TextDocument): void => {
    if (!document.isClosed && document.uri.scheme === "file" && !document.fileName.endsWith(".tally.md")) {
      const diagnostics = vscode.languages.getDiagnostics(document.uri).map(plain);
      send({ uri: document.uri.toString(), version: document.version, diagnostics });
    }
  };
  const drop = (document: vscode.TextDocument): void => {
    const key = document.uri.toString();
    clearTimeout(waiting.get(key));
    waiting.delete(key);
  };
  const later = (document: vscode.TextDocument): void => {
    drop(document);
    const key = document.uri.toString();
    waiting.set(key, setTimeout(() => (waiting.delete(key), tell(document)), SETTLE_MS));
  };
  vscode.workspace.textDocuments.forEach(tell);
  return vscode.Disposable.from(
    vscode.languages.onDidChangeDiagnostics(({ uris }) => {
      const changed = new Set(uris.map(String));
      vscode.workspace.textDocuments.filter((one) => changed.has(one.uri.toString())).forEach(tell);
    }),
    vscode.workspace.onDidOpenTextDocument(later),
    // Also where nothing changed: after an edit of ours the server waits for a report about the new text.
    vscode.workspace.onDidChangeTextDocument(({ document }) => later(document)),
    vscode.workspace.onDidCloseTextDocument(drop),
    new vscode.Disposable(() => waiting.forEach((one) => clearTimeout(one))),
  );
}

/** As LSP has it. */
function plain(one: vscode.Diagnostic): unknown {
  const { start, end } = one.range;
  return {
    range: { start: { line: start.line, character: start.character }, end: { line: end.line, character: end.character } },
    severity: one.severity + 1,
    message: one.message,
    source: one.source,
    code: typeof one.code === "object" ? one.code.value : one.code,
  };
}
