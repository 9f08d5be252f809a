import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer } from "node:net";
import { WebSocketServer } from "ws";
import { proxyFor } from "../../../agent/net/proxy.ts";
import { AgentWebSocket, SOCKET_TIMINGS, type SocketClosed } from "../../../agent/net/web-socket.ts";

async function listen(server: { listen(port: number, host: string, done: () => void): unknown; address(): unknown }) {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function stop(server: { close(done: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Tries to connect and returns how it ended. */
function endOf(url: string, timings = SOCKET_TIMINGS): Promise<SocketClosed> {
  return new Promise((resolve) => {
    new AgentWebSocket(url, "secret", { onOpen: () => {}, onClosed: resolve }, timings);
  });
}

function refusing(status: number, headers: Record<string, string>, body: string): Server {
  return createServer((_request, response) => response.writeHead(status, headers).end(body)).on(
    "upgrade",
    (_request, socket) => {
      const lines = Object.entries({ ...headers, "content-length": String(body.length) });
      socket.end(`HTTP/1.1 ${status} No\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join("")}\r\n${body}`);
    },
  );
}

Deno.test("a refused upgrade gives the code and the wait of our envelope", async () => {
  const body = JSON.stringify({ success: false, data: null, error: { code: "INVALID_NODE_KEY", message: "Unknown" } });
  const server = refusing(401, { "retry-after": "7" }, body);
  const end = await endOf(`http://127.0.0.1:${await listen(server)}/api/control`);
  assert.deepEqual(end.refusal, { code: "INVALID_NODE_KEY", message: "Unknown" });
  assert.equal(end.retryAfterMs, 7_000);
  await stop(server);
});

Deno.test("a refusal that is not ours is a plain failure", async () => {
  const server = refusing(502, {}, "<html>Bad gateway</html>");
  const end = await endOf(`http://127.0.0.1:${await listen(server)}/api/control`);
  assert.equal(end.refusal, undefined);
  assert.match(end.reason!, /502/);
  await stop(server);
});

Deno.test("a server that is away is a plain failure", async () => {
  const server = createTcpServer();
  const port = await listen(server);
  await stop(server);
  assert.ok((await endOf(`http://127.0.0.1:${port}/api/control`)).reason);
});

Deno.test("the close code and its reason are handed on", async () => {
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  server.on("connection", (socket) => socket.close(4001, "INVALID_NODE_KEY"));
  const end = await endOf(`http://127.0.0.1:${await listen(http)}/`);
  assert.equal(end.code, 4001);
  assert.equal(end.reason, "INVALID_NODE_KEY");
  await stop(server);
  await stop(http);
});

Deno.test("a silent server is asked, and left when it does not answer", async () => {
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  const heard: string[] = [];
  server.on("connection", (socket) => socket.on("message", (data) => heard.push(data.toString())));
  const url = `http://127.0.0.1:${await listen(http)}/`;
  const start = performance.now();
  const end = await endOf(url, { openMs: 1_000, keepaliveMs: 60, answerMs: 60 });
  assert.match(end.reason!, /keepalive/);
  assert.deepEqual(heard, ["ping"]);
  assert.ok(performance.now() - start < 1_000);
  for (const client of server.clients) client.terminate();
  await stop(server);
  await stop(http);
});

Deno.test("a server that answers keepalives is kept, and text reaches the handler without them", async () => {
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  server.on("connection", (socket) => {
    socket.send("hello");
    socket.on("message", () => socket.send("pong"));
  });
  const texts: string[] = [];
  const url = `http://127.0.0.1:${await listen(http)}/`;
  const socket = new AgentWebSocket(url, "t", {
    onOpen: () => {},
    onText: (text) => texts.push(text),
    onClosed: ({ reason }) => texts.push(`closed: ${reason}`),
  }, { openMs: 1_000, keepaliveMs: 30, answerMs: 200 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok(socket.isOpen);
  assert.deepEqual(texts, ["hello"]);
  socket.close();
  await stop(server);
  await stop(http);
});

Deno.test("the proxy is chosen by the usual variables", () => {
  const env = (values: Record<string, string>) => ({ get: (name: string) => values[name] });
  const proxyOf = (url: string, values: Record<string, string>) => proxyFor(new URL(url), env(values))?.href;
  const both = { HTTPS_PROXY: "http://p:3128", HTTP_PROXY: "q:80" };
  assert.equal(proxyOf("https://a.example/x", both), "http://p:3128/");
  assert.equal(proxyOf("http://a.example/x", both), "http://q/");
  assert.equal(proxyOf("https://a.example/x", {}), undefined);
  assert.equal(proxyOf("https://a.example/x", { ...both, NO_PROXY: "b.example, .example" }), undefined);
  assert.equal(proxyOf("https://a.example/x", { ...both, NO_PROXY: "other.example" }), "http://p:3128/");
  assert.equal(proxyOf("https://a.example/x", { ...both, NO_PROXY: "*" }), undefined);
  assert.equal(proxyOf("https://a.example/x", { ...both, https_proxy: "http://low:1" }), "http://low:1/");
});

Deno.test("a WebSocket goes through an HTTP proxy by CONNECT", async () => {
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  server.on("connection", (socket) => socket.send("through"));
  const targetPort = await listen(http);
  const asked: string[] = [];
  const ends: (() => void)[] = [];
  const proxy = createServer().on("connect", (request, socket) => {
    asked.push(request.url!);
    const onward = connectTcp(targetPort, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
    ends.push(() => socket.destroy(), () => onward.destroy());
  });
  const proxyPort = await listen(proxy);
  Deno.env.set("HTTP_PROXY", `http://127.0.0.1:${proxyPort}`);
  try {
    const text = await new Promise<string>((resolve, reject) => {
      new AgentWebSocket(`http://target.invalid:${targetPort}/`, "t", {
        onOpen: () => {},
        onText: resolve,
        onClosed: ({ reason }) => reject(new Error(reason)),
      });
    });
    assert.equal(text, "through");
    assert.deepEqual(asked, [`target.invalid:${targetPort}`]);
  } finally {
    Deno.env.delete("HTTP_PROXY");
    for (const end of ends) end();
    for (const client of server.clients) client.terminate();
    await Promise.all([stop(server), stop(http), stop(proxy)]);
  }
});
