import { expect, test } from "vitest";
import { signup } from "#protocol/api/auth.ts";
import { inviteMember, revokeInvitation } from "#protocol/api/invitations.ts";
import { useBrowser } from "../support/browser.ts";
import { lowContrastTexts } from "../support/contrast.ts";
import { api, enter, newEmail, newOwner, type Owner, password } from "../support/people.ts";

const visitor = useBrowser();

function invite({ org, session }: Owner, email: string) {
  return api(inviteMember, { org_id: org.id, email, role: "admin" }, session.token);
}

test("a new person follows the link of /invite/<token>, signs up by keyboard and is in", async () => {
  const email = newEmail("invited");
  const { link } = await invite(await newOwner("Analytical Engines"), email);
  const page = await visitor.open();
  await page.goto(link);
  await page.getByRole("heading", { name: "Join Analytical Engines" }).waitFor();
  await page.getByText(`${email} is invited to the network of Analytical Engines as admin.`).waitFor();
  await page.getByRole("link", { name: "Create an account" }).focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.keyboard.press("Enter");
  const join = page.getByRole("button", { name: "Join Analytical Engines" });
  await join.waitFor();
  expect(await join.evaluate((button) => button === document.activeElement)).toBe(true);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Organization: Analytical Engines" }).waitFor();
  expect(new URL(page.url()).pathname).toBe("/machines");
  expect(visitor.complaints).toEqual([]);
});

test("a person with an org of their own joins and sees the new one, with the way back to the other", async () => {
  const person = await newOwner("Mine");
  const { link } = await invite(await newOwner("Theirs"), person.email);
  const page = await visitor.open();
  await enter(page, person.session);
  await page.goto(link);
  await page.getByRole("button", { name: "Join Theirs" }).click();
  await page.getByRole("button", { name: "Organization: Theirs" }).click();
  await page.getByRole("menuitemradio", { name: "Mine" }).waitFor();
});

test("whoever is signed in as somebody else is told so and can sign out", async () => {
  const { link } = await invite(await newOwner(), newEmail("invited"));
  const other = await newOwner();
  const page = await visitor.open();
  await enter(page, other.session);
  await page.goto(link);
  await page.getByText(`You are signed in as ${other.email}.`).waitFor();
  expect(await page.getByRole("button", { name: /^Join/ }).count()).toBe(0);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in" }).waitFor();
});

test("an invitation that was taken back or never made is said to be closed, also between reading and joining", async () => {
  const owner = await newOwner();
  const email = newEmail("late");
  const { link, invitation_id } = await invite(owner, email);
  const page = await visitor.open();
  await page.goto(`/invite/${"0".repeat(64)}`);
  await page.getByRole("heading", { name: "This invitation is not open" }).waitFor();
  await enter(page, await api(signup, { email, password }), "/create-org", "main");
  await page.goto(link);
  const join = page.getByRole("button", { name: "Join Acme" });
  await join.waitFor();
  await api(revokeInvitation, { org_id: owner.org.id, invitation_id }, owner.session.token);
  await join.click();
  expect(await page.getByRole("alert").textContent()).toBe("Invalid or expired invitation");
});

test.each(["light", "dark"] as const)(
  "the invitation is legible in the %s theme and on a phone",
  async (colorScheme) => {
    const { link } = await invite(await newOwner("A".repeat(100)), newEmail("invited"));
    const page = await visitor.open({ colorScheme, reducedMotion: "reduce", viewport: { width: 390, height: 844 } });
    for (const path of [link, `/invite/${"0".repeat(64)}`]) {
      await page.goto(path);
      await page.getByRole("heading").waitFor();
      expect(await lowContrastTexts(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
    }
  },
);
