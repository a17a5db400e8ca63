// What we tell the server of ourselves beyond the standard: that we show `tallystick/status`.

import type { ClientCapabilities, StaticFeature } from "vscode-languageclient/node";

export const sayWhatWeKnow: StaticFeature = {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    const known: unknown = capabilities.experimental;
    const others = typeof known === "object" && known !== null ? known : {};
    capabilities.experimental = { ...others, tallystick: { status: true } };
  },
  initialize(): void {
    // Nothing of this depends on the server's answer.
  },
  getState() {
    return { kind: "static" };
  },
  clear(): void {
    // Nothing is held.
  },
};
