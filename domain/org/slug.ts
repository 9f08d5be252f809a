/** The DNS label made from an org's name; empty when nothing of it can be kept. */
export function orgSlug(name: string): string {
  return name.normalize("NFKD").toLowerCase()
    .replaceAll(/[\u0300-\u036f]/g, "")
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replaceAll(/^-+|-+$/g, "");
}
