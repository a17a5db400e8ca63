// An environment of our own for people who have no Tallystick: a venv in the extension's folder. Made on their word alone.

import { spawn } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { isAbsolute } from "node:path";
import * as vscode from "vscode";
import { pythonEnvironment } from "./environment";
import { findPython } from "./find";
import { files, managedFolder, managedPython, userSetting, whereToLook } from "./here";

const INSTALL = "Install";
const BY_HAND = "How to do it by hand";

/** Asks, installs, and says what came of it. True when there is now a server that can be started. */
export async function install(storage: string, log: vscode.LogOutputChannel): Promise<boolean> {
  const python = findPython(whereToLook(storage), files);
  if (python === undefined) {
    return byHand("No Python was found on the PATH. Tallystick needs Python 3.11 or newer.");
  }
  const wanted = userSetting("package");
  if (!wanted) {
    // A name that is guessed may be somebody else's package.
    return byHand("The setting tallystick.package says what pip is to install: the absolute path of a wheel or a checkout, or a requirement.");
  }
  if (/^[-]/.test(wanted) || (/[\\/]/.test(wanted) && !isAbsolute(wanted))) {
    return byHand(`The setting tallystick.package is neither a requirement nor an absolute path: ${wanted}`);
  }
  const detail = `Makes an environment in ${managedFolder(storage)} with ${python} and installs "${wanted}" into it with pip.`;
  const choice = await vscode.window.showInformationMessage("Install the Tallystick server?", { modal: true, detail }, INSTALL, BY_HAND);
  if (choice === BY_HAND) {
    return byHand("");
  }
  if (choice !== INSTALL) {
    return false;
  }
  const options = { location: vscode.ProgressLocation.Notification, title: "Installing Tallystick", cancellable: true };
  try {
    await vscode.window.withProgress(options, (progress, token) => make(storage, python, wanted, log, progress, token));
    return true;
  } catch (error) {
    await rm(managedFolder(storage), { recursive: true, force: true });
    if (error instanceof vscode.CancellationError) {
      return false;
    }
    return byHand(`It could not be installed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function make(
  storage: string,
  python: string,
  wanted: string,
  log: vscode.LogOutputChannel,
  progress: vscode.Progress<{ message: string }>,
  token: vscode.CancellationToken,
): Promise<void> {
  await mkdir(storage, { recursive: true });
  await run(python, ["-I", "-c", "import sys; sys.exit('Python 3.11 or newer is needed' if sys.version_info < (3, 11) else 0)"], storage, log, token);
  progress.report({ message: "making the environment" });
  await run(python, ["-I", "-m", "venv", "--clear", managedFolder(storage)], storage, log, token);
  progress.report({ message: `installing ${wanted}` });
  const inside = managedPython(storage);
  await run(inside, ["-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input", wanted], storage, log, token);
  await run(inside, ["-I", "-m", "tallystick_server", "--version"], storage, log, token);
}

/** Ends well when the program does; the last line it said is the error's message. */
function run(command: string, args: readonly string[], cwd: string, log: vscode.LogOutputChannel, token: vscode.CancellationToken): Promise<void> {
  log.info([command, ...args].join(" "));
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: pythonEnvironment(process.env), stdio: ["ignore", "pipe", "pipe"] });
    let last = "";
    const hear = (data: Buffer): void => {
      for (const line of data.toString("utf8").split(/\r?\n/).filter((one) => one.trim())) {
        log.info(line);
        last = line.trim().slice(0, 300);
      }
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    const listening = token.onCancellationRequested(() => child.kill());
    child.on("error", reject);
    child.on("close", (code) => {
      listening.dispose();
      if (token.isCancellationRequested) {
        reject(new vscode.CancellationError());
      } else if (code === 0) {
        resolve();
      } else {
        reject(new Error(last || `${command} ended with ${code}`));
      }
    });
  });
}

async function byHand(problem: string): Promise<false> {
  const steps = "By hand: run `python3 -m pip install <tallystick, a wheel, or a checkout>` in an environment of yours, then set tallystick.python to its interpreter.";
  const settings = "Open the setting";
  const choice = await vscode.window.showWarningMessage(`${problem} ${steps}`.trim(), settings);
  if (choice === settings) {
    await vscode.commands.executeCommand("workbench.action.openSettings", "tallystick.python");
  }
  return false;
}
