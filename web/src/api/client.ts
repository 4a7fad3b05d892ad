/**
 * The one door to the box. Errors arrive as the services write them ({error_message} or {error}) and
 * are shown to people unchanged, so this file never invents a message the server could have given.
 */

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }
}

/** Raised for anything the network did not answer; `status` 0. */
const UNREACHABLE = "The box does not answer. Check that it is on and that this device can reach it.";
const TIMEOUT_MS = 15_000;

type Listener = () => void;
const signedOut = new Set<Listener>();

/** Called whenever a request finds the session gone. */
export function onSignedOut(listener: Listener): () => void {
  signedOut.add(listener);
  return () => signedOut.delete(listener);
}

export interface RequestOptions {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly json?: unknown;
  readonly text?: { readonly type: string; readonly body: string };
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** A 401 is an answer here (sign-in, "who am I"), not a lost session. */
  readonly anonymous?: boolean;
}

export function withQuery(path: string, query: RequestOptions["query"]): string {
  const pairs = Object.entries(query ?? {}).flatMap(([key, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(key)}=${encodeURIComponent(String(value))}`],
  );
  return pairs.length === 0 ? path : `${path}?${pairs.join("&")}`;
}

function plain(status: number): string {
  if (status === 401) return "Please sign in again.";
  if (status === 403) return "Your account may not do this.";
  if (status === 404) return "The box does not know this.";
  if (status >= 500) return `A service on the box failed (${status}). Try again in a moment.`;
  return `The box refused this (${status}).`;
}

function written(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return null;
  const { error_message: vst, error, detail } = value as Record<string, unknown>;
  for (const text of [vst, error, detail]) if (typeof text === "string" && text !== "") return text;
  return null;
}

/** Reads whatever body an error reply carries. */
export async function errorFrom(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  let body: unknown = null;
  try {
    body = JSON.parse(text);
  } catch {
    body = null; // An HTML page of a proxy in between: its text helps nobody.
  }
  const code = (body as { error_code?: unknown } | null)?.error_code;
  return new ApiError(
    response.status,
    typeof code === "string" ? code : `http${response.status}`,
    written(body) ?? plain(response.status),
  );
}

function bodyOf(options: RequestOptions): { body?: string; headers: Record<string, string> } {
  const headers: Record<string, string> = { accept: "application/json", ...options.headers };
  if (options.json !== undefined) {
    return { body: JSON.stringify(options.json), headers: { ...headers, "content-type": "application/json" } };
  }
  if (options.text) return { body: options.text.body, headers: { ...headers, "content-type": options.text.type } };
  return { headers };
}

export async function request(path: string, options: RequestOptions = {}): Promise<Response> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  let response: Response;
  try {
    response = await fetch(withQuery(path, options.query), {
      method: options.method ?? "GET",
      credentials: "same-origin",
      cache: "no-store",
      // A page being closed should still be able to end its session.
      keepalive: options.method === "DELETE",
      signal,
      ...bodyOf(options),
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new ApiError(0, timeout.aborted ? "timeout" : "unreachable", UNREACHABLE);
  }
  if (response.ok) return response;
  if (response.status === 401 && !options.anonymous) for (const listener of signedOut) listener();
  throw await errorFrom(response);
}

export async function getJson<T>(path: string, options: RequestOptions = {}): Promise<T> {
  return (await (await request(path, options)).json()) as T;
}

/** The box has no such route: an older one, or a camera that cannot do this. The feature is then not offered. */
export function isMissing(cause: unknown): boolean {
  return cause instanceof ApiError && [404, 405, 501].includes(cause.status);
}

/** The answer, or null where the box cannot give one. */
export async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw cause;
  }
}

/** The sentence to show for anything that was thrown. */
export function messageOf(cause: unknown): string {
  if (cause instanceof Error && cause.message !== "") return cause.message;
  return "Something failed without saying why.";
}
