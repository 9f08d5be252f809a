import * as v from "valibot";
import type { Endpoint, RequestOf, ResponseOf } from "#protocol/api/endpoint.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { localDown, localMetrics, localPeers, localPing, localStatus } from "#protocol/local/daemon.ts";
import { localNetCheck } from "#protocol/local/net-check.ts";
import type { Log } from "./log.ts";
import { removeFile } from "./private-file.ts";

/** What the CLI may ask of this agent. */
export interface LocalHandlers {
  status(): ResponseOf<typeof localStatus>;
  peers(): ResponseOf<typeof localPeers>;
  metrics(): ResponseOf<typeof localMetrics>;
  checkNetwork(): Promise<ResponseOf<typeof localNetCheck>>;
  ping(input: RequestOf<typeof localPing>): Promise<ResponseOf<typeof localPing>>;
  down(): Promise<ResponseOf<typeof localDown>>;
}

export interface LocalApi {
  close(): Promise<void>;
}

/** Longest path of a unix socket on Linux and macOS, without the closing zero. */
const SOCKET_PATH_BYTES = 103;
const BODY_BYTES = 16_384;

/** Serves the local API on a unix socket that only its owner can open. */
export function serveLocalApi(path: string, handlers: LocalHandlers, log: Log): LocalApi {
  if (new TextEncoder().encode(path).length > SOCKET_PATH_BYTES) {
    throw new Error(`The path ${path} is too long for a socket. Set QUICKZTNA_CONFIG_DIR to a shorter directory.`);
  }
  const routes: Route[] = [
    route(localStatus, () => handlers.status()),
    route(localPeers, () => handlers.peers()),
    route(localMetrics, () => handlers.metrics()),
    route(localNetCheck, () => handlers.checkNetwork()),
    route(localPing, (input) => handlers.ping(input)),
    route(localDown, () => handlers.down()),
  ];
  // The agent that left it is gone: the pid file is locked by this one.
  removeFile(path);
  const mask = Deno.umask(0o177);
  try {
    const server = Deno.serve({ path, onListen: () => {} }, (request) => answer(routes, request, log));
    return { close: () => server.shutdown() };
  } finally {
    Deno.umask(mask);
  }
}

interface Route {
  readonly endpoint: Endpoint;
  readonly handle: (input: unknown) => Promise<unknown>;
}

function route<E extends Endpoint>(
  endpoint: E,
  handler: (input: RequestOf<E>) => ResponseOf<E> | Promise<ResponseOf<E>>,
): Route {
  return {
    endpoint,
    handle: async (input) => {
      const parsed = v.safeParse(endpoint.request, input);
      if (!parsed.success) throw new ZtnaError("INVALID_INPUT", parsed.issues[0].message);
      return await handler(parsed.output as RequestOf<E>);
    },
  };
}

async function answer(routes: readonly Route[], request: Request, log: Log): Promise<Response> {
  try {
    const { pathname } = new URL(request.url);
    const found = routes.find(({ endpoint }) => endpoint.path === pathname && endpoint.method === request.method);
    if (found === undefined) throw new ZtnaError("NOT_FOUND");
    const data = await found.handle(request.method === "POST" ? await readBody(request) : {});
    return Response.json({ success: true, data, error: null });
  } catch (error) {
    const known = error instanceof ZtnaError ? error : new ZtnaError("INTERNAL_ERROR", undefined, { cause: error });
    if (known.code === "INTERNAL_ERROR") log("error", "local_api.failed", { message: String(error) });
    const { code, message, details, status } = known;
    return Response.json({ success: false, data: null, error: { ...details, code, message } }, { status });
  }
}

async function readBody(request: Request): Promise<unknown> {
  const text = await request.text();
  if (text.length > BODY_BYTES) throw new ZtnaError("PAYLOAD_TOO_LARGE");
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ZtnaError("INVALID_JSON", undefined, { cause });
  }
}
