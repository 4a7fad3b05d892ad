import { afterEach, expect, test, vi } from "vitest";
import { alertsState, refreshAlerts, unseenCount } from "../src/state/alerts";

const AT = "2026-01-01T00:00:00.000Z";

/** Alerts of "Gate"; every other camera is unknown. */
function box(known: string[]) {
  vi.stubGlobal("fetch", (url: string) => {
    const sensor = new URL(url, "http://box").searchParams.get("sensorId") ?? "";
    if (!known.includes(sensor)) return Promise.resolve(new Response('{"error":"No such sensor"}', { status: 404 }));
    const alerts = [{ id: `a-${sensor}`, sensorId: sensor, type: "fov", startTimestamp: AT }];
    return Promise.resolve(new Response(JSON.stringify({ alerts })));
  });
}

afterEach(() => {
  vi.unstubAllGlobals();
  alertsState.value = { alerts: [], loaded: false, error: null };
});

test("a camera that is not known yet does not hide the others' alerts", async () => {
  box(["Gate"]);
  await refreshAlerts(["Gate", "New"]);
  expect(alertsState.value).toMatchObject({ loaded: true, error: null });
  expect(alertsState.value.alerts.map((alert) => alert.id)).toEqual(["a-Gate"]);
  expect(unseenCount.value).toBe(1);
});

test("when nobody answers, the box's words are kept and the old list stays", async () => {
  box(["Gate"]);
  await refreshAlerts(["Gate"]);
  box([]);
  await refreshAlerts(["Gate"]);
  expect(alertsState.value).toMatchObject({ error: "No such sensor", loaded: true });
  expect(alertsState.value.alerts).toHaveLength(1);
});

test("without cameras there are no alerts, and no error", async () => {
  box([]);
  await refreshAlerts([]);
  expect(alertsState.value).toEqual({ alerts: [], loaded: true, error: null });
});
