import { call } from "#protocol/api/call.ts";
import type { Endpoint, InputOf, ResponseOf } from "#protocol/api/endpoint.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { OrgId } from "#protocol/ids.ts";
import { type AgentConfig, requireApiUrl } from "./config.ts";
import { MachineSession } from "./machine-session.ts";
import { PersonSession } from "./person-session.ts";

const ANSWER_MS = 20_000;

interface Session {
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

  /** Speaks for the person who is logged in, else for this machine; the other way round where the machine is preferred. */
  static open(config: AgentConfig, preferred: "person" | "machine" = "person"): ApiClient {
    const machine = config.apiUrl === undefined ? undefined : MachineSession.read(config.paths, config.apiUrl);
    const orgId = config.file.org_id ?? machine?.registration.org_id;
    if (orgId === undefined) throw new Error("not connected to an organization. Run 'ztna up' first");
    const apiUrl = requireApiUrl(config);
    const person = PersonSession.read(config.paths.tokens, apiUrl);
    const own = machine?.registration.org_id === orgId ? machine : undefined;
    const asMachine = own !== undefined && (preferred === "machine" || person === undefined);
    const session = asMachine ? own : person;
    if (session === undefined) throw new Error("not authenticated. Run 'ztna login' first");
    return new ApiClient(apiUrl, orgId as OrgId, asMachine ? "machine" : "person", session);
  }

  /** One call; a token that has run out is renewed once. */
  async call<E extends Endpoint>(endpoint: E, input: InputOf<E>): Promise<ResponseOf<E>> {
    const token = await this.#session.token();
    try {
      return await this.#send(endpoint, input, token);
    } catch (error) {
      if (!(error instanceof ZtnaError) || error.code !== "UNAUTHORIZED") throw error;
      return await this.#send(endpoint, input, await this.#session.renew());
    }
  }

  #send<E extends Endpoint>(endpoint: E, input: InputOf<E>, token: string): Promise<ResponseOf<E>> {
    return call(fetch, this.apiUrl, endpoint, input, { token, signal: AbortSignal.timeout(ANSWER_MS) });
  }
}
