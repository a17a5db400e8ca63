// The states of the server as the user is told them.

export type ServerState = "untrusted" | "missing" | "starting" | "ready" | "restarting" | "stopped";
