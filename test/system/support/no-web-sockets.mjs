/** A proxy before the control plane that knows plain HTTP only: `node no-web-sockets.mjs <port> <origin>`. */
import { createServer, request } from "node:http";

const [port, origin] = process.argv.slice(2);
const server = createServer((incoming, outgoing) => {
  const { method, headers, url } = incoming;
  const forwarded = request(origin + url, { method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode, answer.headers);
    answer.pipe(outgoing);
  });
  forwarded.on("error", () => outgoing.destroy());
  incoming.pipe(forwarded);
});
server.on("upgrade", (_, socket) => socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n"));
server.listen(Number(port), "0.0.0.0", () => console.log("listening"));
