import assert from "node:assert/strict";
import { decideRegistration } from "../../../agent/control/registration-decision.ts";

const facts = { registered: false, authKey: false, loggedIn: false, forced: false };

Deno.test("a new machine registers with a key", () => {
  assert.equal(decideRegistration({ ...facts, authKey: true }).do, "register");
});

Deno.test("a registered machine needs no key, and with one it may go on when the key is refused", () => {
  assert.equal(decideRegistration({ ...facts, registered: true }).do, "reuse");
  assert.equal(decideRegistration({ ...facts, registered: true, authKey: true }).do, "renew");
});

Deno.test("a forced registration takes no for an answer", () => {
  assert.equal(decideRegistration({ ...facts, registered: true, authKey: true, forced: true }).do, "register");
  assert.equal(decideRegistration({ ...facts, registered: true, loggedIn: true, forced: true }).do, "setup");
  const refused = decideRegistration({ ...facts, registered: true, forced: true });
  assert.ok(refused.do === "refuse" && /--force-reauth needs an auth key or a login/.test(refused.why));
});

Deno.test("a machine without key and registration is told what to do", () => {
  assert.deepEqual(decideRegistration(facts), {
    do: "refuse",
    why: "not authenticated. Run 'ztna login' first or use --auth-key",
  });
});

Deno.test("a person who has logged in enrols the machine themselves, unless there is a key", () => {
  assert.equal(decideRegistration({ ...facts, loggedIn: true }).do, "setup");
  assert.equal(decideRegistration({ ...facts, loggedIn: true, authKey: true }).do, "register");
  assert.equal(decideRegistration({ ...facts, loggedIn: true, registered: true }).do, "reuse");
});
