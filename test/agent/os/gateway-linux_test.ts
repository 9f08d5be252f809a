import assert from "node:assert/strict";
import { GatewayRefused } from "../../../agent/os/gateway.ts";
import { LinuxGateway, rulesOf } from "../../../agent/os/gateway-linux.ts";
import type { NetworkPrefix } from "../../../agent/os/network.ts";
import { inPrivateNetwork, mayHavePrivateNetwork } from "./support/private-network.ts";

const pool = prefix("100.64.0.0/10");
const ignore = !mayHavePrivateNetwork || !has("nft");

function prefix(text: string): NetworkPrefix {
  const [address, bits] = text.split("/") as [string, string];
  return { address: Uint8Array.from(address.split("."), Number), bits: Number(bits) };
}

function has(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

function output(program: string, ...args: string[]): string {
  return new TextDecoder().decode(new Deno.Command(program, { args }).outputSync().stdout);
}

Deno.test("a gateway lets the tailnet out to approved prefixes only", () => {
  const rules = rulesOf("ztna0", { pool, routes: [prefix("192.168.100.0/24"), prefix("10.0.0.0/16")] });
  assert.match(rules, /iifname "ztna0" ip daddr \{ 192\.168\.100\.0\/24, 10\.0\.0\.0\/16 \} accept\n/);
  assert.match(rules, /ip saddr 100\.64\.0\.0\/10 ip daddr \{ 192\.168\.100\.0\/24, 10\.0\.0\.0\/16 \} masquerade\n/);
  assert.ok(rules.indexOf('iifname "ztna0" drop') > rules.indexOf("accept"));
});

Deno.test({
  name: "a gateway turns forwarding on, follows what is approved, and takes its rules away",
  ignore,
  fn: () =>
    inPrivateNetwork(() => {
      const forwarding = () => output("cat", "/proc/sys/net/ipv4/ip_forward").trim();
      const rules = () => output("nft", "list", "ruleset");
      const gateway = new LinuxGateway("ztna0");
      assert.deepEqual([forwarding(), rules()], ["0", ""]);
      gateway.apply({ pool, routes: [prefix("192.168.100.0/24")] });
      assert.equal(forwarding(), "1");
      assert.match(rules(), /ip saddr 100\.64\.0\.0\/10 ip daddr 192\.168\.100\.0\/24 masquerade/);
      gateway.apply({ pool, routes: [prefix("10.1.0.0/16")] });
      assert.match(rules(), /10\.1\.0\.0\/16/);
      assert.doesNotMatch(rules(), /192\.168\.100/);
      gateway.apply({ pool, routes: [] });
      assert.equal(rules(), "");
      gateway.apply({ pool, routes: [prefix("10.1.0.0/16")] });
      gateway.close();
      assert.equal(rules(), "");
    }),
});

Deno.test("a gateway says what it needs", () => {
  const path = Deno.env.get("PATH")!;
  try {
    Deno.env.set("PATH", "/nonexistent");
    assert.throws(() => new LinuxGateway("ztna0"), GatewayRefused);
    assert.throws(() => new LinuxGateway("ztna0"), /needs the program nft \(Debian: nftables\)/);
  } finally {
    Deno.env.set("PATH", path);
  }
});
