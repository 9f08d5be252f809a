import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    mailServer: string;
  }
}

/**
 * A mail provider for the tests, on loopback. `POST /<box>` takes a mail, `GET /<box>` shows what came; the box `broken`
 * answers 500 and the box `silent` never.
 */
export default async function setup(project: TestProject): Promise<() => void> {
  const boxes = new Map<string, unknown[]>();
  const server = createServer(async (request, response) => {
    const box = request.url ?? "/";
    if (box === "/silent") return;
    const mails = boxes.get(box) ?? [];
    boxes.set(box, mails);
    if (request.method === "POST") mails.push(await readMail(request));
    response.writeHead(box === "/broken" ? 500 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(request.method === "POST" ? { id: mails.length } : mails));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  project.provide("mailServer", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return () => {
    server.closeAllConnections();
    server.close();
  };
}

async function readMail(request: IncomingMessage) {
  const body: unknown = JSON.parse((await buffer(request)).toString());
  return { authorization: request.headers.authorization ?? null, body };
}
