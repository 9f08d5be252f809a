import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { checkClientVersion, listClientVersions, listReleases } from "#protocol/api/client-version.ts";
import { addStatement, type ReleaseName } from "../../../tools/release/release.ts";
import { base, post, selfFetch } from "../support/api.ts";

const linux: ReleaseName = { version: "0.9.0", platform: "linux", arch: "amd64" };

/** As `npm run release` does it. */
async function release(name: ReleaseName, notes?: string): Promise<void> {
  const url = `https://example.com/quickztna-${name.version}-${name.platform}-${name.arch}`;
  await env.DB.exec(addStatement(name, { url, sha256: "ab".repeat(32), notes }, Date.UTC(2026, 2, 13)).trim());
}

beforeEach(async () => {
  await env.DB.exec("DELETE FROM client_versions");
});

describe("POST /api/client-version check", () => {
  it("names the newest release of the platform and architecture, to anyone", async () => {
    await release(linux);
    await release({ ...linux, version: "0.10.0" }, "Faster");
    await release({ ...linux, version: "0.11.0", platform: "windows" });
    await release({ ...linux, version: "0.12.0", arch: "arm64" });
    const input = { current_version: "v0.9.0", platform: "linux", arch: "amd64" } as const;
    expect(await call(selfFetch, base, checkClientVersion, input)).toEqual({
      current_version: "v0.9.0",
      latest_version: "0.10.0",
      update_available: true,
      published_at: "2026-03-13T00:00:00.000Z",
      download_url: "https://example.com/quickztna-0.10.0-linux-amd64",
      checksum_sha256: "ab".repeat(32),
      release_notes: "Faster",
    });
    const current = await call(selfFetch, base, checkClientVersion, { ...input, current_version: "0.10" });
    expect(current).toMatchObject({ latest_version: "0.10.0", update_available: false });
  });

  it("finds nothing newer where nothing is released", async () => {
    const input = { current_version: "1.0.0", platform: "macos" } as const;
    expect(await call(selfFetch, base, checkClientVersion, input)).toEqual({
      current_version: "1.0.0",
      latest_version: "1.0.0",
      update_available: false,
      published_at: null,
    });
  });

  it.each([
    [{ action: "check" }, "MISSING_FIELDS"],
    [{ action: "check", current_version: "1.0.0" }, "MISSING_FIELDS"],
    [{ action: "check", platform: "linux" }, "MISSING_FIELDS"],
    [{ action: "check", current_version: "", platform: "linux" }, "MISSING_FIELDS"],
    [{ action: "check", current_version: 1, platform: "linux" }, "INVALID_INPUT"],
    [{ action: "check", current_version: "1.0.0", platform: "plan9" }, "INVALID_INPUT"],
    [{ action: "check", current_version: "1.0.0", platform: "linux", arch: "mips" }, "INVALID_INPUT"],
    [{ action: "check", current_version: "1".repeat(101), platform: "linux" }, "INVALID_INPUT"],
    [{ current_version: "1.0.0", platform: "linux" }, "MISSING_FIELDS"],
    [{ action: "guess", current_version: "1.0.0", platform: "linux" }, "UNKNOWN_ACTION"],
  ])("refuses %j with %s", async (body, code) => {
    const { status, envelope } = await post("/api/client-version", body);
    expect([status, envelope.error?.code]).toEqual([400, code]);
  });
});

describe("POST /api/client-version list", () => {
  it("lists a platform newest first, at most 20, with one is_latest for each architecture", async () => {
    for (let minor = 0; minor < 22; minor++) await release({ ...linux, version: `0.${minor}.0` });
    await release({ ...linux, version: "0.21.0", arch: "arm64" });
    await release({ ...linux, version: "0.30.0", platform: "windows" });
    const { versions } = await call(selfFetch, base, listClientVersions, { platform: "linux" });
    expect(versions).toHaveLength(20);
    expect(versions[0]!.version).toBe("0.21.0");
    expect(versions.at(-1)!.version).toBe("0.3.0");
    expect(versions.filter(({ is_latest }) => is_latest).map(({ arch }) => arch).sort()).toEqual(["amd64", "arm64"]);
  });

  it.each([
    [{ action: "list" }, "MISSING_FIELDS"],
    [{ action: "list", platform: "plan9" }, "INVALID_INPUT"],
  ])("refuses %j with %s", async (body, code) => {
    const { status, envelope } = await post("/api/client-version", body);
    expect([status, envelope.error?.code]).toEqual([400, code]);
  });
});

describe("GET /api/releases/", () => {
  it("lists every release with its checksum, to anyone", async () => {
    await release(linux);
    await release({ ...linux, platform: "windows" });
    const { releases } = await call(selfFetch, base, listReleases, {});
    expect(releases.map(({ platform, is_latest, checksum_sha256 }) => [platform, is_latest, checksum_sha256.length]))
      .toEqual(expect.arrayContaining([["linux", true, 64], ["windows", true, 64]]));
    expect((await selfFetch(`${base}/api/releases/`, {})).status).toBe(200);
  });
});
