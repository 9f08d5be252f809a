/**
 * Initiations that pass the first check (`mac1`) and nothing else, from many addresses and ports, at a steady rate:
 * `deno run -A handshake-flood.ts --to ADDRESS:PORT --key BASE64 --from A,B,C --rate PER_SECOND --seconds N [--step MS]`. They leave
 * in bursts, one a step. Prints how many
 * messages of which type came back.
 */
import { createSocket, type Socket } from "node:dgram";
import { randomBytes, randomFillSync } from "node:crypto";
import process from "node:process";
import { parseArgs } from "node:util";
import { hash, mac } from "../../agent/dataplane/wireguard/blake2s.ts";

const { values } = parseArgs({
  options: {
    to: { type: "string" },
    key: { type: "string" },
    from: { type: "string" },
    rate: { type: "string" },
    seconds: { type: "string" },
    step: { type: "string", default: "5" },
  },
});
const [address, port] = values.to!.split(":") as [string, string];
const sources = values.from!.split(",");
const rate = Number(values.rate);
const seconds = Number(values.seconds);
const stepMs = Number(values.step);
const macKey = hash(new TextEncoder().encode("mac1----"), Uint8Array.fromBase64(values.key!));

const SOCKETS_PER_SOURCE = 4;
const answers: Record<string, number> = {};
const sockets = await Promise.all(
  sources.flatMap((source) => Array.from({ length: SOCKETS_PER_SOURCE }, () => openSocket(source))),
);
/** Made beforehand: the flood must not wait for its own hashing. */
const messages = Array.from({ length: 4096 }, initiation);

const started = performance.now();
let sent = 0;
while (performance.now() - started < seconds * 1000) {
  const due = Math.floor(((performance.now() - started) / 1000) * rate);
  while (sent < due) {
    sockets[sent % sockets.length]!.send(messages[sent % messages.length]!, Number(port), address, () => {});
    sent++;
  }
  await new Promise((resolve) => setTimeout(resolve, stepMs));
}
await new Promise((resolve) => setTimeout(resolve, 200));
console.log(JSON.stringify({ sent, perSecond: Math.round((sent / (performance.now() - started)) * 1000), answers }));
process.exit(0);

function initiation(): Uint8Array {
  const message = randomFillSync(new Uint8Array(148));
  message.set([1, 0, 0, 0]);
  message.set(mac(macKey, message.subarray(0, 116)), 116);
  message.fill(0, 132);
  return message;
}

function openSocket(source: string): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.on("message", (answer) => answers[answer[0]!] = (answers[answer[0]!] ?? 0) + 1);
  socket.on("error", () => {});
  return new Promise((resolve) =>
    socket.bind(1024 + randomBytes(2).readUInt16BE() % 60_000, source, () => resolve(socket))
  );
}
