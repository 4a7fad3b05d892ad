/** One-time secrets handed over in the address bar: after the #, so that no server log ever sees them. */

export interface FragmentSecrets {
  readonly code: string | null;
  readonly ticket: string | null;
}

export function readFragment(hash: string): FragmentSecrets {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  return { code: params.get("code") || null, ticket: params.get("ticket") || null };
}
