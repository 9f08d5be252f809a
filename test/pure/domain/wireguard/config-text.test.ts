import { expect, test } from "vitest";
import { wireGuardConfigText } from "#domain/wireguard/config-text.ts";

const self = { name: "Linux-C", tailnetIp: "100.64.0.3", privateKey: "S".repeat(43) + "=" };
const peer = {
  name: "Win-A",
  publicKey: "A".repeat(43) + "=",
  tailnetIp: "100.64.0.1",
  routes: [],
  endpoint: undefined,
};

test("a configuration has the machine, then each peer with its routes and endpoint", () => {
  const routed = { ...peer, routes: ["10.0.0.0/24", "192.168.1.0/24"], endpoint: "192.0.2.7:41641" };
  expect(wireGuardConfigText(self, [routed, { ...peer, name: "Win-B" }])).toBe(`[Interface]
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

test("a private key that is not known here is left for its owner to put in", () => {
  const text = wireGuardConfigText({ ...self, privateKey: undefined }, []);
  expect(text).toContain("\n# PrivateKey = (it stays on Linux-C: put it here)\n");
});

test("a name cannot add a line to the configuration", () => {
  const text = wireGuardConfigText(self, [{ ...peer, name: "evil\nPostUp = rm -rf /\r\u2028x" }]);
  expect(text.split("\n").filter((line) => line.startsWith("PostUp"))).toEqual([]);
  expect(text).toContain("# evil?PostUp = rm -rf /??x\n");
});
