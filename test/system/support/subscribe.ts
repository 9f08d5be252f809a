import { WebSocket } from "ws";
import { REALTIME_PATH, REALTIME_TOKEN_PROTOCOL } from "#protocol/realtime.ts";

/* A program of its own, because it must stand inside a host's namespace: prints each message it hears as a line. */

const { URL: url, ORG_ID: orgId, TOKEN: token, CHANNELS: channels } = process.env;
const address = `${url!.replace(/^http/, "ws")}${REALTIME_PATH}?org_id=${orgId}`;
const socket = new WebSocket(address, [`${REALTIME_TOKEN_PROTOCOL}${token}`]);
socket.on("open", () => socket.send(JSON.stringify({ type: "subscribe", channels: channels!.split(",") })));
socket.on("message", (data: Buffer) => console.log(data.toString()));
socket.on("error", (error) => console.error(error.message));
socket.on("close", () => process.exit(1));
// Longer than the server's patience with a silent socket is no test's business.
setInterval(() => socket.send(JSON.stringify({ type: "ping" })), 20_000);
