import type { ResponseOf } from "#protocol/api/endpoint.ts";
import type { localPing } from "#protocol/local/daemon.ts";
import { type DataCommand, type DataEvent, ECHO_ID } from "../dataplane/link.ts";
import { parseIpv4 } from "./address-text.ts";
import { buildEchoRequest } from "./echo-packet.ts";

type PingResult = ResponseOf<typeof localPing>;

interface Probe {
  readonly sentAt: number;
  readonly finish: (result: Pick<PingResult, "outcome" | "ms" | "via">) => void;
}

/** Sends echo requests of our own into the tunnel and matches the replies by sequence number. */
export class Pinger {
  readonly #send: (command: DataCommand) => void;
  readonly #probes = new Map<number, Probe>();
  #sequence = 0;

  constructor(send: (command: DataCommand) => void) {
    this.#send = send;
  }

  async ping(from: string, to: string, timeoutMs: number): Promise<PingResult> {
    const [source, destination] = [parseIpv4(from), parseIpv4(to)];
    if (source === undefined || destination === undefined) {
      return { outcome: "unreachable", ms: 0, via: "tunnel", tailnet_ip: to };
    }
    if (from === to) return { outcome: "reply", ms: 0, via: "tunnel", tailnet_ip: to };
    const sequence = this.#sequence = (this.#sequence + 1) & 0xffff;
    const result = await new Promise<Parameters<Probe["finish"]>[0]>((resolve) => {
      const timer = setTimeout(() => resolve({ outcome: "timeout", ms: timeoutMs, via: "tunnel" }), timeoutMs);
      const finish: Probe["finish"] = (value) => {
        clearTimeout(timer);
        resolve(value);
      };
      this.#probes.set(sequence, { sentAt: performance.now(), finish });
      this.#send({
        type: "packet.inject",
        bytes: buildEchoRequest({ source, destination, id: ECHO_ID, sequence }),
      });
    });
    this.#probes.delete(sequence);
    return { ...result, tailnet_ip: to };
  }

  handleReply({ sequence, via }: Extract<DataEvent, { type: "echo.received" }>): void {
    const probe = this.#probes.get(sequence);
    probe?.finish({
      outcome: "reply",
      ms: performance.now() - probe.sentAt,
      via: via === "udp" ? "direct" : "relayed",
    });
  }
}
