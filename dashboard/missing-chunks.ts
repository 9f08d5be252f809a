import { readStored, writeStored } from "./storage.ts";

const RELOADED_AT = "chunk_reload_at";
const ONCE_MS = 30_000;

/**
 * After a deploy the chunks of an open page are gone, and their addresses answer with the page itself, which the
 * browser keeps. Fetch the chunk past its cache and load the page anew, once.
 */
export function reloadForMissingChunks(): void {
  addEventListener("vite:preloadError", (event) => {
    if (Date.now() - Number(readStored(RELOADED_AT) ?? 0) < ONCE_MS) return;
    writeStored(RELOADED_AT, String(Date.now()));
    event.preventDefault();
    void refetch(event.payload.message).finally(() => location.reload());
  });
}

/** Browsers name the chunk in the message of the error only. */
async function refetch(message: string): Promise<void> {
  const url = /https?:\/\/\S+\.js/.exec(message)?.[0];
  if (url?.startsWith(location.origin)) await fetch(url, { cache: "reload" });
}
