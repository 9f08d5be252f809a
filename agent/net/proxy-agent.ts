import { Agent, request } from "node:http";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";

/**
 * A way through the HTTP proxy of `HTTPS_PROXY` (or `HTTP_PROXY` for plain URLs) by CONNECT, or undefined when none is
 * set or `NO_PROXY` excepts the host.
 */
export function proxyAgent(url: string, environment: { get(name: string): string | undefined } = Deno.env) {
  const target = new URL(url);
  const proxy = proxyFor(target, environment);
  return proxy === undefined ? undefined : new TunnelAgent(proxy);
}

/** The proxy for one URL by the usual environment variables; their lower case wins. */
export function proxyFor(target: URL, environment: { get(name: string): string | undefined }): URL | undefined {
  const read = (name: string) => environment.get(name.toLowerCase()) || environment.get(name) || undefined;
  if (excepted(target.hostname, read("NO_PROXY") ?? "")) return undefined;
  const text = read(target.protocol === "https:" || target.protocol === "wss:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  if (text === undefined) return undefined;
  try {
    return new URL(text.includes("://") ? text : `http://${text}`);
  } catch {
    return undefined;
  }
}

function excepted(host: string, list: string): boolean {
  return list.split(",").map((entry) => entry.trim().toLowerCase()).filter((entry) => entry !== "").some((entry) => {
    const bare = entry.replace(/^\*?\./, "");
    return entry === "*" || host === bare || host.endsWith(`.${bare}`);
  });
}

interface ConnectOptions {
  readonly host?: string | null;
  readonly port?: number | string | null;
  readonly servername?: string;
  readonly secureEndpoint?: boolean;
}

class TunnelAgent extends Agent {
  readonly #proxy: URL;

  constructor(proxy: URL) {
    super();
    this.#proxy = proxy;
  }

  override createConnection(
    options: ConnectOptions,
    done?: (error: Error | null, socket: Duplex) => void,
  ): Duplex | null | undefined {
    const finish = done as (error: Error | null, socket?: Duplex) => void;
    const { hostname, port, username, password } = this.#proxy;
    const authority = `${options.host}:${options.port}`;
    const headers: Record<string, string> = { host: authority };
    if (username !== "") {
      headers["proxy-authorization"] = `Basic ${
        btoa(decodeURIComponent(username) + ":" + decodeURIComponent(password))
      }`;
    }
    const tunnel = request({ host: hostname, port: port || 80, method: "CONNECT", path: authority, headers });
    tunnel.once("connect", (response, socket) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        return finish(new Error(`the proxy answered ${response.statusCode}`));
      }
      const secure = options.port === 443 || options.secureEndpoint === true;
      finish(null, secure ? connect({ socket, servername: options.servername ?? options.host ?? "" }) : socket);
    });
    tunnel.once("error", (error) => finish(error));
    tunnel.end();
    return undefined;
  }
}
