import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { DataLink, type DataLinkOptions } from "../../../agent/daemon/data-link.ts";
import { linuxLink } from "../../../agent/daemon/link-linux.ts";
import type { DataEvent, Endpoint, Fault } from "../../../agent/dataplane/link.ts";

const echoWorker = () => new Worker(new URL("./support/echo-worker.ts", import.meta.url), { type: "module" });
const memory = { kind: "memory", mtuBytes: 1420 } as const;

async function open(
  options: Partial<DataLinkOptions> = {},
): Promise<{ link: DataLink; events: (DataEvent | Fault)[] }> {
  const events: (DataEvent | Fault)[] = [];
  const link = await DataLink.open(
    { tun: memory, listenPort: 0, threads: 1, onEvent: (event) => events.push(event), ...options },
    { ...linuxLink, startWorker: echoWorker },
  );
  return { link, events };
}

function local(link: DataLink): Endpoint {
  return { address: Uint8Array.of(...new Uint8Array(10), 255, 255, 127, 0, 0, 1), port: link.localPort };
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!condition()) {
    ok(performance.now() < end, "waited too long");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function packet(number: number): Uint8Array {
  return Uint8Array.from({ length: 100 + number % 1000 }, (_, at) => at < 2 ? number >> (8 * at) : 0x45);
}

for (const threads of [1, 2] as const) {
  const each = threads === 1 ? "one data thread each" : "a data thread for each direction";
  Deno.test(`Packets cross over UDP with ${each}, all and in order`, async () => await crossUdp(threads));
}

async function crossUdp(threads: 1 | 2): Promise<void> {
  const [a, b] = [await open({ threads }), await open({ threads })];
  a.link.send({ type: "path.set", peer: 0, path: { via: "udp", endpoint: local(b.link) } });
  a.link.send({ type: "keepalive.send", peer: 0 });
  await until(() => a.events.length === 1);
  const received: Uint8Array[] = [];
  const collect = () => received.push(...b.link.memoryTun!.collect());
  for (let sent = 0; sent < 2000; sent++) {
    ok(a.link.memoryTun!.push(packet(sent)));
    await until(() => sent - collect() < 200);
  }
  await until(() => collect() >= 2000);
  deepEqual(received, Array.from({ length: 2000 }, (_, number) => packet(number)));
  await until(() => b.events.length === 2000);
  deepEqual(b.events[0], { type: "path.learned", peer: 0, path: { via: "udp", endpoint: local(a.link) } });
  await a.link.close();
  await b.link.close();
}

Deno.test("The data thread tells time as the control thread does", async () => {
  const { link, events } = await open();
  const before = performance.now();
  link.send({ type: "keepalive.send", peer: 0 });
  await until(() => events.length === 1);
  const [event] = events;
  const told = event?.type === "session.confirmed" ? event.localIndex : 0;
  ok(told >= Math.floor(before) - 1 && told <= performance.now() + 1, `${before} ${told} ${performance.now()}`);
  await link.close();
});

Deno.test("A control thread that does not listen loses relayed packets, counted, and nothing else", async () => {
  const { link, events } = await open();
  link.send({ type: "path.set", peer: 0, path: { via: "relay" } });
  for (let sent = 0; sent < 900; sent++) link.send({ type: "packet.inject", bytes: new Uint8Array(1100) });
  const injected = link.drops()["link.full"];
  for (let asked = 0; asked < 3000; asked++) {
    // Busy on purpose: no event is taken meanwhile.
    link.send({ type: "packet.inject", bytes: new Uint8Array(1100) });
    link.send({ type: "keepalive.send", peer: 0 });
  }
  await until(() => events.filter(({ type }) => type === "session.confirmed").length === 3000);
  const relayed = events.filter(({ type }) => type === "relay.send").length;
  await until(() => link.drops()["link.full"] === 3900 - relayed);
  ok(link.drops()["link.full"] > injected);
  await link.close();
});

Deno.test("A taken port is replaced by a free one", async () => {
  const first = await open();
  const second = await open({ listenPort: first.link.localPort });
  ok(second.link.localPort > 0);
  ok(second.link.localPort !== first.link.localPort);
  await first.link.close();
  await second.link.close();
});

Deno.test("A datagram the system refuses is counted and the thread goes on", async () => {
  const { link, events } = await open();
  const nowhere = { ...local(link), port: 0 };
  link.send({ type: "path.set", peer: 0, path: { via: "udp", endpoint: nowhere } });
  link.send({ type: "packet.inject", bytes: new Uint8Array(100) });
  link.send({ type: "keepalive.send", peer: 0 });
  await until(() => events.length === 1);
  await until(() => link.drops()["udp.refused"] === 1);
  await link.close();
});

Deno.test("Closing wakes an idle thread, and no event comes after it", async () => {
  const tookMs: number[] = [];
  for (let round = 0; round < 5; round++) {
    const { link, events } = await open();
    await new Promise((resolve) => setTimeout(resolve, 30));
    const start = performance.now();
    await link.close();
    tookMs.push(performance.now() - start);
    link.send({ type: "keepalive.send", peer: 0 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    equal(events.length, 0);
  }
  // Without the wake each would take as long as the thread sleeps; the best of five forgives a busy host.
  ok(Math.min(...tookMs) < 60, `${tookMs} ms`);
});

for (const threads of [1, 2] as const) {
  Deno.test(`A bug in the data plane becomes one fault event, threads: ${threads}`, async () => {
    const { link, events } = await open({ threads });
    equal(link.threads, threads);
    link.send({ type: "sessions.drop", peer: 0 });
    await until(() => events.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const [event, ...more] = events;
    ok(event?.type === "fault" && event.where === "worker" && /a bug in the plane/.test(event.message));
    deepEqual(more, []);
    await link.close();
  });
}

Deno.test("A fault is told even when nobody took what was told before it", async () => {
  const { link, events } = await open();
  link.send({ type: "path.set", peer: 0, path: { via: "relay" } });
  // Busy on purpose: no event is taken meanwhile, and the ring of events is full.
  while (link.drops()["link.full"] === 0) link.send({ type: "packet.inject", bytes: new Uint8Array(1100) });
  link.send({ type: "sessions.drop", peer: 0 });
  for (const end = performance.now() + 100; performance.now() < end;);
  await until(() => events.at(-1)?.type === "fault");
  await link.close();
});

Deno.test("A worker that cannot start rejects the opening", async () => {
  const broken = () => new Worker("data:text/javascript,throw new Error('no luck')", { type: "module" });
  await rejects(
    DataLink.open({ tun: memory, listenPort: 0, onEvent: () => {} }, { ...linuxLink, startWorker: broken }),
    /data thread failed.*no luck/,
  );
});

Deno.test("A process that exits without closing is not held up", async () => {
  const script = new URL("./support/exit-without-close.ts", import.meta.url);
  const heldMs: number[] = [];
  for (let round = 0; round < 3; round++) {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", script.href] }).output();
    heldMs.push(performance.timeOrigin + performance.now() - Number(new TextDecoder().decode(stdout)));
    equal(code, 3);
  }
  ok(Math.min(...heldMs) < 200, `${heldMs} ms`);
});

Deno.test({
  name: "Without the right to make a TUN the opening is refused in one line",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0,
  fn: async () => {
    const script = new URL("./support/open-kernel-tun.ts", import.meta.url);
    const { stdout } = await new Deno.Command("setpriv", {
      args: ["--bounding-set=-net_admin", Deno.execPath(), "run", "-A", script.href],
    }).output();
    match(new TextDecoder().decode(stdout), /^TunUnavailable: Cannot make a TUN interface: no permission\. .*\n$/);
  },
});
