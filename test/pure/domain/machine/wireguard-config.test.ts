import { describe, expect, it } from "vitest";
import { OWN_PRIVATE_KEY, wireGuardConfig } from "#domain/machine/wireguard-config.ts";
import type { Peer } from "#protocol/netmap.ts";

const peer = (name: string, more: Partial<Peer> = {}): Peer => ({
  id: "5e0c1f0e-0000-4000-8000-000000000000" as Peer["id"],
  name,
  tailnet_ip: "100.64.0.2",
  public_key: "P".repeat(43) + "=",
  allowed_ips: ["100.64.0.2/32"],
  endpoints: [],
  relay_region: null,
  online: true,
  os: null,
  ...more,
});
const config = (...peers: Peer[]) => wireGuardConfig({ address: "100.64.0.1", privateKey: "", peers });

describe("the configuration for wg-quick", () => {
  it("says where the private key belongs when only the machine has it", () => {
    expect(config()).toBe(
      `[Interface]\nPrivateKey = ${OWN_PRIVATE_KEY}\nAddress = 100.64.0.1/32\nDNS = 100.100.100.100\n`,
    );
  });

  it("lists who is online and has a key, with approved routes", () => {
    const text = config(
      peer("a", { allowed_ips: ["100.64.0.2/32", "10.0.0.0/24"] }),
      peer("off", { online: false }),
      peer("bare", { public_key: "" }),
    );
    expect(text.match(/# .*/g)).toEqual(["# a"]);
    expect(text).toContain("AllowedIPs = 100.64.0.2/32, 10.0.0.0/24\n");
  });

  it("takes the first endpoint that is one, never a line somebody smuggles in", () => {
    const smuggled = "192.0.2.1:1\nPostUp = touch /tmp/x";
    const endpointOf = (...endpoints: string[]) => /Endpoint = (.*)/.exec(config(peer("a", { endpoints })))?.[1];
    expect(endpointOf(smuggled, "192.0.2.1:41641")).toBe("192.0.2.1:41641");
    expect(endpointOf("[2001:db8::1]:41641")).toBe("[2001:db8::1]:41641");
    expect(config(peer("a", { endpoints: [smuggled, "example.com:1", "192.0.2.1"] }))).not.toMatch(/PostUp|Endpoint/);
  });
});
