/** Names for the ids under which the box remembers who did something. */

import { signal } from "@preact/signals";
import { listPeople } from "../api/accounts";
import { session } from "./session";

const names = signal<ReadonlyMap<string, string>>(new Map());
let asked = false;

/** Only admins may know everybody; others know themselves. A failure leaves ids as they are. */
export async function learnNames(): Promise<void> {
  const state = session.peek();
  if (asked || state.kind !== "signedIn" || state.me.role !== "admin") return;
  asked = true;
  try {
    names.value = await listPeople();
  } catch {
    asked = false; // An id instead of a name is worth no message; the next page asks again.
  }
}

export function personName(id: string): string {
  const state = session.value;
  if (id === "") return "";
  if (state.kind === "signedIn" && state.me.id === id) return state.me.name;
  const known = names.value.get(id);
  if (known !== undefined) return known;
  return id.startsWith("service:") ? "the box itself" : id;
}
