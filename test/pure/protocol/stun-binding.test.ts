import fc from "fast-check";
import { expect, it } from "vitest";
import { readBindingResponse, writeBindingRequest } from "#protocol/stun/binding.ts";

const bytes = (hex: string) => Uint8Array.from(hex.match(/[0-9a-f]{2}/g)!, (pair) => parseInt(pair, 16));
const transaction = bytes("b7e7a701bc34d686fa87dfae");

/** The sample IPv4 response of RFC 5769, 2.2. */
const SAMPLE = bytes(
  "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220" +
    "002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96",
);

it("a binding request is a header with the transaction", () => {
  expect(writeBindingRequest(transaction)).toEqual(bytes("000100002112a442b7e7a701bc34d686fa87dfae"));
});

it("the sample response of RFC 5769 is read", () => {
  expect(readBindingResponse(SAMPLE, transaction)).toEqual({ address: "192.0.2.1", port: 32853 });
});

it("an old server's address without a mask is read", () => {
  const old = bytes("0101000c2112a442b7e7a701bc34d686fa87dfae000100080001c350c6336407");
  expect(readBindingResponse(old, transaction)).toEqual({ address: "198.51.100.7", port: 50_000 });
});

it("an answer to another transaction, a cut one and an IPv6 one are no answer", () => {
  expect(readBindingResponse(SAMPLE, bytes("00e7a701bc34d686fa87dfae"))).toBeUndefined();
  for (let length = 0; length < 48; length++) {
    expect(readBindingResponse(SAMPLE.subarray(0, length), transaction)).toBeUndefined();
  }
  const ipv6 = bytes(`010100182112a442b7e7a701bc34d686fa87dfae002000140002a147${"00".repeat(16)}`);
  expect(readBindingResponse(ipv6, transaction)).toBeUndefined();
});

it("hostile bytes never throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), (noise, tail) => {
    readBindingResponse(noise, transaction);
    readBindingResponse(Uint8Array.from([...SAMPLE.subarray(0, 20), ...tail]), transaction);
  }));
});
