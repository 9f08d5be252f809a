import type { TestProject } from "vitest/node";
import { startSignInProvider } from "../../support/sign-in-provider.ts";

declare module "vitest" {
  interface ProvidedContext {
    signInProvider: string;
  }
}

/** One provider on this machine for all tests, outside of the Worker. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const provider = await startSignInProvider();
  project.provide("signInProvider", provider.url);
  return () => provider.close();
}
