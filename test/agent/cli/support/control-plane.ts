import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ErrorCode } from "#protocol/errors.ts";
import { errorCatalogue } from "#protocol/errors.ts";

export interface Asked {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly token: string | undefined;
}

/** What is answered to a request: data, or the refusal of a code. */
export type Answer = { readonly data: unknown } | { readonly code: ErrorCode; readonly message?: string };

/**
 * A control plane that answers `path` or `path action` from a table and remembers what it was asked. It speaks the real
 * envelope; that the real one answers so is for the tests in test/worker.
 */
export async function startControlPlane(answers: Record<string, (asked: Asked) => Answer>) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => text += chunk);
    request.on("end", () => {
      const url = new URL(request.url!, "http://control-plane");
      const body = JSON.parse(text || "{}");
      const one: Asked = {
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        body,
        token: request.headers.authorization?.replace("Bearer ", ""),
      };
      asked.push(one);
      const answer = answers[`${one.path} ${body.action}`] ?? answers[one.path] ??
        ((): Answer => ({ code: "NOT_FOUND" }));
      const given: Answer = answer(one);
      const refused = "code" in given;
      const error = refused ? { code: given.code, message: given.message ?? errorCatalogue[given.code].message } : null;
      const data = refused ? null : given.data;
      response.writeHead(refused ? errorCatalogue[given.code].status : 200, { "content-type": "application/json" });
      response.end(JSON.stringify({ success: !refused, data, error }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    server,
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
