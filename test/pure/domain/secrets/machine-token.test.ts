import { describe, expect, it } from "vitest";
import { isMachineToken, keyMarkOf, signMachineToken, verifyMachineToken } from "#domain/secrets/machine-token.ts";
import type { MachineId, OrgId } from "#protocol/ids.ts";

const root = new Uint8Array(32).fill(7);
const claims = {
  machineId: "0b6f6a52-6d0e-4c56-8a46-0d8f3f5a2f11" as MachineId,
  orgId: "7f4f4a0c-1f7e-4a35-9d0e-1f2ab3c4d5e6" as OrgId,
  nodeKeyHash: "ab".repeat(32),
  issuedAt: 1_000,
  lifetime: 60,
};
const token = signMachineToken(root, claims);

function withPayload(change: (payload: Record<string, unknown>) => void): string {
  const [header, payload, signature] = token.split(".");
  const parsed = JSON.parse(atob(payload!)) as Record<string, unknown>;
  change(parsed);
  return `${header}.${btoa(JSON.stringify(parsed)).replaceAll("=", "")}.${signature}`;
}

describe("a machine's token", () => {
  it("says which machine, org and key it is of, until its time is over", () => {
    const { machineId, orgId, nodeKeyHash } = claims;
    const expected = { machineId, orgId, keyMark: keyMarkOf(nodeKeyHash) };
    expect(isMachineToken(token)).toBe(true);
    expect(verifyMachineToken(root, token, 1_059_999)).toEqual(expected);
    expect(verifyMachineToken(root, token, 1_060_000)).toBeUndefined();
  });

  it("is refused under another secret, changed, cut or without a signature", () => {
    const [header, payload, signature] = token.split(".");
    const unsigned = btoa('{"alg":"none","typ":"JWT"}').replaceAll("=", "");
    const forgeries = [
      withPayload((claims) => claims["sub"] = claims["org"]),
      withPayload((claims) => claims["exp"] = 9e9),
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${header}.${payload}.${signature}.`,
      `${header}.${payload}.${signature!.slice(1)}`,
      `${header}..${signature}`,
      `${unsigned}.${payload}.`,
      `${header}.%%%.${signature}`,
      "",
    ];
    for (const forged of forgeries) expect(verifyMachineToken(root, forged, 0), forged).toBeUndefined();
    expect(verifyMachineToken(new Uint8Array(32).fill(8), token, 0)).toBeUndefined();
  });
});
