// A session over a server that is started anew.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Session } from "../src/chat/session";
import { keepsSessions, type ServerState } from "../src/server/state";

/** A server's process, as far as sessions go: it knows those that were opened in it. */
class Process {
  readonly opened: unknown[] = [];
  private readonly known = new Set<string>();

  request<T>(method: string, params: unknown): Promise<T> {
    const given = params as { sessionId?: string; resume?: string };
    if (method === "tallystick/openSession") {
      const sessionId = given.resume ?? "s-new";
      this.opened.push(params);
      this.known.add(sessionId);
      return Promise.resolve({ sessionId } as T);
    }
    return this.known.has(given.sessionId ?? "") ? Promise.resolve(null as T) : Promise.reject(new Error("sessionId names no open session"));
  }
}

test("a session goes on in the next server once it is known to be lost", async () => {
  let server = new Process();
  const session = new Session({ request: (method, params) => server.request(method, params) }, "");
  await session.submit({ kind: "cancel" }, "file:///w");
  await session.submit({ kind: "cancel" }, "file:///w");
  assert.deepEqual(server.opened, [{ workspace: "file:///w" }]);
  server = new Process();
  await assert.rejects(session.submit({ kind: "cancel" }, "file:///w"), /names no open session/);
  session.lost();
  await session.submit({ kind: "cancel" }, "file:///w");
  assert.deepEqual(server.opened, [{ workspace: "file:///w", resume: "s-new" }]);
});

test("every way to another server loses the sessions", () => {
  const states: ServerState[] = ["untrusted", "missing", "starting", "ready", "restarting", "stopped"];
  assert.deepEqual(states.filter(keepsSessions), ["ready"]);
});
