// Which program serves, and why. Pure but for the file system that it is given; starts nothing.
//
// What a workspace holds must never be started: names are looked up in absolute entries of the PATH that lie outside every
// workspace folder, and what is found there must lie outside of them too, links followed.

import { delimiter, isAbsolute, join, relative, sep } from "node:path";

/** What is asked of the file system. */
export interface Files {
  /** Whether the path is a file that may be started. */
  runs(path: string): boolean;
  /** The path with its links followed; itself where there is none such. */
  real(path: string): string;
}

export interface Where {
  /** The setting `tallystick.python`, from the user's own settings alone. */
  python: string;
  path: string;
  /** The interpreter of the environment that we made, whether or not it is there. */
  managed: string;
  /** The workspace folders. */
  folders: readonly string[];
  windows: boolean;
}

export interface Program {
  command: string;
  args: readonly string[];
  /** In words, for the log and the status. */
  from: string;
}

export interface Missing {
  missing: string;
}

export const ISOLATED = ["-I", "-m", "tallystick_server"] as const;

/** The program that serves, without the words that make it a language server. */
export function findServer(where: Where, files: Files): Program | Missing {
  const wanted = where.python.trim();
  if (wanted) {
    const python = isAbsolute(wanted) ? wanted : /[\\/]/.test(wanted) ? undefined : onPath(wanted, where, files);
    if (python === undefined || !files.runs(python)) {
      return { missing: `The setting tallystick.python names ${wanted}, which is no program that can be started.` };
    }
    return { command: python, args: ISOLATED, from: "the setting tallystick.python" };
  }
  const script = onPath("tallystick", where, files);
  if (script !== undefined) {
    return { command: script, args: [], from: "the PATH" };
  }
  if (files.runs(where.managed)) {
    return { command: where.managed, args: ISOLATED, from: "the environment that this extension made" };
  }
  return { missing: "Tallystick is not installed on this machine." };
}

/** A Python for making an environment with; `undefined` where there is none. */
export function findPython(where: Where, files: Files): string | undefined {
  return onPath("python3", where, files) ?? onPath("python", where, files);
}

function onPath(name: string, where: Where, files: Files): string | undefined {
  const file = where.windows && !name.toLowerCase().endsWith(".exe") ? `${name}.exe` : name;
  for (const entry of where.path.split(delimiter)) {
    if (!isAbsolute(entry) || inside(entry, where.folders, files)) {
      continue;
    }
    const found = join(entry, file);
    if (files.runs(found) && !inside(found, where.folders, files)) {
      return found;
    }
  }
  return undefined;
}

function inside(path: string, folders: readonly string[], files: Files): boolean {
  return folders.some((folder) => beneath(path, folder) || beneath(files.real(path), files.real(folder)));
}

function beneath(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}
