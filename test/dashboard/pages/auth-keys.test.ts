import type { Page } from "playwright-core";
import { expect, inject, test } from "vitest";
import { type AuthKey, revokeAuthKey } from "#protocol/api/auth-keys.ts";
import { listMachines } from "#protocol/api/tables.ts";
import { useBrowser } from "../support/browser.ts";
import { api, enrol, enter, newKey, newMember, newOwner } from "../support/people.ts";

const visitor = useBrowser();
const DAY_MS = 86_400_000;

test("ST1, ST3: a key made in the dashboard is shown once, listed unused, and counted without reload", async () => {
  const owner = await newOwner();
  const page = await visitor.open();
  await enter(page, owner.session);
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("tab", { name: "Auth Keys", selected: true }).waitFor();
  await page.getByRole("button", { name: "Generate Auth Key" }).click();
  await page.getByLabel("Name").fill("test-headless-key");
  await page.getByRole("switch", { name: "Reusable" }).check();
  await page.getByText("7 days").click();
  await page.getByRole("button", { name: "Create", exact: true }).click();

  const key = await page.getByRole("region", { name: "Auth key" }).locator("pre").textContent() ?? "";
  expect(key).toMatch(/^tskey-auth-[0-9a-f]{64}$/);
  const commands = await page.getByRole("region", { name: "Enrol" }).locator("pre").textContent();
  expect(commands).toBe(`export ZTNA_API_URL=${inject("url")}\nexport ZTNA_AUTH_KEY=${key}\nztna up`);
  await page.getByText("will not be shown again").waitFor();
  await page.getByRole("button", { name: "Done" }).click();

  const row = keyRow(page, "test-headless-key");
  await row.getByText("Expires soon").waitFor();
  const expiry = new Intl.DateTimeFormat("en", { dateStyle: "medium" }).format(Date.now() + 7 * DAY_MS);
  expect(await row.getByRole("cell").allTextContents()).toEqual([
    `test-headless-key${key.slice(0, 19)}...`,
    "Used: 0",
    "Reusable: Yes",
    "Ephemeral: No",
    `Expiry: ${expiry}`,
    "Expires soon",
    "Revoke",
  ]);
  expect(await page.content()).not.toContain(key);

  await enrol(key, "Linux-C");
  await row.getByText("Used: 1").waitFor({ state: "attached" });
  expect(visitor.complaints).toEqual([]);
});

test("a single-use key shows that it is used up", async () => {
  const owner = await newOwner();
  const { key } = await newKey(owner, "single-use-key", false);
  const page = await visitor.open();
  await enter(page, owner.session, "/settings/auth-keys");
  await keyRow(page, "single-use-key").getByText("Active").waitFor();
  await enrol(key, "Linux-C");
  await keyRow(page, "single-use-key").getByText("Used up", { exact: true }).waitFor();
});

test("a key that its time has ended shows as expired, one that somebody ended as revoked", async () => {
  const owner = await newOwner();
  const [ended, revoked] = [await newKey(owner, "ended"), await newKey(owner, "withdrawn")];
  await api(revokeAuthKey, { org_id: owner.org.id, key_id: revoked.id }, owner.session.token);
  const page = await visitor.open();
  // The shortest life of a key is longer than a test.
  await page.route("**/api/db/auth_keys*", async (route) => {
    const response = await route.fetch();
    const { data, ...envelope } = await response.json() as { data: AuthKey[] };
    const past = { revoked: true, expired: true, expires_at: new Date(Date.now() - DAY_MS).toISOString() };
    const json = { ...envelope, data: data.map((key) => key.id === ended.id ? { ...key, ...past } : key) };
    await route.fulfill({ response, json });
  });
  await enter(page, owner.session, "/settings/auth-keys");
  await keyRow(page, "ended").getByText("Expired", { exact: true }).waitFor();
  await keyRow(page, "withdrawn").getByText("Revoked", { exact: true }).waitFor();
});

