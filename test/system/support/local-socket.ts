import { request } from "node:http";
import { join } from "node:path";
import type { Fetch } from "#protocol/api/call.ts";
import type { Host } from "../../../tools/lab/host.ts";

/** HTTP to the agent on a host, as its command line speaks it. */
export function agentOn(host: Host): Fetch {
  const socketPath = join(host.home, ".config/ztna/ztna.sock");
  return (url, { method = "GET", body }) =>
    new Promise((settle, fail) => {
      const { pathname, search } = new URL(url);
      const asked = request({ socketPath, method, path: pathname + search }, async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk as Buffer);
        settle(new Response(Buffer.concat(chunks), { status: response.statusCode ?? 500 }));
      });
      asked.on("error", fail);
      asked.end(body as string | undefined);
    });
}
