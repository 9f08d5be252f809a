import assert from "node:assert/strict";
import { combineEcn, ecnOf, setEcn } from "../../../agent/dataplane/offload/ecn.ts";
import { tcpPacket, wordSum } from "./support/ip-packets.ts";

const [NOT, ECT1, ECT0, CE] = [0, 1, 2, 3];

Deno.test("inner and outer marks become one as RFC 6040 has it", () => {
  // Figure 4: a row for each inner mark, a column for each outer one.
  const table: Record<number, (number | undefined)[]> = {
    [NOT]: [NOT, NOT, NOT, undefined],
    [ECT0]: [ECT0, ECT1, ECT0, CE],
    [ECT1]: [ECT1, ECT1, ECT1, CE],
    [CE]: [CE, CE, CE, CE],
  };
  for (const [inner, row] of Object.entries(table)) {
    const columns = [NOT, ECT1, ECT0, CE].map((outer) => combineEcn(Number(inner), outer));
    assert.deepEqual(columns, row, `inner ${inner}`);
  }
});

for (const version of [4, 6] as const) {
  Deno.test(`the marks of an IPv${version} packet are changed, DSCP stays, and the checksum is right`, () => {
    const none = new Uint8Array(0);
    const fields = {
      version,
      ipOptions: none,
      tcpOptions: none,
      id: 9,
      sequence: 1,
      flags: 16,
      port: 1,
      payload: none,
    };
    for (const from of [NOT, ECT1, ECT0, CE]) {
      for (const to of [NOT, ECT1, ECT0, CE]) {
        const packet = tcpPacket(fields);
        const view = new DataView(packet.buffer);
        setEcn(view, 0, from);
        // DSCP 46, expedited forwarding.
        if (version === 4) packet[1]! |= 46 << 2;
        else packet.set([packet[0]! | 0x0b, packet[1]! | 0x80]);
        if (version === 4) view.setUint16(10, 0);
        if (version === 4) view.setUint16(10, ~wordSum([...packet.slice(0, 20)]) & 0xffff);
        assert.equal(ecnOf(view, 0), from);
        setEcn(view, 0, to);
        assert.equal(ecnOf(view, 0), to);
        const dscp = version === 4 ? packet[1]! >> 2 : ((packet[0]! & 15) << 2) | (packet[1]! >> 6);
        assert.equal(dscp, 46);
        if (version === 4) assert.equal(wordSum([...packet.slice(0, 20)]), 0xffff);
      }
    }
  });
}
