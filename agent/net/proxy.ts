import { Buffer } from "node:buffer";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

type Environment = { get(name: string): string | undefined };

const HEAD_BYTES = 16_384;

/** The proxy for one URL by the usual environment variables, whose lower case wins; undefined for none. */
export function proxyFor(target: URL, environment: Environment): URL | undefined {
  const read = (name: string) => environment.get(name.toLowerCase()) || environment.get(name) || undefined;
  if (excepted(target.hostname, read("NO_PROXY") ?? "")) return undefined;
  const text = read(isSecure(target) ? "HTTPS_PROXY" : "HTTP_PROXY");
  if (text === undefined) return undefined;
  try {
    return new URL(text.includes("://") ? text : `http://${text}`);
  } catch {
    return undefined;
  }
}

/** Opens a connection to the target's host through a proxy by CONNECT (RFC 9110 9.3.6), with TLS inside when it is due. */
export async function connectThroughProxy(proxy: URL, target: URL, withinMs: number): Promise<Socket> {
  const { hostname } = target;
  const authority = `${hostname}:${target.port || (isSecure(target) ? 443 : 80)}`;
  const socket = connectTo(proxy);
  try {
    await tunnel(socket, connectRequest(proxy, authority), withinMs);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return isSecure(target) ? connectTls({ socket, servername: hostname }) : socket;
}

function connectTo(proxy: URL): Socket {
  const host = proxy.hostname;
  if (isSecure(proxy)) return connectTls({ host, port: Number(proxy.port || 443), servername: host });
  return connectTcp({ host, port: Number(proxy.port || 80) });
}

function connectRequest({ username, password }: URL, authority: string): string {
  const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
  if (username !== "") {
    const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
    lines.push(`Proxy-Authorization: Basic ${credentials.toString("base64")}`);
  }
  return lines.join("\r\n") + "\r\n\r\n";
}

/** Resolves when the proxy has said yes; what follows on the socket is the target's. */
function tunnel(socket: Socket, request: string, withinMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let head = "";
    const fail = (reason: string) => done(() => reject(new Error(reason)));
    // Read by hand: a flowing socket would lose what comes before its next reader.
    const onReadable = () => {
      head += (socket.read() as Buffer | null)?.toString("latin1") ?? "";
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return head.length > HEAD_BYTES ? fail("the proxy's answer is too long") : undefined;
      const status = /^HTTP\/1\.\d (\d{3})/.exec(head)?.[1];
      if (status === undefined || !status.startsWith("2")) return fail(`the proxy answered ${status ?? "no HTTP"}`);
      const rest = head.slice(end + 4);
      done(resolve);
      if (rest !== "") socket.unshift(Buffer.from(rest, "latin1"));
    };
    const onError = (error: Error) => fail(`cannot reach the proxy: ${error.message}`);
    const onClose = () => fail("the proxy closed the connection");
    const timer = setTimeout(() => fail("the proxy does not answer"), withinMs);
    const done = (then: () => void) => {
      clearTimeout(timer);
      socket.off("readable", onReadable).off("error", onError).off("close", onClose);
      then();
    };
    socket.on("readable", onReadable).on("error", onError).on("close", onClose);
    socket.write(request);
  });
}

function isSecure({ protocol }: URL): boolean {
  return protocol === "https:" || protocol === "wss:";
}

function excepted(host: string, list: string): boolean {
  return list.split(",").map((entry) => entry.trim().toLowerCase()).filter((entry) => entry !== "").some((entry) => {
    const bare = entry.replace(/^\*?\./, "");
    return entry === "*" || host === bare || host.endsWith(`.${bare}`);
  });
}
