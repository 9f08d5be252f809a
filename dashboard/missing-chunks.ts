import { readStored, writeStored } from "./storage.ts";

const RELOADED_AT = "chunk_reload_at";

/** After a deploy the chunks of an open page are gone, and come as HTML: load the new page, once. */
export function reloadForMissingChunks(): void {
  addEventListener("vite:preloadError", (event) => {
    if (Date.now() - Number(readStored(RELOADED_AT) ?? 0) < 30_000) return;
    writeStored(RELOADED_AT, String(Date.now()));
    event.preventDefault();
    location.reload();
  });
}
