// This machine, for `find.ts`: the file system, the PATH, the user's settings and the environment that we make.

import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import * as vscode from "vscode";
import type { Files, Where } from "./find";

export const files: Files = {
  runs(path) {
    try {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    } catch {
      return false;
    }
  },
  real(path) {
    try {
      return realpathSync(path);
    } catch {
      return path;
    }
  },
};

/** `storage` is the extension's own folder. */
export function whereToLook(storage: string): Where {
  const windows = process.platform === "win32";
  return {
    python: userSetting("python"),
    path: process.env["PATH"] ?? "",
    managed: managedPython(storage),
    folders: (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath),
    windows,
  };
}

export function managedFolder(storage: string): string {
  return join(storage, "environment");
}

export function managedPython(storage: string): string {
  const folder = managedFolder(storage);
  return process.platform === "win32" ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");
}

/** A setting as the user wrote it: one that a workspace holds is not looked at. */
export function userSetting(name: string): string {
  const value = vscode.workspace.getConfiguration("tallystick").inspect<string>(name)?.globalValue;
  return typeof value === "string" ? value.trim() : "";
}
