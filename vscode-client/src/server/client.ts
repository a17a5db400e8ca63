// The language client. Owns one thing that it does otherwise: a request that meets a server which is just ending is no news.

import type { CancellationToken } from "vscode";
import { LanguageClient, type MessageSignature } from "vscode-languageclient/node";

export class ServerClient extends LanguageClient {
  /** The state of the server is told by itself; an error message for each request under way would only hide it. */
  override handleFailedRequest<T>(
    type: MessageSignature,
    token: CancellationToken | undefined,
    error: unknown,
    defaultValue: T,
    showNotification?: boolean,
    throwOnCancel?: boolean,
  ): T {
    const gone = error instanceof Error && /^Connection is (closed|disposed)/.test(error.message);
    return gone ? defaultValue : super.handleFailedRequest(type, token, error, defaultValue, showNotification, throwOnCancel);
  }
}
