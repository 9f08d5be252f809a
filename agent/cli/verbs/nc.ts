import { InvalidArgumentError } from "@commander-js/extra-typings";
import { type AddVerb, examples, globalFlags } from "../command.ts";
import { Failure, NOT_RUNNING } from "../failure.ts";
import { plain } from "../output.ts";
import { findPeer } from "./peers.ts";

export const addNc: AddVerb = (program, agent) => {
  program.command("nc")
    .description("join standard input and output to a TCP port of a peer")
    .argument("<peer>", "name or tailnet address")
    .argument("<port>", "1 to 65535", parsePort)
    .addHelpText("after", EXAMPLES)
    .action(async (target, port, _, command) => {
      const peers = await agent.peers(globalFlags(command));
      if (peers === undefined) throw new Failure(NOT_RUNNING);
      const { name, tailnet_ip } = findPeer(peers, target);
      await pipe(await connect(name, tailnet_ip, port));
    });
};

const EXAMPLES = examples(
  "echo PING | ztna nc Linux-C 6379",
  'ssh -o ProxyCommand="ztna nc %h %p" Linux-C',
);

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError("It must be a number from 1 to 65535");
}

async function connect(name: string, hostname: string, port: number): Promise<Deno.TcpConn> {
  try {
    return await Deno.connect({ hostname, port });
  } catch (cause) {
    const why = cause instanceof Deno.errors.ConnectionRefused ? "nothing listens there" : "no answer";
    throw new Failure(
      `cannot connect to ${plain(name)}:${port}: ${why}. Run 'ztna ping ${plain(name)}' to look further`,
    );
  }
}

/** Until the peer closes; the end of standard input is passed on and does not end it. */
async function pipe(connection: Deno.TcpConn): Promise<void> {
  // A peer that has closed takes no more: what comes after that is nobody's.
  void Deno.stdin.readable.pipeTo(connection.writable, { preventClose: true })
    .then(() => connection.closeWrite())
    .catch(() => undefined);
  await connection.readable.pipeTo(Deno.stdout.writable, { preventClose: true });
}
