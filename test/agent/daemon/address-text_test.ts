import assert from "node:assert/strict";
import { formatEndpoint, parseEndpoint, parseIpv6, parsePrefix } from "../../../agent/daemon/address-text.ts";

Deno.test("endpoints keep their text through bytes", () => {
  for (
    const text of ["192.0.2.1:41641", "[2001:db8::1]:1", "[fe80::1:0:0:2]:65535", "[::1]:80", "[1:2:3:4:5:6:7:8]:9"]
  ) {
    assert.equal(formatEndpoint(parseEndpoint(text)!), text);
  }
});

Deno.test("text that is no endpoint is undefined", () => {
  for (
    const text of [
      "",
      "1.2.3.4",
      "1.2.3:80",
      "1.2.3.256:80",
      "1.2.3.4:0",
      "1.2.3.4:65536",
      "[::1]",
      "[::g]:1",
      "::1:80",
    ]
  ) {
    assert.equal(parseEndpoint(text), undefined, text);
  }
});

Deno.test("IPv6 text of every form is read", () => {
  const cases: [string, string | undefined][] = [
    ["::", "00".repeat(16)],
    ["::1", "00".repeat(15) + "01"],
    ["1::", "0001" + "00".repeat(14)],
    ["2001:db8::8:800:200c:417a", "20010db80000000000080800200c417a"],
    ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201"],
    ["1:2:3:4:5:6:7", undefined],
    ["1::2::3", undefined],
    ["1:2:3:4:5:6:7:8:9", undefined],
    ["12345::", undefined],
  ];
  for (const [text, hex] of cases) assert.equal(parseIpv6(text)?.toHex(), hex, text);
});

Deno.test("prefixes have the length of their address at most", () => {
  assert.deepEqual(parsePrefix("100.64.0.0/10"), { address: Uint8Array.of(100, 64, 0, 0), bits: 10 });
  assert.equal(parsePrefix("100.64.0.1")?.bits, 32);
  assert.equal(parsePrefix("fd00::/8")?.bits, 8);
  for (const text of ["1.2.3.4/33", "1.2.3.4/x", "1.2.3.4/8/8", "::/129", "host/8"]) {
    assert.equal(parsePrefix(text), undefined, text);
  }
});
