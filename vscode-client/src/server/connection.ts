// The server's life: found, started, restarted when it dies, told about. Owns the language client and its state, no feature.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdir } from "node:fs/promises";
import * as vscode from "vscode";
import { CloseAction, ErrorAction, State, type LanguageClientOptions } from "vscode-languageclient/node";
import { ServerClient } from "./client";
import { pythonEnvironment } from "./environment";
import { findServer, type Program } from "./find";
import { files, userSetting, whereToLook } from "./here";
import { Restarts } from "./restarts";
import { withInstruction } from "../chat/instruction";
import { reportDiagnostics } from "./diagnostics";
import { sayWhatWeKnow } from "./introduce";
import type { ServerState } from "./state";


/** What `tallystick/*` and the commands are asked through. */
export class Connection implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly heard = new vscode.EventEmitter<{ method: string; params: unknown }>();
  private readonly restarts = new Restarts();
  private client: ServerClient | undefined;
  private reports: vscode.Disposable | undefined;
  private wasReady = false;
  private turn: Promise<void> = Promise.resolve();
  readonly onDidChange = this.changed.event;
  /** `tallystick/*` notifications. */
  readonly onNotification = this.heard.event;
  state: ServerState = "untrusted";
  message = "";

  constructor(
    private readonly storage: string,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /** Starts the server, or starts it anew. Nothing runs in a workspace that is not trusted. */
  restart(): Promise<void> {
    this.turn = this.turn.then(() => this.begin()).catch((error: unknown) => this.set("stopped", words(error)));
    return this.turn;
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    this.reports?.dispose();
    this.reports = undefined;
    if (client !== undefined) {
      // A client that is starting, or whose start failed, refuses to be stopped; its process ends with its streams.
      await client.dispose().catch((error: unknown) => this.log.info(words(error)));
    }
  }

  /** The server's commands; empty as long as it is not ready. */
  get commands(): readonly string[] {
    return this.client?.initializeResult?.capabilities.executeCommandProvider?.commands ?? [];
  }

  /** Rejects when the server is not ready, does not know the method, or dies before it answers. */
  request<T>(method: string, params: unknown): Promise<T> {
    if (this.client === undefined || this.state !== "ready") {
      return Promise.reject(new Error(this.message || "The server is not running."));
    }
    return this.client.sendRequest<T>(method, params);
  }

  dispose(): void {
    void this.stop();
    this.changed.dispose();
    this.heard.dispose();
  }

  private async begin(): Promise<void> {
    await this.stop();
    this.restarts.forget();
    if (!vscode.workspace.isTrusted) {
      this.set("untrusted", "Nothing starts in a workspace that you do not trust.");
      return;
    }
    const found = findServer(whereToLook(this.storage), files);
    if ("missing" in found) {
      this.set("missing", found.missing);
      return;
    }
    this.log.info(`starting ${found.command} from ${found.from}`);
    this.set("starting", "");
    await mkdir(this.storage, { recursive: true });
    const client = new ServerClient("tallystick", "Tallystick", () => Promise.resolve(this.spawn(found)), this.options());
    client.registerFeature(sayWhatWeKnow);
    for (const method of ["tallystick/event", "tallystick/status"]) {
      client.onNotification(method, (params: unknown) => this.heard.fire({ method, params }));
    }
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Running && client === this.client) {
        this.wasReady = true;
        this.reports?.dispose();
        this.reports = reportDiagnostics((params) => void client.sendNotification("tallystick/diagnostics", params).catch(() => undefined));
        this.set("ready", "");
      }
    });
    this.client = client;
    this.wasReady = false;
    try {
      await client.start();
    } catch (error) {
      // What a person can do about it stands in the log: the server's last words.
      this.log.error(words(error));
      this.set("stopped", "The server could not be started. The log says why.");
    }
  }

  private spawn(program: Program): ChildProcess {
    const model = userSetting("model");
    const args = [...program.args, "lsp", ...(model ? ["--model", model] : [])];
    // The folder is ours and empty: no workspace is the server's current folder.
    return spawn(program.command, args, { cwd: this.storage, env: pythonEnvironment(process.env), shell: false });
  }

  private options(): LanguageClientOptions {
    return {
      documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
      outputChannel: this.log,
      middleware: {
        executeCommand: async (command: string, args: unknown[], next: (command: string, args: unknown[]) => vscode.ProviderResult<unknown>) => {
          const whole = await withInstruction(command, args);
          return whole === undefined ? undefined : next(command, whole);
        },
      },
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => this.closed(),
      },
      initializationFailedHandler: (error: unknown) => {
        this.log.error(words(error));
        return false;
      },
    };
  }

  /** The server died. One that never was ready would die again. */
  private async closed(): Promise<{ action: CloseAction; handled: boolean }> {
    const pause = this.wasReady ? this.restarts.next(Date.now()) : undefined;
    if (pause === undefined) {
      this.set("stopped", this.wasReady ? "The server died too often." : "The server could not be started. The log says why.");
      return { action: CloseAction.DoNotRestart, handled: true };
    }
    this.log.warn("the server died; it is started again");
    this.wasReady = false;
    this.set("restarting", "The server ended and is started again.");
    await new Promise((resolve) => setTimeout(resolve, pause));
    return { action: CloseAction.Restart, handled: true };
  }

  private set(state: ServerState, message: string): void {
    this.state = state;
    this.message = message;
    this.changed.fire();
  }
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
