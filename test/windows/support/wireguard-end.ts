import { randomBytes } from "node:crypto";
import { selectX25519 } from "../../../agent/crypto/select-x25519.ts";
import { DataLink } from "../../../agent/daemon/data-link.ts";
import { windowsLink } from "../../../agent/daemon/link-windows.ts";
import type { DataEvent, Endpoint, Fault } from "../../../agent/dataplane/link.ts";
import { WireGuardDevice } from "../../../agent/dataplane/wireguard/device.ts";
import { createControlOutbox } from "../../../agent/dataplane/wireguard/outbox.ts";
import { DoubleFarSide, wintunFile } from "./doubles.ts";

/** One end of a tunnel as an agent has it: the control thread's WireGuard here, a data thread, WinTun's double. */
export class WireGuardEnd {
  readonly link: DataLink;
  readonly far: DoubleFarSide;
  readonly device: WireGuardDevice;
  readonly faults: Fault[];
  readonly #out = createControlOutbox();
  #timer: ReturnType<typeof setTimeout> | undefined;

  private constructor(link: DataLink, faults: Fault[]) {
    this.link = link;
    this.faults = faults;
    this.far = new DoubleFarSide(link.interfaceName);
    this.device = new WireGuardDevice({
      privateKey: new Uint8Array(randomBytes(32)),
      randomBytes: (size) => new Uint8Array(randomBytes(size)),
      x25519: selectX25519(() => performance.now()),
      cells: link.counters.cells,
      drops: link.counters.drops,
      timings: { directAttemptMs: 1000, directRetryMs: 5000 },
      wallClock: Date.now,
    });
  }

  static async open(): Promise<WireGuardEnd> {
    const faults: Fault[] = [];
    const opened = Promise.withResolvers<WireGuardEnd>();
    const onEvent = (event: DataEvent | Fault) => {
      if (event.type === "fault") faults.push(event);
      else void opened.promise.then((end) => end.#handle(event));
    };
    const tun = { kind: "kernel", name: "ztna0", mtuBytes: 1420, library: wintunFile } as const;
    const link = await DataLink.open({ tun, listenPort: 0, onEvent }, windowsLink);
    opened.resolve(new WireGuardEnd(link, faults));
    return await opened.promise;
  }

  /** Where its UDP socket is. */
  get endpoint(): Endpoint {
    return { address: Uint8Array.of(...new Uint8Array(10), 255, 255, 127, 0, 0, 1), port: this.link.localPort };
  }

  /** Knows another end from now on, whose packets come from 100.64.0.`host`. */
  meet({ device, endpoint }: WireGuardEnd, host: number): void {
    const allowedIps = [{ address: Uint8Array.of(100, 64, 0, host), bits: 32 }];
    const peer = { publicKey: device.publicKey, allowedIps, endpoints: [endpoint], relay: false };
    this.device.setPeers([peer], performance.now(), this.#out);
    this.#drain();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.link.close();
  }

  #handle(event: DataEvent): void {
    this.device.handleEvent(event, performance.now(), this.#out);
    this.#drain();
  }

  #drain(): void {
    for (const command of this.#out.commands.splice(0)) this.link.send(command);
    this.#out.events.length = 0;
    const next = this.device.nextTimeout();
    clearTimeout(this.#timer);
    if (next !== undefined) this.#timer = setTimeout(() => this.#tick(), Math.max(0, next - performance.now()));
  }

  #tick(): void {
    this.device.handleTimeout(performance.now(), this.#out);
    this.#drain();
  }
}
