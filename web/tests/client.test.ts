import { afterEach, describe, expect, test, vi } from "vitest";
import { ApiError, errorFrom, getJson, messageOf, onSignedOut, request, withQuery } from "../src/api/client";

function reply(status: number, body: unknown): Response {
  return new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
}

function answerWith(response: Response | Error) {
  const fetch = vi.fn<typeof globalThis.fetch>(() =>
    response instanceof Error ? Promise.reject(response) : Promise.resolve(response),
  );
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

afterEach(() => vi.unstubAllGlobals());

describe("errors are shown as the box wrote them", () => {
  test.each([
    [{ error_code: "ResourceConflictError", error_message: "Sensor exists already" }, "ResourceConflictError", "Sensor exists already"],
    [{ error: "to must be after from" }, "http422", "to must be after from"],
    [{ detail: "No such route" }, "http422", "No such route"],
  ])("%j", async (body, code, message) => {
    const error = await errorFrom(reply(422, body));
    expect(error).toMatchObject({ status: 422, code, message });
  });

  test.each([
    [401, "Please sign in again."],
    [403, "Your account may not do this."],
    [404, "The box does not know this."],
    [418, "The box refused this (418)."],
    [502, "A service on the box failed (502). Try again in a moment."],
  ])("a proxy's page for %d is put into words", async (status, message) => {
    expect((await errorFrom(reply(status, "<html>"))).message).toBe(message);
  });
});

describe("request", () => {
  test("sends JSON, cookies and the query", async () => {
    const fetch = answerWith(reply(200, { ok: true }));
    await getJson("/a", { method: "POST", json: { x: 1 }, query: { q: "ü&", none: undefined } });
    const [url, init] = fetch.mock.calls[0] ?? [];
    expect(url).toBe("/a?q=%C3%BC%26");
    expect(init).toMatchObject({ method: "POST", body: '{"x":1}', credentials: "same-origin" });
    expect(init?.headers).toMatchObject({ "content-type": "application/json" });
  });

  test("tells when the session is gone, but not for sign-in itself", async () => {
    const heard = vi.fn();
    const stop = onSignedOut(heard);
    answerWith(reply(401, {}));
    await expect(request("/a", { anonymous: true })).rejects.toThrow(ApiError);
    expect(heard).not.toHaveBeenCalled();
    answerWith(reply(401, {}));
    await expect(request("/a")).rejects.toThrow(ApiError);
    expect(heard).toHaveBeenCalledOnce();
    stop();
  });

  test("puts a dead network into words", async () => {
    answerWith(new TypeError("Failed to fetch"));
    await expect(request("/a")).rejects.toMatchObject({ status: 0, code: "unreachable" });
  });

  test("lets a cancelled request be cancelled", async () => {
    const abort = new AbortController();
    abort.abort();
    answerWith(new DOMException("aborted", "AbortError"));
    await expect(request("/a", { signal: abort.signal })).rejects.not.toBeInstanceOf(ApiError);
  });
});

test("withQuery leaves a bare path alone", () => expect(withQuery("/a", {})).toBe("/a"));

test("messageOf always has something to say", () => {
  expect(messageOf(new Error("As written"))).toBe("As written");
  expect(messageOf("?")).toBe("Something failed without saying why.");
});
