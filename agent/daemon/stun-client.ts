import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import {
  type MappedAddress,
  readBindingResponse,
  STUN_PORT,
  TRANSACTION_BYTES,
  writeBindingRequest,
} from "#protocol/stun/binding.ts";

export interface StunAnswer {
  /** `host:port`. */
  readonly server: string;
  readonly seen: MappedAddress;
}

export interface StunAnswers {
  /** In the order they came. */
  readonly answers: readonly StunAnswer[];
  readonly localPort: number;
}

/** A datagram may get lost; each server is asked again after these pauses. */
const REPEAT_MS = [0, 300, 900];
const ANSWER_MS = 3_000;

/** Asks all servers from one socket, and waits for those that answer in time. */
export async function askStun(servers: readonly string[], answerMs = ANSWER_MS): Promise<StunAnswers> {
  const socket = createSocket("udp4");
  try {
    socket.bind(0);
    await once(socket, "listening");
    const answers: StunAnswer[] = [];
    await Promise.all(servers.map((server) => ask(socket, server, answerMs, (seen) => answers.push({ server, seen }))));
    return { answers, localPort: socket.address().port };
  } finally {
    socket.close();
  }
}

function ask(socket: Socket, server: string, answerMs: number, onSeen: (seen: MappedAddress) => void): Promise<void> {
  const transaction = new Uint8Array(randomBytes(TRANSACTION_BYTES));
  const request = writeBindingRequest(transaction);
  const { host, port } = serverAddress(server);
  return new Promise((resolve) => {
    const timers: ReturnType<typeof setTimeout>[] = [];
    const end = () => {
      timers.forEach(clearTimeout);
      socket.off("message", handle);
      resolve();
    };
    const handle = (bytes: Uint8Array) => {
      const seen = readBindingResponse(bytes, transaction);
      if (seen === undefined) return;
      onSeen(seen);
      end();
    };
    socket.on("message", handle);
    // A name that is not found, or a network that takes no UDP, is no answer.
    const send = () => socket.send(request, port, host, () => undefined);
    timers.push(...REPEAT_MS.map((pause) => setTimeout(send, pause)), setTimeout(end, answerMs));
  });
}

function serverAddress(text: string): { host: string; port: number } {
  const [host = "", port = ""] = text.split(":");
  return { host, port: Number(port) || STUN_PORT };
}
