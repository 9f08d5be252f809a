import type { AppContext } from "../context.ts";

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/**
 * Hands a mail to the provider as `{from, to, subject, text}`. True once that has taken it; a failure is logged and is nobody
 * else's: no request waits longer than the configured time or fails because of it.
 */
export async function sendMail(c: AppContext, { to, subject, text }: Mail): Promise<boolean> {
  const { mail: provider, timings } = c.get("config");
  if (provider === undefined) return false;
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (provider.token !== undefined) headers["authorization"] = `Bearer ${provider.token}`;
  try {
    const response = await fetch(provider.url, {
      method: "POST",
      headers,
      body: JSON.stringify({ from: provider.from, to: [to], subject: oneLine(subject), text }),
      redirect: "manual",
      signal: AbortSignal.timeout(timings.mail_timeout_s * 1000),
    });
    await response.body?.cancel();
    if (response.ok) return true;
    logFailure(c, `HTTP ${response.status}`);
  } catch (error) {
    logFailure(c, String(error));
  }
  return false;
}

/** Names of orgs come from people: none may end the header that carries it. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
}

function logFailure(c: AppContext, error: string): void {
  console.error(JSON.stringify({ event: "mail.failed", requestId: c.get("requestId"), error }));
}
