import { createSocket } from "node:dgram";
import { once } from "node:events";

/** Answers binding requests with the address they come from, by the letter of RFC 8489 and not by our own codec. */
export async function startStunServer(): Promise<Disposable & { readonly address: string }> {
  const socket = createSocket("udp4");
  socket.on("message", (request, { address, port }) => {
    const cookie = [0x21, 0x12, 0xa4, 0x42];
    const ip = address.split(".").map((part, i) => Number(part) ^ cookie[i]!);
    const mapped = [0, 1, (port >> 8) ^ 0x21, (port & 255) ^ 0x12, ...ip];
    const answer = [1, 1, 0, 12, ...cookie, ...request.subarray(8, 20), 0, 0x20, 0, 8, ...mapped];
    socket.send(new Uint8Array(answer), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { address: `127.0.0.1:${socket.address().port}`, [Symbol.dispose]: () => void socket.close() };
}
