import * as v from "valibot";
import { readFileIfAny, writePrivateFile } from "./private-file.ts";

/** `tokens.json`: the session of the person who logged in here. */
const tokensSchema = v.object({
  access_token: v.string(),
  refresh_token: v.string(),
  /** The control plane that gave them. */
  api_url: v.string(),
});
export type Tokens = v.InferOutput<typeof tokensSchema>;

/** Undefined when there are none, or none that can be read: then the person logs in again. */
export function readTokens(path: string): Tokens | undefined {
  const text = readFileIfAny(path);
  if (text === undefined) return undefined;
  try {
    return v.parse(tokensSchema, JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function writeTokens(path: string, tokens: Tokens): void {
  writePrivateFile(path, JSON.stringify(tokens, undefined, 2) + "\n");
}
