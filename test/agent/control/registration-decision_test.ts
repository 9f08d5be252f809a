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
  assert.equal(decideRegistration({ ...facts, registered: true, forced: true }).do, "refuse");
});

Deno.test("a machine without key and registration is told what to do", () => {
  assert.deepEqual(decideRegistration(facts), {
    do: "refuse",
    why: "not authenticated. Run 'ztna login' first or use --auth-key",
  });
  const loggedIn = decideRegistration({ ...facts, loggedIn: true });
  assert.ok(loggedIn.do === "refuse" && /ZTNA_AUTH_KEY/.test(loggedIn.why));
});
