import { env } from "cloudflare:test";
import { createAuthKey } from "#protocol/api/auth-keys.ts";
import type { Session } from "#protocol/api/auth.ts";
import { call } from "#protocol/api/call.ts";
import { clientSetup } from "#protocol/api/client-setup.ts";
import type { InputOf } from "#protocol/api/endpoint.ts";
import { registerMachine } from "#protocol/api/machines.ts";
import { isErrorCode, ZtnaError } from "#protocol/errors.ts";
import { type OrgId, orgRoutingTag } from "#protocol/ids.ts";
import { authKeyDigits, helloStatement, registrationStatement, setupStatement } from "#protocol/keys.ts";
import { base, foundOrg, selfFetch, signUpSomeone } from "../support/api.ts";

export interface Org {
  readonly orgId: string;
  readonly token: string;
}

export async function newOrg(): Promise<Org> {
  const { session, orgId } = await foundOrg();
  return { orgId, token: session.token };
}

export function orgStub(orgId: string) {
  return env.ORG.getByName(orgRoutingTag(orgId as OrgId));
}

type KeyOptions = Partial<InputOf<typeof createAuthKey>>;

export function makeKey(org: Org, options: KeyOptions = {}) {
  const input = { org_id: org.orgId, name: "key", reusable: true, ...options };
  return call(selfFetch, base, createAuthKey, input, { token: org.token });
}

type Registration = InputOf<typeof registerMachine>;

export function enrol(auth_key: string, name: string, more: Partial<Registration> = {}) {
  return call(selfFetch, base, registerMachine, { auth_key, name, ...more });
}

/** A second person in an org. */
export async function newMember(org: Org, role = "member"): Promise<Session> {
  const session = await signUpSomeone();
  const statement = "INSERT INTO org_members (org_id, user_id, role, created_at) VALUES (?, ?, ?, 0)";
  await env.DB.prepare(statement).bind(org.orgId, session.user.id, role).run();
  return session;
}

type SetupFields = Partial<InputOf<typeof clientSetup>>;

/** Enrols a machine as the person of this token. */
export function setUp(org: Org, token: string, name: string, more: SetupFields = {}) {
  return call(selfFetch, base, clientSetup, { org_id: org.orgId, name, ...more }, { token });
}

/** The code of a refusal, or "ok". */
export async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "ok";
  } catch (error) {
    if (error instanceof ZtnaError && isErrorCode(error.code)) return error.code;
    throw error;
  }
}

/** An installation of the agent: its machine key, and a WireGuard key that nobody has the private half of. */
export async function newInstallation() {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign"]) as CryptoKeyPair;
  const machineKey = hex(await crypto.subtle.exportKey("raw", pair.publicKey) as ArrayBuffer);
  const wireguardPublicKey = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
  const signed = async (statement: string) => ({
    machine_key: machineKey,
    machine_key_signature: hex(
      await crypto.subtle.sign("Ed25519", pair.privateKey, new TextEncoder().encode(statement)),
    ),
    wireguard_public_key: wireguardPublicKey,
  });
  return {
    machineKey,
    wireguardPublicKey,
    /** The fields that prove this installation in a registration. */
    proof: async (authKey: string, name: string) =>
      await signed(
        registrationStatement({ authKeyHash: await sha256(authKeyDigits(authKey)!), name, wireguardPublicKey }),
      ),
    /** The same for a person who enrols it. */
    setupProof: (orgId: string, userId: string, name: string) =>
      signed(setupStatement({ orgId, userId, name, wireguardPublicKey })),
    /** The signature of its hello. */
    helloProof: async (nodeKey: string, instance: string) =>
      (await signed(helloStatement({ nodeKeyHash: await sha256(nodeKey), instance }))).machine_key_signature,
  };
}

/** Enrols a new installation. */
export async function newMachine(key: string, name: string, more: Partial<Registration> = {}) {
  const installation = await newInstallation();
  const machine = await enrol(key, name, { ...await installation.proof(key, name), ...more });
  return { ...machine, publicKey: installation.wireguardPublicKey };
}

async function sha256(text: string): Promise<string> {
  return hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

function hex(buffer: ArrayBuffer): string {
  return [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
