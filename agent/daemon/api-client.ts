import { call } from "#protocol/api/call.ts";
import type { Endpoint, InputOf, ResponseOf } from "#protocol/api/endpoint.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { MachineId, OrgId } from "#protocol/ids.ts";
import { type AgentConfig, requireApiUrl } from "./config.ts";
import { MachineSession } from "./machine-session.ts";
import { PersonSession } from "./person-session.ts";

const ANSWER_MS = 20_000;

/** Somebody in whose name calls are made. */
export interface Session {
  token(): string | Promise<string>;
  renew(): Promise<string>;
}

/** The control plane as a command of this installation speaks to it, in the name of a person or of the machine. */
export class ApiClient {
  readonly apiUrl: string;
  readonly orgId: OrgId;
  readonly speaker: "person" | "machine";
  readonly #session: Session;

  private constructor(apiUrl: string, orgId: OrgId, speaker: "person" | "machine", session: Session) {
    this.apiUrl = apiUrl;
    this.orgId = orgId;
    this.speaker = speaker;
    this.#session = session;
  }

  /** Speaks for the person who is logged in, else for this machine. */
  static open(config: AgentConfig): ApiClient {
    const machine = config.apiUrl === undefined ? undefined : MachineSession.read(config.paths, config.apiUrl);
    const orgId = config.file.org_id ?? machine?.registration.org_id;
    if (orgId === undefined) throw new Error("not connected to an organization. Run 'ztna up' first");
    const apiUrl = requireApiUrl(config);
    const person = PersonSession.read(config.paths.tokens, apiUrl);
    if (person !== undefined) return new ApiClient(apiUrl, orgId as OrgId, "person", person);
    if (machine?.registration.org_id !== orgId) throw new Error("not authenticated. Run 'ztna login' first");
    return new ApiClient(apiUrl, orgId as OrgId, "machine", machine);
  }

  /** Speaks for this machine; undefined while it is not registered. */
  static asMachine(config: AgentConfig): (ApiClient & { readonly machineId: MachineId }) | undefined {
    const machine = config.apiUrl === undefined ? undefined : MachineSession.read(config.paths, config.apiUrl);
    if (machine === undefined) return undefined;
    const { api_url, org_id, machine_id } = machine.registration;
    const client = new ApiClient(api_url, org_id as OrgId, "machine", machine);
    return Object.assign(client, { machineId: machine_id as MachineId });
  }

  call<E extends Endpoint>(endpoint: E, input: InputOf<E>): Promise<ResponseOf<E>> {
    return callInSession(this.#session, this.apiUrl, endpoint, input);
  }
}

/** One call; a token that has run out is renewed once. */
export async function callInSession<E extends Endpoint>(
  session: Session,
  apiUrl: string,
  endpoint: E,
  input: InputOf<E>,
): Promise<ResponseOf<E>> {
  const send = (token: string) =>
    call(fetch, apiUrl, endpoint, input, { token, signal: AbortSignal.timeout(ANSWER_MS) });
  const token = await session.token();
  try {
    return await send(token);
  } catch (error) {
    if (!(error instanceof ZtnaError) || error.code !== "UNAUTHORIZED") throw error;
    return await send(await session.renew());
  }
}
