// How the server is started. Owns the command line: `-I` keeps everything of the workspace off Python's path.

import type { Executable, ServerOptions } from "vscode-languageclient/node";

export function serverOptions(python: string, model: string): ServerOptions {
  const args = ["-I", "-m", "tallystick_server", "lsp", ...(model ? ["--model", model] : [])];
  const executable: Executable = { command: python, args, options: { shell: false } };
  return { run: executable, debug: executable };
}
