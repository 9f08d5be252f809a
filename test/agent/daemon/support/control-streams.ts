import type { Server } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import { CONTROL_PATH, type OrgMessage, readAgentMessage } from "#protocol/control/messages.ts";
import { errorCatalogue, type ErrorCode } from "#protocol/errors.ts";
import { netMap } from "../../support/net-map.ts";

/** What becomes of a stream: it is refused, or closed after the agent's greeting, or it gets a map. */
export type StreamAnswer =
  | { readonly refused: ErrorCode }
  | { readonly closed: number; readonly reason?: ErrorCode }
  | { readonly map: true };

/** Control streams of a local server, each answered by what the node key says. Remembers the node keys that came. */
export function serveStreams(server: Server, answer: (nodeKey: string) => StreamAnswer): string[] {
  const nodeKeys: string[] = [];
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, raw, head) => {
    if (request.url !== CONTROL_PATH) return raw.destroy();
    const nodeKey = request.headers.authorization!.replace("Bearer ", "");
    nodeKeys.push(nodeKey);
    const given = answer(nodeKey);
    if ("refused" in given) return raw.end(refusal(given.refused));
    sockets.handleUpgrade(request, raw, head, (socket) => serve(socket, given));
  });
  return nodeKeys;
}

function serve(socket: WebSocket, answer: Exclude<StreamAnswer, { refused: ErrorCode }>): void {
  const send = (message: OrgMessage) => socket.send(JSON.stringify(message));
  socket.on("message", (data) => {
    const message = readAgentMessage(String(data));
    if (message?.type === "bye") send({ type: "bye_heard" });
    if (message?.type !== "hello") return;
    if ("closed" in answer) socket.close(answer.closed, answer.reason);
    else send({ type: "map", map: { ...netMap({ seq: 1 }), relays: [] } });
  });
}

function refusal(code: ErrorCode): string {
  const { status, message } = errorCatalogue[code];
  const body = JSON.stringify({ success: false, data: null, error: { code, message } });
  return `HTTP/1.1 ${status} No\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}