test("a key can be made with the keyboard alone, and the focus comes back", async () => {
  const owner = await newOwner();
  const page = await visitor.open();
  await enter(page, owner.session, "/settings/auth-keys");
  await page.getByRole("heading", { name: "No auth keys yet" }).waitFor();
  await tabTo(page, "Generate Auth Key");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.type("from-the-keyboard");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Enter");
  await page.getByText("will not be shown again").waitFor();
  await expect.poll(() => focusedName(page)).toBe("Copy auth key");
  await page.keyboard.press("Escape");
  const row = keyRow(page, "from-the-keyboard");
  await row.getByText("Reusable: Yes").waitFor({ state: "attached" });
  const expiry = new Intl.DateTimeFormat("en", { dateStyle: "medium" }).format(Date.now() + 30 * DAY_MS);
  expect(await row.textContent()).toContain(expiry);
});

test("Escape closes the dialog, makes no key and gives the focus back", async () => {
  const owner = await newOwner();
  await newKey(owner, "there-already");
  const page = await visitor.open();
  await enter(page, owner.session, "/settings/auth-keys");
  await page.getByRole("button", { name: "Generate Auth Key" }).click();
  await page.getByLabel("Name").fill("never");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await expect.poll(() => focusedName(page)).toBe("Generate Auth Key");
  expect(await page.getByRole("row").count()).toBe(2);
});

test("a name or a number of days that is not allowed is refused in the dialog", async () => {
  const owner = await newOwner();
  const page = await visitor.open();
  await enter(page, owner.session, "/settings/auth-keys?create=true");
  await page.getByText("Other").click();
  await page.getByLabel("Days until it expires").fill("366");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByText("Name required").waitFor();
  await page.getByText("Must be a whole number between 1 and 365").waitFor();
  expect(await page.getByRole("dialog").isVisible()).toBe(true);
});

test("revoking asks first, then quarantines the machines of the key", async () => {
  const owner = await newOwner();
  const { key } = await newKey(owner, "leaked");
  await enrol(key, "Linux-C");
  const page = await visitor.open();
  await enter(page, owner.session, "/settings/auth-keys");
  await page.getByRole("button", { name: "Revoke leaked" }).click();
  await page.getByText("1 machine that joined with it is quarantined").waitFor();
  await expect.poll(() => focusedName(page)).toBe("Cancel");
  await page.getByRole("button", { name: "Revoke key" }).click();
  await page.getByRole("status").getByText("Revoked leaked; 1 machine quarantined").waitFor();
  await keyRow(page, "leaked").getByText("Revoked").waitFor();
  expect(await page.getByRole("button", { name: "Revoke leaked" }).count()).toBe(0);
  const [machine] = await api(listMachines, { org_id: owner.org.id }, owner.session.token);
  expect(machine?.status).toBe("quarantined");
});

test.each(["member", "auditor"] as const)(
  "somebody with the role %s sees no admin buttons, and the API refuses them anyway",
  async (role) => {
    const owner = await newOwner();
    const { key, id } = await newKey(owner, "not-for-members");
    await enrol(key, "Linux-C");
    const session = await newMember(owner, role);
    const page = await visitor.open();
    await enter(page, session);
    await page.getByText("Linux-C", { exact: true }).waitFor();
    expect(await page.getByRole("link", { name: "Add machine" }).count()).toBe(0);
    await page.goto("/settings/auth-keys?create=true");
    await page.getByRole("heading", { name: "Auth keys are for owners and admins" }).waitFor();
    expect(await page.getByRole("button", { name: /Generate|Revoke|Create/ }).count()).toBe(0);
    await expect(api(revokeAuthKey, { org_id: owner.org.id, key_id: id }, session.token)).rejects.toMatchObject({
      code: "FORBIDDEN",
    });
  },
);

function keyRow(page: Page, name: string) {
  return page.getByRole("row").filter({ has: page.getByText(name, { exact: true }) });
}

function focusedName(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement;
    return element?.getAttribute("aria-label") ?? element?.textContent?.trim() ?? "";
  });
}

async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 30; presses++) {
    if (await focusedName(page) === name) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab never reaches ${name}`);
}
