import { describe, expect, it } from "vitest";
import type { NetMapDelta } from "#protocol/netmap.ts";
import { Stream } from "./inbox.ts";
import { enrol, makeKey, newInstallation, newOrg } from "./support.ts";

async function listeningOrg() {
  const { key } = await makeKey(await newOrg());
  const installation = await newInstallation();
  const machine = await enrol(key, "listener", await installation.proof(key, "listener"));
  const { stream, map } = await Stream.joined(machine.node_key, installation.wireguardPublicKey);
  return { key, stream, map };
}

describe("a burst of changes", () => {
  it("reaches a stream in few messages that follow one another, and loses nothing", async () => {
    const { key, stream, map } = await listeningOrg();
    const names = Array.from({ length: 40 }, (_, i) => `host-${i}`);
    await Promise.all(names.map((name) => enrol(key, name)));
    const deltas: NetMapDelta[] = [];
    const heard = () => new Set(deltas.flatMap(({ upsert }) => upsert.map(({ name }) => name)));
    while (heard().size < names.length) deltas.push(await stream.takeDelta());
    expect(heard()).toEqual(new Set(names));
    expect(deltas.length).toBeLessThan(names.length / 2);
    expect(deltas.map(({ since }) => since)).toEqual([map.seq, ...deltas.slice(0, -1).map(({ seq }) => seq)]);
  });

  it("is told to who joins in its midst from the map on that it got", async () => {
    const { key, stream } = await listeningOrg();
    const installation = await newInstallation();
    const late = await enrol(key, "late", await installation.proof(key, "late"));
    const joined = await Stream.joined(late.node_key, installation.wireguardPublicKey);
    await enrol(key, "last");
    const delta = await joined.stream.takeDelta();
    expect(delta).toMatchObject({ since: joined.map.seq, upsert: [{ name: "last" }], remove: [] });
    const names: string[] = [];
    while (!names.includes("last")) names.push(...(await stream.takeDelta()).upsert.map(({ name }) => name));
    expect(names.filter((name) => name === "last")).toHaveLength(1);
  });
});
