/** The lines that enrol a machine. The key goes into the environment: arguments show up in process lists. */
export function enrolCommands(apiUrl: string, key: string): string {
  return `export ZTNA_API_URL=${apiUrl}\nexport ZTNA_AUTH_KEY=${key}\nztna up`;
}
