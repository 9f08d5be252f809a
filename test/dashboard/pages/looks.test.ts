import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { expect, inject, test } from "vitest";
import type { Session } from "#protocol/api/auth.ts";
import { lowContrastTexts } from "../support/contrast.ts";
import { useBrowser } from "../support/browser.ts";
import { enrol, enter, newKey, newOwner } from "../support/people.ts";

const visitor = useBrowser();
const FIRST_LOAD_BYTES = 150 * 1024;

const pages = [
  { path: "/machines", shows: "Linux-C" },
  { path: "/settings/auth-keys", shows: "a-name-that-is-rather-long-for-a-phone-but-still-allowed-here" },
  { path: "/settings/auth-keys?create=true", shows: "Ephemeral" },
  { path: "/settings/general", shows: "Address pool" },
  { path: "/create-org", shows: "Create your organization" },
];

test("no page scrolls sideways on a phone of 390 px", async () => {
  const page = await visitor.open({ viewport: { width: 390, height: 844 } });
  await page.goto("/auth");
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  expect(await overflow(page)).toBe(0);
  await enter(page, await ownerWithThings());
  for (const { path, shows } of pages) {
    await page.goto(path);
    await page.getByText(shows).first().waitFor();
    expect(await overflow(page), path).toBe(0);
  }
});

test.each(["light", "dark"] as const)("every text keeps a contrast of 4.5 in the %s theme", async (colorScheme) => {
  const page = await visitor.open({ colorScheme, reducedMotion: "reduce" });
  await enter(page, await ownerWithThings());
  for (const { path, shows } of pages) {
    await page.goto(path);
    await page.getByText(shows).first().waitFor();
    expect(await lowContrastTexts(page), path).toEqual([]);
  }
});

test("the chosen theme wins over the system's and outlives a reload", async () => {
  const page = await visitor.open({ colorScheme: "light" });
  const { session } = await newOwner();
  await enter(page, session);
  await page.getByRole("button", { name: /^Account/ }).click();
  await page.getByRole("menuitemradio", { name: "Dark" }).click();
  const dark = await ground(page);
  await page.reload();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
  expect(await ground(page)).toBe(dark);
  await page.getByRole("button", { name: /^Account/ }).click();
  await page.getByRole("menuitemradio", { name: "System" }).click();
  expect(await ground(page)).not.toBe(dark);
});

test("the first load of the machine list stays under 150 KB gzip and comes from this host alone", async () => {
  const { session } = await newOwner();
  const earlier = await visitor.open();
  await enter(earlier, session);
  const page = await visitor.open({ storageState: await earlier.context().storageState() });
  const loaded: Promise<{ url: string; bytes: number }>[] = [];
  page.on("response", (response) => {
    const url = response.url();
    if (!url.includes("/api/")) loaded.push(response.body().then((body) => ({ url, bytes: gzipBytes(body) })));
  });
  await page.goto("/machines");
  await page.getByRole("heading", { name: "Add your first machine" }).waitFor();
  await page.waitForLoadState("networkidle");
  const files = await Promise.all(loaded);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  console.log(`first load of the dashboard: ${(total / 1024).toFixed(1)} KB gzip in ${files.length} files`);
  expect(total).toBeLessThan(FIRST_LOAD_BYTES);
  expect(files.filter(({ url }) => new URL(url).origin !== inject("url"))).toEqual([]);
});

test("pages carry a content security policy, and hashed files are kept for good", async () => {
  const index = await fetch(`${inject("url")}/machines`);
  expect(index.headers.get("content-security-policy")).toMatch(/default-src 'none'; script-src 'self'/);
  expect(index.headers.get("cache-control")).not.toContain("immutable");
  const script = /\/assets\/[^"]+\.js/.exec(await index.text())?.[0] ?? "";
  const asset = await fetch(inject("url") + script);
  expect(asset.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
});

function gzipBytes(body: Buffer): number {
  return gzipSync(body).length;
}

async function ownerWithThings(): Promise<Session> {
  const owner = await newOwner("An organization with quite a long name, limited");
  const { key } = await newKey(owner, "a-name-that-is-rather-long-for-a-phone-but-still-allowed-here");
  await enrol(key, "Linux-C");
  await enrol(key, "a-machine-name-of-sixty-characters-that-does-not-want-to-end");
  return owner.session;
}

function overflow(page: Page): Promise<number> {
  return page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth));
}

function ground(page: Page): Promise<string> {
  return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
}
