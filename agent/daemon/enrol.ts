import { call } from "#protocol/api/call.ts";
import { clientSetup } from "#protocol/api/client-setup.ts";
import type { ResponseOf } from "#protocol/api/endpoint.ts";
import { type MachineSettings, registerMachine } from "#protocol/api/machines.ts";
import { userOrgs } from "#protocol/api/orgs.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { authKeyDigits, type MachineKey, type WireGuardPublicKey } from "#protocol/keys.ts";
import { PRODUCT_VERSION } from "#protocol/version.ts";
import { Backoff } from "../control/backoff.ts";
import { chooseOrg } from "../control/org-choice.ts";
import { osVersionDetail } from "../os/version.ts";
import { signRegistration, signSetup } from "./identity.ts";
import type { PersonSession } from "./person-session.ts";
import type { AgentState, Registration } from "./state-file.ts";

/** On whose word the machine is let in. */
export type Credential =
  | { readonly authKey: string }
  | {
    readonly person: PersonSession;
    /** Slug or id of the org asked for, and the id of the one joined last. */
    readonly org: { readonly wanted: string | undefined; readonly lastId: string | undefined };
  };

export interface EnrolOptions {
  readonly apiUrl: string;
  readonly state: AgentState;
  readonly credential: Credential;
  readonly name: string;
  readonly settings: MachineSettings;
  readonly signal: AbortSignal;
}

const ANSWER_MS = 20_000;

/** One registration request. The same request by the same machine may be repeated: it costs no further use of a key. */
export async function enrol(options: EnrolOptions): Promise<Registration> {
  const { apiUrl, credential, signal } = options;
  const limited = { ...options, signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]) };
  const asked = "authKey" in credential ? registerByKey(limited, credential) : setUpByPerson(limited, credential);
  const machine = await asked.catch((error) => {
    throw timedOut(error, signal) ? new ZtnaError("UNAVAILABLE", undefined, { cause: error }) : error;
  });
  return {
    machine_id: machine.machine_id,
    name: machine.name,
    tailnet_ip: machine.tailnet_ip,
    org_id: machine.org_id,
    node_key: machine.node_key,
    api_url: apiUrl,
    ...(machine.status === "pending" && { pending: true }),
  };
}

type Answer = ResponseOf<typeof registerMachine>;

async function registerByKey(options: EnrolOptions, { authKey }: { readonly authKey: string }): Promise<Answer> {
  const { apiUrl, state, name, settings, signal } = options;
  const digits = authKeyDigits(authKey);
  if (digits === undefined) throw new ZtnaError("INVALID_KEY");
  return await call(fetch, apiUrl, registerMachine, {
    auth_key: authKey,
    ...machineOf(options),
    os_version_detail: osVersionDetail(),
    ...settings,
    machine_key_signature: signRegistration(state, digits, name),
  }, { signal });
}

async function setUpByPerson(
  options: EnrolOptions,
  { person, org }: Exclude<Credential, { readonly authKey: string }>,
): Promise<Answer> {
  const { state, name, settings: { tags }, signal } = options;
  const choice = chooseOrg(await person.call(userOrgs, {}, signal), org.wanted, org.lastId);
  if (choice.do === "refuse") throw new Error(choice.why);
  const { id: orgId } = choice.org;
  return await person.call(clientSetup, {
    org_id: orgId,
    ...machineOf(options),
    ...(tags !== undefined && { tags }),
    machine_key_signature: signSetup(state, { orgId, userId: person.userId }, name),
  }, signal);
}

function machineOf({ state, name }: EnrolOptions) {
  return {
    name,
    os: Deno.build.os,
    version: PRODUCT_VERSION,
    wireguard_public_key: state.wireguard_public_key as WireGuardPublicKey,
    machine_key: state.machine_key as MachineKey,
  };
}

/** Repeats while a repetition can help, and says before each pause why and how long. */
export async function enrolPatiently(
  options: EnrolOptions,
  onPause: (error: ZtnaError, pauseMs: number) => void,
): Promise<Registration> {
  const backoff = new Backoff({ firstMs: 1_000, mostMs: 60_000 }, Math.random);
  for (;;) {
    try {
      return await enrol(options);
    } catch (error) {
      if (!(error instanceof ZtnaError) || !mayHelp(error)) throw error;
      const asked = error.details["retry_after_s"];
      const pauseMs = backoff.next(typeof asked === "number" ? asked * 1000 : 0);
      onPause(error, pauseMs);
      await sleep(pauseMs, options.signal);
    }
  }
}

function mayHelp(error: ZtnaError): boolean {
  // A name that is taken stays taken as long as its holder is connected: the person must choose.
  return error.retry && error.code !== "REGISTRATION_CONFLICT";
}

function timedOut(error: unknown, signal: AbortSignal): boolean {
  return !signal.aborted && error instanceof DOMException && error.name === "TimeoutError";
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
