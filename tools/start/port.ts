import { createServer } from "node:net";

/** Throws one clear line when nothing can listen there. */
export function ensurePortFree(host: string, port: number): Promise<void> {
  return new Promise((settle, refuse) => {
    const server = createServer();
    server.once("error", ({ code }: NodeJS.ErrnoException) => refuse(new Error(reason(code, host, port))));
    server.listen(port, host, () => server.close(() => settle()));
  });
}

function reason(code: string | undefined, host: string, port: number): string {
  switch (code) {
    case "EADDRINUSE":
      return `Port ${port} is in use. Stop what listens there, or choose another: npm start -- --port ${port + 1}`;
    case "EACCES":
      return `Port ${port} needs more rights. Choose one above 1023: npm start -- --port 8787`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `This machine has no address ${host}. Use --host localhost or --host 0.0.0.0`;
    default:
      return `Cannot listen on ${host}:${port} (${code})`;
  }
}
