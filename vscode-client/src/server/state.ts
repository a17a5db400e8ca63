// The states of the server as the user is told them.

export type ServerState = "untrusted" | "missing" | "starting" | "ready" | "restarting" | "stopped";

/** Whether what was open in the server may be open still. A start, also one that nobody noticed, is another process. */
export function keepsSessions(state: ServerState): boolean {
  return state === "ready";
}
