// Runs before everything else, so that a chosen theme never flashes the other one.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is blocked: the system's theme it is.
}

// In the middle of a deploy a server that is still the old one answers a new file's address with the page itself, and
// the browser would keep that for a year. Fetch the files anew and start over, but not again and again.
addEventListener("error", async ({ target }) => {
  if (!(target instanceof HTMLScriptElement || target instanceof HTMLLinkElement)) return;
  if (Date.now() - Number(sessionStorage.getItem("started_over_at")) < 10_000) return;
  sessionStorage.setItem("started_over_at", String(Date.now()));
  const files = document.querySelectorAll("script[src], link[rel=modulepreload], link[rel=stylesheet]");
  await Promise.allSettled([...files].map((file) => fetch(file.src || file.href, { cache: "reload" })));
  location.reload();
}, true);
