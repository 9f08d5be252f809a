import { randomBytes } from "node:crypto";
import type { Hono } from "hono";
import { type ConfigPeer, wireGuardConfig } from "#domain/machine/wireguard-config.ts";
import { mintRoutedSecret, RANDOM_BYTES, secretHash } from "#domain/secrets/routed-secret.ts";
import { clientSetup } from "#protocol/api/client-setup.ts";
import { orgRoutingTag } from "#protocol/ids.ts";
import { setupStatement } from "#protocol/keys.ts";
import type { Peer } from "#protocol/netmap.ts";
import { clientIp } from "../auth/client-ip.ts";
import { showRegistration, verifyMachineKey, wireGuardPair } from "../auth/enrolment.ts";
import { requireRole } from "../auth/require-role.ts";
import type { AppEnv } from "../context.ts";
import { mount } from "../http/mount.ts";
import { unwrap } from "../http/unwrap.ts";
import { mailPendingMachine } from "../mail/pending-machine.ts";

export function clientSetupRoutes(app: Hono<AppEnv>): void {
  mount(app, clientSetup, async (input, c) => {
    const { org_id: orgId, name, wireguard_public_key: wireguardPublicKey = "" } = input;
    await requireRole(c, orgId, "member");
    const userId = c.get("user").id;
    const pair = await wireGuardPair(input);
    await verifyMachineKey(input, () => setupStatement({ orgId, userId, name, wireguardPublicKey }));
    const tag = orgRoutingTag(orgId);
    const nodeKey = mintRoutedSecret(c.get("config").secret, "node-key", tag, randomBytes(RANDOM_BYTES));
    const machine = unwrap(
      await c.env.ORG.getByName(tag).setUpMachine({
        userId,
        nodeKeyHash: secretHash(nodeKey),
        name,
        clientIp: clientIp(c),
        os: input.os,
        version: input.version,
        tags: input.tags,
        wireguardPublicKey: pair.publicKey,
        machineKey: input.machine_key,
        posture: input.posture,
      }),
    );
    if (machine.status === "pending" && !machine.reactivated) await mailPendingMachine(c, orgId, machine.name);
    // The caller's own private key never came here.
    const privateKey = pair.privateKey === "" ? undefined : pair.privateKey;
    return {
      ...showRegistration(c.get("config"), machine, nodeKey, pair),
      wg_config: wireGuardConfig({ ...machine, privateKey }, machine.peers.filter(isReachable).map(configPeerOf)),
    };
  });
}

function isReachable(peer: Peer): boolean {
  return peer.online && peer.public_key !== "";
}

function configPeerOf({ name, public_key: publicKey, allowed_ips: allowedIps, endpoints }: Peer): ConfigPeer {
  return { name, publicKey, allowedIps, endpoints };
}
