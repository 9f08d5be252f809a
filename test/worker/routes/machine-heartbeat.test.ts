import { env } from "cloudflare:test";
import { afterEach, describe, expect, it } from "vitest";
import { call, type Fetch } from "#protocol/api/call.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import { addStatement } from "../../../tools/release/release.ts";
import { enrol, makeKey, newOrg } from "../org/support.ts";
import { base, fetchWith } from "../support/api.ts";

async function release(version: string, platform: "linux" | "windows" = "linux"): Promise<void> {
  const file = { url: `https://example.com/${version}`, sha256: "ab".repeat(32), notes: undefined };
  await env.DB.exec(addStatement({ version, platform, arch: "amd64" }, file, 0).trim());
}

async function machine() {
  const { key } = await makeKey(await newOrg());
  const { node_key } = await enrol(key, "host", { os: "linux", version: "1.0.0" });
  return async (fetch: Fetch, version?: string) =>
    (await call(fetch, base, machineHeartbeat, { node_key, ...(version && { version }) })).update_available;
}

afterEach(async () => {
  await env.DB.exec("DELETE FROM client_versions");
});

describe("POST /api/machine-heartbeat update_available", () => {
  it("is true where a newer version is released for the machine's system, and false once it runs it", async () => {
    const beat = await machine();
    await release("3.0.0", "windows");
    expect(await beat(fetchWith({}))).toBe(false);
    await release("2.0.0");
    expect(await beat(fetchWith({}))).toBe(true);
    expect(await beat(fetchWith({}), "2.0.0")).toBe(false);
  });

  it("goes by what was read of the releases for a day, not by D1 each time", async () => {
    const beat = await machine();
    await release("2.0.0");
    const [aDay, noTime] = [fetchWith({}), fetchWith({ timings: { releases_kept_s: 0 } })];
    for (const fetch of [aDay, noTime]) expect(await beat(fetch)).toBe(true);
    await env.DB.exec("DELETE FROM client_versions");
    expect(await beat(aDay)).toBe(true);
    expect(await beat(noTime)).toBe(false);
  });

  it("is false while D1 is away, which fails no heartbeat", async () => {
    const beat = await machine();
    await env.DB.exec("ALTER TABLE client_versions RENAME TO client_versions_away");
    try {
      expect(await beat(fetchWith({}))).toBe(false);
    } finally {
      await env.DB.exec("ALTER TABLE client_versions_away RENAME TO client_versions");
    }
  });
});
