import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { revokeAuthKey } from "#protocol/api/auth-keys.ts";
import { setMachineKeyExpiry } from "#protocol/api/machine-admin.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import { updateOrgSettings } from "#protocol/api/org-settings.ts";
import { useBrowser } from "../support/browser.ts";
import { api, enrol, enter, newKey, newOwner } from "../support/people.ts";

const visitor = useBrowser();

test("a machine appears, disconnects and is quarantined on screen without a reload", async () => {
  const owner = await newOwner();
  const { id, key } = await newKey(owner, "fleet");
  const page = await visitor.open();
  await enter(page, owner.session);
  await page.getByText("Live", { exact: true }).waitFor();
  await page.evaluate(() => document.documentElement.dataset["loaded"] = "once");

  const machine = await enrol(key, "Linux-C");
  const row = machineRow(page, "Linux-C");
  await row.getByText("Connected", { exact: true }).waitFor();
  expect(await row.textContent()).toContain(machine.tailnet_ip);

  await api(machineHeartbeat, { node_key: machine.node_key, status: "offline" });
  await row.getByText("Disconnected", { exact: true }).waitFor();
  await api(revokeAuthKey, { org_id: owner.org.id, key_id: id }, owner.session.token);
  await row.getByText("Quarantined", { exact: true }).waitFor();
  expect(await page.evaluate(() => document.documentElement.dataset["loaded"])).toBe("once");
  expect(visitor.complaints).toEqual([]);
});

test("a machine whose node key comes to its end shows it without a reload, and can be found by it", async () => {
  const owner = await newOwner();
  const { key } = await newKey(owner, "fleet");
  await enrol(key, "Linux-C");
  await api(
    setMachineKeyExpiry,
    { machine_id: (await enrol(key, "exempt")).machine_id, disabled: true },
    owner.session.token,
  );
  const page = await visitor.open();
  await enter(page, owner.session);
  await machineRow(page, "Linux-C").getByText("Connected", { exact: true }).waitFor();
  await api(updateOrgSettings, { org_id: owner.org.id, key_expiry_days: 1 }, owner.session.token);
  await machineRow(page, "Linux-C").getByText("Key expired", { exact: true }).waitFor();
  await machineRow(page, "Linux-C").getByText("Disconnected", { exact: true }).waitFor();
  await page.getByLabel("Search machines").fill("key expired");
  await machineRow(page, "exempt").waitFor({ state: "detached" });
  await machineRow(page, "Linux-C").waitFor();
});

test("a browser without the realtime socket polls instead and says that it is not live", async () => {
  const owner = await newOwner();
  const { key } = await newKey(owner, "fleet");
  const page = await visitor.open();
  await page.routeWebSocket(/\/api\/realtime/, (socket) => socket.close());
  await enter(page, owner.session);
  await page.getByText("Reconnecting…").waitFor();
  await enrol(key, "Linux-C");
  await machineRow(page, "Linux-C").waitFor({ timeout: 15_000 });
});

test("search and status filter narrow the list together", async () => {
  const owner = await newOwner();
  const { key } = await newKey(owner, "fleet");
  const [first] = [await enrol(key, "web-1"), await enrol(key, "web-2"), await enrol(key, "db-1")];
  await api(machineHeartbeat, { node_key: first.node_key, status: "offline" });
  const page = await visitor.open();
  await enter(page, owner.session);
  await machineRow(page, "db-1").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("web");
  await machineRow(page, "db-1").waitFor({ state: "detached" });
  await page.getByRole("radio", { name: /^Disconnected/ }).check({ force: true });
  await machineRow(page, "web-2").waitFor({ state: "detached" });
  await machineRow(page, "web-1").waitFor();
  await page.getByLabel("Search machines").fill(first.tailnet_ip);
  await machineRow(page, "web-1").waitFor();
  await page.getByLabel("Search machines").fill("mainframe");
  await page.getByRole("button", { name: "Clear filters" }).click();
  await machineRow(page, "db-1").waitFor();
  expect(await page.getByRole("row").count()).toBe(4);
});

test("the copy button puts the address on the clipboard", async () => {
  const owner = await newOwner();
  const { key } = await newKey(owner, "fleet");
  const { tailnet_ip } = await enrol(key, "Linux-C");
  const page = await visitor.open({ permissions: ["clipboard-read", "clipboard-write"] });
  await enter(page, owner.session);
  await page.getByRole("button", { name: "Copy Linux-C's IP" }).click();
  await page.getByRole("status").getByText("Copied Linux-C's IP").waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(tailnet_ip);
});

test("a list that cannot be read says why and can be tried again", async () => {
  const owner = await newOwner();
  const page = await visitor.open();
  await page.route("**/api/db/machines*", (route) => route.abort());
  await enter(page, owner.session);
  await page.getByRole("heading", { name: "The machines could not be read" }).waitFor();
  await page.unroute("**/api/db/machines*");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("heading", { name: "Add your first machine" }).waitFor();
});

test("one org never shows the machines of another", async () => {
  const owner = await newOwner("First");
  const { key } = await newKey(owner, "fleet");
  await enrol(key, "only-in-first");
  const page = await visitor.open();
  await enter(page, owner.session);
  await machineRow(page, "only-in-first").waitFor();
  await page.getByRole("button", { name: "Organization: First" }).click();
  await page.getByRole("menuitem", { name: "New organization" }).click();
  await page.getByLabel("Organization name").fill("Second");
  await page.getByRole("button", { name: "Create organization" }).click();
  await page.getByRole("heading", { name: "Add your first machine" }).waitFor();
  await page.getByRole("button", { name: "Organization: Second" }).click();
  await page.getByRole("menuitemradio", { name: "First" }).click();
  await machineRow(page, "only-in-first").waitFor();
});

function machineRow(page: Page, name: string) {
  return page.getByRole("row").filter({ has: page.getByText(name, { exact: true }) });
}
