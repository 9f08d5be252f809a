import { randomBytes } from "node:crypto";
import type { Hono } from "hono";
import { settingsOf } from "#domain/machine/settings.ts";
import { mintRoutedSecret, RANDOM_BYTES, routingTagOf, secretHash } from "#domain/secrets/routed-secret.ts";
import { registerMachine } from "#protocol/api/machines.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { authKeyDigits, registrationStatement } from "#protocol/keys.ts";
import { clientIp } from "../auth/client-ip.ts";
import { showRegistration, verifyMachineKey, wireGuardPair } from "../auth/enrolment.ts";
import type { AppEnv } from "../context.ts";
import { mount } from "../http/mount.ts";
import { unwrap } from "../http/unwrap.ts";

export function registerMachineRoutes(app: Hono<AppEnv>): void {
  mount(app, registerMachine, async (input, c) => {
    const { secret } = c.get("config");
    const digits = authKeyDigits(input.auth_key);
    const tag = digits === undefined ? undefined : routingTagOf(secret, "auth-key", digits);
    if (digits === undefined || tag === undefined) throw new ZtnaError("INVALID_KEY");
    const authKeyHash = secretHash(digits);
    const pair = await wireGuardPair(input);
    const { name, wireguard_public_key: wireguardPublicKey = "" } = input;
    await verifyMachineKey(input, () => registrationStatement({ authKeyHash, name, wireguardPublicKey }));
    const nodeKey = mintRoutedSecret(secret, "node-key", tag, randomBytes(RANDOM_BYTES));
    const machine = unwrap(
      await c.env.ORG.getByName(tag).register({
        authKeyHash,
        nodeKeyHash: secretHash(nodeKey),
        name,
        clientIp: clientIp(c),
        os: input.os,
        version: input.version,
        settings: settingsOf(input),
        osVersionDetail: input.os_version_detail,
        wireguardPublicKey: pair.publicKey,
        machineKey: input.machine_key,
        posture: input.posture,
      }),
    );
    const answer = showRegistration(c.get("config"), machine, nodeKey, pair);
    return machine.refused.length === 0 ? answer : { ...answer, refused: [...machine.refused] };
  });
}
