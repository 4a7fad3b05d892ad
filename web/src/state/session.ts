/** Who is signed in, and which of the three doors (set-up, sign-in, app) to show. */

import { computed, signal } from "@preact/signals";
import * as accounts from "../api/accounts";
import { messageOf, onSignedOut } from "../api/client";
import type { Me } from "../api/types";
import { readFragment } from "../lib/fragment";

export type Session =
  | { readonly kind: "asking" }
  | { readonly kind: "unreachable"; readonly reason: string }
  | { readonly kind: "setup"; readonly code: string }
  | { readonly kind: "signedOut"; readonly notice: string | null }
  | { readonly kind: "signedIn"; readonly me: Me };

export const session = signal<Session>({ kind: "asking" });

/** What a role may do is decided by the box; here it only keeps buttons away that would be refused. */
export function allows(role: string, what: "configure" | "remove"): boolean {
  if (role === "viewer") return false;
  return what === "configure" || role !== "operator";
}

const role = computed(() => (session.value.kind === "signedIn" ? session.value.me.role : "viewer"));
/** Cameras, wires, rules, clips. */
export const mayConfigure = computed(() => allows(role.value, "configure"));
export const mayRemove = computed(() => allows(role.value, "remove"));

async function settle(notice: string | null): Promise<void> {
  const me = await accounts.whoAmI();
  session.value = me ? { kind: "signedIn", me } : { kind: "signedOut", notice };
}

async function redeem(ticket: string): Promise<string | null> {
  try {
    await accounts.redeemTicket(ticket);
    return null;
  } catch (cause) {
    return messageOf(cause);
  }
}

export async function openSession(): Promise<void> {
  session.value = { kind: "asking" };
  const secrets = readFragment(location.hash);
  if (location.hash !== "") history.replaceState(null, "", location.pathname);
  try {
    const notice = secrets.ticket ? await redeem(secrets.ticket) : null;
    const me = await accounts.whoAmI();
    if (me) session.value = { kind: "signedIn", me };
    else if (await accounts.setupRequired()) session.value = { kind: "setup", code: secrets.code ?? "" };
    else session.value = { kind: "signedOut", notice };
  } catch (cause) {
    session.value = { kind: "unreachable", reason: messageOf(cause) };
  }
}

export async function signIn(name: string, password: string): Promise<void> {
  await accounts.signIn(name, password);
  await settle("The box took the password but did not keep the session. Are cookies allowed?");
}

/** Set-up may sign in by itself; where it does not, the new password does. */
export async function setUp(account: { code: string; name: string; password: string }): Promise<void> {
  await accounts.setUp(account);
  if (!(await accounts.whoAmI())) await accounts.signIn(account.name, account.password);
  await settle(null);
}

export async function signOut(): Promise<void> {
  await accounts.signOut();
  session.value = { kind: "signedOut", notice: null };
}

onSignedOut(() => {
  if (session.value.kind === "signedIn") session.value = { kind: "signedOut", notice: "Your session ended. Please sign in again." };
});
