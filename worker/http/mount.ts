import type { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import * as v from "valibot";
import type { Endpoint, RequestOf, ResponseOf } from "#protocol/api/endpoint.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { admit, identify } from "../auth/caller.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { readJsonObject } from "./body.ts";

export type Handler<E extends Endpoint> = (
  input: RequestOf<E>,
  c: AppContext,
) => ResponseOf<E> | Promise<ResponseOf<E>>;

/** Binds one descriptor to its handler: ask who is asking, parse, answer in the envelope. */
export function mount<E extends Endpoint>(app: Hono<AppEnv>, endpoint: E, handler: Handler<E>): void {
  for (const path of pathsOf(endpoint)) {
    app.on(endpoint.method, path, async (c) => {
      if (needsToken(endpoint)) await identify(c);
      admit(c, endpoint.caller);
      const input = endpoint.method === "GET" ? c.req.query() : await readJsonObject(c);
      return await run(c, endpoint, handler, input);
    });
  }
}

/** Each action's descriptor beside its handler. */
export type Actions<All extends readonly Endpoint[]> = {
  readonly [I in keyof All]: readonly [All[I], Handler<All[I]>];
};

/** Some of a path's actions, for paths whose actions are kept in several files. */
export function actions<const All extends readonly Endpoint[]>(list: Actions<All>): Actions<All> {
  return list;
}

/**
 * Binds the actions of one path, told apart by `action` in the body. Who asks is found out before that is read, unless one of
 * them is open to anyone.
 */
export function mountActions<const All extends readonly Endpoint[]>(app: Hono<AppEnv>, actions: Actions<All>): void {
  // The mapped type pairs each handler with its own descriptor; a table of them can only know the common shape.
  const byName = new Map(
    actions.map(([endpoint, handler]) => [endpoint.action, { endpoint, handler: handler as Handler<Endpoint> }]),
  );
  const allNeedToken = actions.every(([endpoint]) => needsToken(endpoint));
  for (const path of new Set(actions.flatMap(([endpoint]) => pathsOf(endpoint)))) {
    app.post(path, async (c) => {
      if (allNeedToken) await identify(c);
      const input = await readJsonObject(c);
      const name = input["action"];
      if (name === undefined || name === "") throw new ZtnaError("MISSING_FIELDS", "action required");
      const found = typeof name === "string" ? byName.get(name) : undefined;
      if (found === undefined) throw new ZtnaError("UNKNOWN_ACTION", `Unknown action: ${String(name).slice(0, 100)}`);
      if (!allNeedToken && needsToken(found.endpoint)) await identify(c);
      admit(c, found.endpoint.caller);
      return await run(c, found.endpoint, found.handler, input);
    });
  }
}

function needsToken({ caller }: Endpoint): boolean {
  return caller === "user" || caller === "user_or_machine";
}

function pathsOf(endpoint: Endpoint): string[] {
  return [endpoint.path, ...(endpoint.aliases ?? [])];
}

async function run<E extends Endpoint>(
  c: AppContext,
  endpoint: E,
  handler: Handler<E>,
  input: Record<string, unknown>,
): Promise<Response> {
  const parsed = v.safeParse(endpoint.request, input);
  if (!parsed.success) throw refusal(parsed.issues);
  const data = await handler(parsed.output as RequestOf<E>, c);
  return c.json({ success: true, data, error: null }, endpoint.status as ContentfulStatusCode);
}

type Issue = v.BaseIssue<unknown>;

function refusal(issues: readonly Issue[]): ZtnaError {
  const missing = issues.filter(isMissing).map((issue) => v.getDotPath(issue));
  if (missing.length > 0) return new ZtnaError("MISSING_FIELDS", `${missing.join(", ")} required`);
  return new ZtnaError("INVALID_INPUT", issues[0]!.message);
}

function isMissing(issue: Issue): boolean {
  return issue.path !== undefined && (issue.input === undefined || issue.message === `${v.getDotPath(issue)} required`);
}
