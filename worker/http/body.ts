import { ZtnaError } from "#protocol/errors.ts";
import type { AppContext } from "../context.ts";

/** The JSON object of a request body of at most `limits.body_bytes` bytes. */
export async function readJsonObject(c: AppContext): Promise<Record<string, unknown>> {
  const text = await readText(c.req.raw, c.get("config").limits.body_bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ZtnaError("INVALID_JSON", undefined, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ZtnaError("INVALID_JSON", "Request body must be a JSON object");
  }
  return value as Record<string, unknown>;
}

async function readText(request: Request, mostBytes: number): Promise<string> {
  const declared = request.headers.get("content-length");
  if (declared === null) return request.body === null ? "" : await readStream(request.body, mostBytes);
  if (!(Number(declared) <= mostBytes)) throw new ZtnaError("PAYLOAD_TOO_LARGE");
  return await request.text();
}

/** A chunked body has no declared length: count while reading, so that an endless one is never held. */
async function readStream(body: ReadableStream<Uint8Array>, mostBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > mostBytes) throw new ZtnaError("PAYLOAD_TOO_LARGE");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
