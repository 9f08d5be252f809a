import assert from "node:assert/strict";
import { PeerTable } from "../../../agent/daemon/peer-table.ts";
import { netMap, peer } from "../support/net-map.ts";

const other = new Uint8Array(32).fill(7);

Deno.test("peers are found by address, by name in any case, and by id", () => {
  const table = new PeerTable();
  table.replace(netMap({ seq: 1, peers: [peer("a", { name: "Linux-C" }), peer("b")] }));
  for (const target of ["linux-c", "Linux-C", peer("a").tailnet_ip, peer("a").id]) {
    assert.equal(table.find(target)?.peer.name, "Linux-C");
  }
  assert.equal(table.find("c"), undefined);
});

Deno.test("a row leads to its peer until the row is given up", () => {
  const table = new PeerTable();
  const [config] = table.replace(netMap({ seq: 1, peers: [peer("a")] }));
  table.observe({ type: "peer.set", peer: 4, publicKey: config!.publicKey, allowedIps: [] });
  assert.equal(table.byIndex(4)?.peer.name, "a");
  table.upsert(peer("a", { name: "renamed" }));
  assert.equal(table.byIndex(4)?.peer.name, "renamed");
  table.observe({ type: "peer.remove", peer: 4 });
  assert.equal(table.byIndex(4), undefined);
});

Deno.test("a peer with a new key gives up the old one", () => {
  const table = new PeerTable();
  const [old] = table.replace(netMap({ seq: 1, peers: [peer("a")] }));
  const { config, removedKey } = table.upsert(peer("a", { public_key: other.toBase64() }));
  assert.equal(removedKey, old!.publicKey);
  assert.deepEqual(config?.publicKey, other);
  assert.equal([...table.all()].length, 1);
  assert.deepEqual(table.remove(peer("a").id), other);
});

Deno.test("the key array of a peer stays the same through changes and whole maps", () => {
  const table = new PeerTable();
  const [first] = table.replace(netMap({ seq: 1, peers: [peer("a")] }));
  assert.equal(table.upsert(peer("a", { online: false })).config?.publicKey, first!.publicKey);
  assert.equal(table.replace(netMap({ seq: 2, peers: [peer("a")] }))[0]!.publicKey, first!.publicKey);
});

Deno.test("a peer without a usable key is left out, and addresses that are none are dropped", () => {
  const table = new PeerTable();
  const configs = table.replace(netMap({
    seq: 1,
    peers: [
      peer("a", { public_key: "nonsense" }),
      peer("b", { allowed_ips: ["x", "100.64.0.9/32"], endpoints: ["y"] }),
    ],
  }));
  assert.equal(configs.length, 1);
  assert.equal(configs[0]!.allowedIps.length, 1);
  assert.equal(configs[0]!.endpoints.length, 0);
});

Deno.test("a peer returns when it was away and has its key still", () => {
  const table = new PeerTable();
  table.replace(netMap({ seq: 1, peers: [peer("a"), peer("b", { online: false })] }));
  assert.equal(table.upsert(peer("a")).returned, false);
  assert.equal(table.upsert(peer("b")).returned, true);
  assert.equal(table.upsert(peer("c")).returned, false);
  table.upsert(peer("b", { online: false }));
  assert.equal(table.upsert(peer("b", { public_key: other.toBase64() })).returned, false);
});
