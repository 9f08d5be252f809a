import { type LocalHandlers, serveLocalApi } from "../../../../agent/daemon/local-api.ts";
import { agentPaths } from "../../../../agent/daemon/paths.ts";
import { PidFile } from "../../../../agent/daemon/pid-file.ts";

/** The local API of an agent that runs for a directory, with answers of the test's own. */
export function startAgent(directory: string, handlers: Partial<LocalHandlers>): AsyncDisposable {
  const paths = agentPaths(directory);
  const pidFile = PidFile.claim(paths.pid)!;
  const notAsked = (): never => {
    throw new Error("This test's agent does not know that");
  };
  const all = {
    status: notAsked,
    peers: notAsked,
    metrics: notAsked,
    checkNetwork: notAsked,
    ping: notAsked,
    down: notAsked,
    ...handlers,
  };
  const api = serveLocalApi(paths.socket, all, () => undefined);
  return {
    async [Symbol.asyncDispose]() {
      await api.close();
      pidFile.release();
    },
  };
}
