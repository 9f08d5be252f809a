/** A directory that is gone at the end of the block it is made in. */
export function temporaryDirectory(): { readonly path: string } & Disposable {
  const path = Deno.makeTempDirSync({ prefix: "ztna-" });
  return {
    path,
    [Symbol.dispose]: () => {
      Deno.chmodSync(path, 0o700);
      Deno.removeSync(path, { recursive: true });
    },
  };
}
