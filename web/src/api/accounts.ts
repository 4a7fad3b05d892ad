/** Sign-in and first-boot set-up. The session itself is a cookie this code never sees. */

import { ApiError, getJson, request } from "./client";
import type { Me } from "./types";

const BASE = "/api/v1/accounts";

export async function setupRequired(): Promise<boolean> {
  return (await getJson<{ setupRequired: boolean }>(`${BASE}/status`, { anonymous: true })).setupRequired;
}

/** Null when nobody is signed in. */
export async function whoAmI(): Promise<Me | null> {
  try {
    return readMe(await getJson<unknown>(`${BASE}/me`, { anonymous: true }));
  } catch (cause) {
    if (cause instanceof ApiError && cause.status === 401) return null;
    throw cause;
  }
}

export function readMe(value: unknown): Me {
  const { id, name, role } = (value ?? {}) as Record<string, unknown>;
  return {
    id: typeof id === "string" ? id : "",
    name: typeof name === "string" ? name : "admin",
    role: typeof role === "string" ? role.toLowerCase() : "viewer",
  };
}

export async function setUp(account: { code: string; name: string; password: string }): Promise<void> {
  await request(`${BASE}/setup`, { method: "POST", json: account, anonymous: true });
}

export async function signIn(name: string, password: string): Promise<void> {
  await request(`${BASE}/session`, { method: "POST", json: { name, password }, anonymous: true });
}

export async function redeemTicket(ticket: string): Promise<void> {
  await request(`${BASE}/ticket`, { method: "POST", json: { ticket }, anonymous: true });
}

export async function signOut(): Promise<void> {
  try {
    await request(`${BASE}/session`, { method: "DELETE", anonymous: true });
  } catch (cause) {
    // The session had ended before: that is what was asked for.
    if (!(cause instanceof ApiError && cause.status === 401)) throw cause;
  }
}

/** Names by id, of users and of tokens; for admins. */
export async function listPeople(): Promise<Map<string, string>> {
  const [{ users = [] }, { tokens = [] }] = await Promise.all([
    getJson<{ users?: { id: string; name: string }[] }>(`${BASE}/users`),
    getJson<{ tokens?: { id: string; name: string }[] }>(`${BASE}/tokens`),
  ]);
  const people = users.map(({ id, name }) => [id, name] as const);
  return new Map([...people, ...tokens.map(({ id, name }) => [`token:${id}`, `the token “${name}”`] as const)]);
}
