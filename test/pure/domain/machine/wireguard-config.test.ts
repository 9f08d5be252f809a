import { describe, expect, it } from "vitest";
import { type ConfigPeer, wireGuardConfig } from "#domain/machine/wireguard-config.ts";

const self = { name: "Linux-C", tailnetIp: "100.64.0.3", privateKey: "S".repeat(43) + "=" };
const peer: ConfigPeer = {
  name: "Win-A",
  publicKey: "A".repeat(43) + "=",
  allowedIps: ["100.64.0.1/32"],
  endpoints: [],
};

describe("the configuration for wg-quick", () => {
  it("has the machine, then each peer with its routes and endpoint", () => {
    const allowedIps = ["100.64.0.1/32", "10.0.0.0/24", "192.168.1.0/24"];
    const routed = { ...peer, allowedIps, endpoints: ["192.0.2.7:41641"] };
    expect(wireGuardConfig(self, [routed, { ...peer, name: "Win-B" }])).toBe(`[Interface]
PrivateKey = ${self.privateKey}
Address = 100.64.0.3/32
DNS = 100.100.100.100

[Peer]
# Win-A
PublicKey = ${peer.publicKey}
AllowedIPs = 100.64.0.1/32, 10.0.0.0/24, 192.168.1.0/24
Endpoint = 192.0.2.7:41641
PersistentKeepalive = 25

[Peer]
# Win-B
PublicKey = ${peer.publicKey}
AllowedIPs = 100.64.0.1/32
PersistentKeepalive = 25
`);
  });

  it("leaves a private key that is not known here for its owner to put in", () => {
    const text = wireGuardConfig({ ...self, privateKey: undefined }, []);
    expect(text).toContain("\n# PrivateKey = (it stays on Linux-C: put it here)\n");
  });

  it("takes the first endpoint that is one", () => {
    const endpointOf = (...endpoints: string[]) =>
      /Endpoint = (.*)/.exec(wireGuardConfig(self, [{ ...peer, endpoints }]))?.[1];
    expect(endpointOf("example.com:1", "192.0.2.1", "192.0.2.1:41641")).toBe("192.0.2.1:41641");
    expect(endpointOf("[2001:db8::1]:41641")).toBe("[2001:db8::1]:41641");
    expect(endpointOf("example.com:1")).toBeUndefined();
  });

  it("lets no machine smuggle a line of its own in", () => {
    const line = "\nPostUp = touch /tmp/x\r\u2028y";
    const hostile = {
      name: `a${line}`,
      publicKey: `A${line}`,
      allowedIps: [`0.0.0.0/0${line}`],
      endpoints: [`192.0.2.1:1${line}`],
    };
    const text = wireGuardConfig({ ...self, name: `me${line}`, privateKey: undefined }, [hostile]);
    expect(text.split(/[\r\n\u2028]/).filter((one) => one.startsWith("PostUp"))).toEqual([]);
    expect(text).toContain("# a?PostUp = touch /tmp/x??y\n");
    expect(text).not.toContain("Endpoint");
  });
});
