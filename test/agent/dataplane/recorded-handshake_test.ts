import assert from "node:assert/strict";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519Candidates } from "../../../agent/crypto/select-x25519.ts";
import {
  createIdentity,
  createInitiation,
  createRemote,
  createResponse,
  openInitiation,
  openResponse,
  type SessionKeys,
  tai64n,
} from "../../../agent/dataplane/wireguard/handshake.ts";

/**
 * Both roles against wireguard-go 0.0.20220316, recorded once over loopback: our keys, ephemeral keys and the time are given,
 * the other end's ephemeral keys were its own choice. Whoever repeats our part must come to the same bytes.
 */
const RECORDED = {
  asInitiator: {
    initiation: "0100000004030201ff2ee45601ec1b67310c7790404585ae697331eee1c1f8cf2419731c1fff3e6b3b6f1324884f7dfcb616" +
      "f1440bce015ad114bc97a5052c5972a42150ca66244ee95bf0cd2c60d3d9addef329768c8c110ed41251d4d6d7792a1ea831" +
      "af41baab6c8d4ca280201ae6f48ab9cc91238dff6bfdeec023b1c45e5195e5e600000000000000000000000000000000",
    response: "02000000e573981d04030201966d1ef05acac5b57a59a5ec8e1157d41ffc6fb26fb76ecfb0382a45eea3ee3d784fb0ad9c9a" +
      "a8bd346ba6a9b23edd1ad43835db4b6f3fae5d8bd60475a2854900000000000000000000000000000000",
    transport: "04000000040302010000000000000000826219f714e827157a8f988783e32e9c03ec15d414baac9af19727354b3a607f91ca" +
      "e61f6a4dd332c4d536eb342810d4",
    packet: "45000020c2704000400163a40a6300010a6300020800ecbb093f000100010203",
  },
  asResponder: {
    initiation: "0100000069de3d27d7634aa9285769a7ca6e7fab53d6f5b041c3f70cf431612ebcd39bf259e5470095a3aea206d573fce7a8" +
      "a937a4d62cccde037faac2dd7358dc3b62049091066709863a3f63f7cbd153fb5aa78b3f87ce939a77fb568856f2a189ce20" +
      "7ef609989980d7b0a2ad0f3fe636ef5f6b85e945f9f31920bcb60313a638f4eb00000000000000000000000000000000",
    response: "020000000807060569de3d2738ab664bd86f77d7e66bdd9ae0792913a94fd8b33a1260027e4b46c1f4884c6765152411a235" +
      "a0b9929d774511e08e2528eb02c31d6f616d71facd3df76c88b400000000000000000000000000000000",
    transport: "04000000080706050000000000000000313e39c82f26274911a8b9c2ab9d274c09ed35a5bc0a4b0a0ef33ca5cb7fc3a91987" +
      "b69ea403685e233888eb567f054c",
    packet: "45000020c2b740004001635d0a6300010a6300020800ecb80942000100010203",
    timestamp: "400000006b060ea919000000",
  },
} as const;

const OUR_KEY = privateKey(0x11);
const THEIR_KEY = privateKey(0x22);
const PRESHARED_KEY = new Uint8Array(32).fill(0x33);

for (const x25519 of x25519Candidates()) {
  const self = createIdentity(x25519, OUR_KEY);
  const remote = createRemote(self, x25519.createKey(THEIR_KEY).publicKey)!;

  Deno.test(`a recorded handshake repeats as initiator (${x25519.name})`, () => {
    const { initiation, response, transport, packet } = RECORDED.asInitiator;
    const timestamp = tai64n(1_700_000_000_000);
    const made = createInitiation(self, remote, { localIndex: 0x01020304, ephemeral: privateKey(0x44), timestamp });
    assert.equal(made.bytes.toHex(), initiation);
    assert.equal(openResponse(self, made.pending, bytes(response)), undefined, "without the pre-shared key");
    const opened = openResponse(self, made.pending, bytes(response), PRESHARED_KEY)!;
    assert.equal(opened.remoteIndex, 0x1d9873e5);
    assert.equal(openTransport(opened.keys, transport), packet);
  });

  Deno.test(`a recorded handshake repeats as responder (${x25519.name})`, () => {
    const { initiation, response, timestamp, transport, packet } = RECORDED.asResponder;
    const opened = openInitiation(self, bytes(initiation), () => remote)!;
    assert.equal(opened.timestamp.toHex(), timestamp);
    const input = { localIndex: 0x05060708, ephemeral: privateKey(0x55), presharedKey: PRESHARED_KEY };
    const made = createResponse(self, opened, input)!;
    assert.equal(made.bytes.toHex(), response);
    assert.equal(openTransport(made.keys, transport), packet);
  });
}

/** A clamped private key of one repeated byte (RFC 7748, 5). */
function privateKey(byte: number): Uint8Array {
  const key = new Uint8Array(32).fill(byte);
  key[0]! &= 248;
  key[31] = (key[31]! & 127) | 64;
  return key;
}

/** What lies in a transport message with the counter 0. */
function openTransport({ receiveKey }: SessionKeys, transport: string): string {
  return chacha20poly1305(receiveKey, new Uint8Array(12)).decrypt(bytes(transport).subarray(16)).toHex();
}

function bytes(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex);
}
