// One session of the engine, over `tallystick/*`. Owns its id: opened at the first prompt, taken up again after the server died.

import type { Connection } from "../server/connection";
import type { Operation } from "../protocol.gen";

/** What the server answered instead, in words for the user. */
export class Refused extends Error {}

export class Session {
  private open = false;

  constructor(
    private readonly connection: Pick<Connection, "request">,
    /** Of a session that was open before; empty for a new one. */
    public id: string,
  ) {}

  /** Submits one operation; opens the session first where it is not. Rejects with `Refused`. */
  async submit(operation: Operation, workspace: string): Promise<void> {
    try {
      if (!this.open) {
        await this.begin(workspace);
      }
      await this.connection.request("tallystick/submit", { sessionId: this.id, operation });
    } catch (error) {
      throw new Refused(words(error));
    }
  }

  /** The server that had it is gone. */
  lost(): void {
    this.open = false;
  }

  async close(): Promise<void> {
    if (this.open) {
      this.open = false;
      await this.connection.request("tallystick/closeSession", { sessionId: this.id }).catch(() => undefined);
    }
  }

  private async begin(workspace: string): Promise<void> {
    const resume = this.id ? { resume: this.id } : {};
    // Events come before the answer does: the id is known from them too.
    const opened = await this.connection.request<{ sessionId: string }>("tallystick/openSession", { workspace, ...resume });
    this.id = opened.sessionId;
    this.open = true;
  }
}

function words(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const data: unknown = "data" in error ? error.data : undefined;
  const remedy: unknown = typeof data === "object" && data !== null && "remedy" in data ? data.remedy : "";
  return `${error.message} ${typeof remedy === "string" ? remedy : ""}`.trim();
}
