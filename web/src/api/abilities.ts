/** Which routes the box has, by its own lists, so that asking for what it lacks is not needed to find out. */

import { getJson, orNull } from "./client";
import { BASE } from "./vst";

type Help = readonly (string | { readonly method: string; readonly endpoint: string })[];

const asked = new Map<string, Promise<ReadonlySet<string>>>();

async function routes(group: string): Promise<ReadonlySet<string>> {
  const help = (await orNull(getJson<Help>(`${BASE}/${group}/help`))) ?? [];
  return new Set(help.map((line) => (typeof line === "string" ? line : `${line.method} ${line.endpoint}`)));
}

/** `route` as the box writes it: "GET /storage/stream/{streamId}/previews". Asked once for each group of routes. */
export async function can(route: string): Promise<boolean> {
  const group = route.split("/")[1] ?? "";
  const known = asked.get(group) ?? routes(group);
  asked.set(group, known);
  // A box that did not answer is asked again.
  known.catch(() => asked.delete(group));
  return (await known).has(route);
}

export function forgetAbilities(): void {
  asked.clear();
}
