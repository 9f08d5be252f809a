import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useProblem } from "../../problem.ts";
import { session } from "../../session.ts";
import { Button } from "../../ui/button.tsx";
import { Logo } from "../../ui/logo.tsx";
import { Notice } from "../../ui/notice.tsx";
import { usePageTitle } from "../../ui/page-title.ts";
import { approve, type CliLogin, readCliLogin, refusalUrl } from "./cli-login.ts";

const route = getRouteApi("/cli-login");

/** The person who is signed in here lets the `ztna` that opened this page be logged in as them. */
export function CliLoginPage() {
  const login = readCliLogin(route.useSearch());
  usePageTitle("Connect this machine's CLI");
  return (
    <main id="main" className="mx-auto flex min-h-dvh max-w-md flex-col justify-center px-4 py-10">
      <Logo className="mb-6 size-10" />
      <h1 className="text-xl font-semibold">Connect this machine's CLI</h1>
      {login === undefined
        ? <Notice tone="bad" className="mt-6">This link is not complete. Run "ztna login" again.</Notice>
        : <Question login={login} />}
    </main>
  );
}

function Question({ login }: { login: CliLogin }) {
  const [busy, setBusy] = useState(false);
  const problem = useProblem();
  const connect = async () => {
    problem.clear();
    setBusy(true);
    try {
      location.assign(await approve(login));
    } catch (error) {
      problem.report(error);
      setBusy(false);
    }
  };
  return (
    <>
      <p className="mt-1.5 text-muted">
        <code className="font-mono text-ink">ztna</code> on{" "}
        <strong className="break-all text-ink">{login.host ?? "this computer"}</strong> asks to be logged in as{" "}
        <strong className="break-all text-ink">{session.access?.email}</strong>.
      </p>
      <Notice tone="warn" className="mt-6">
        Go on only if you have just started <code className="font-mono">ztna login</code> yourself, on this computer.
      </Notice>
      {problem.text !== undefined && <Notice tone="bad" className="mt-4">{problem.text}</Notice>}
      <div className="mt-6 flex gap-2 max-sm:flex-col">
        <Button look="primary" busy={busy} className="max-md:h-11" onClick={() => void connect()}>Connect</Button>
        <Button className="max-md:h-11" onClick={() => location.assign(refusalUrl(login))}>Cancel</Button>
        <Button look="quiet" className="max-md:h-11" onClick={() => void session.signOut()}>
          Use another account
        </Button>
      </div>
    </>
  );
}
