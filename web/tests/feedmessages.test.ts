import { describe, expect, test } from "vitest";
import { readFeedMessage } from "../src/api/feedmessages";
import { feedUrl } from "../src/api/feed";

const AT = "2026-01-01T00:00:00.040Z";
const read = (message: unknown) => readFeedMessage(JSON.stringify(message));

describe("frames", () => {
  const bbox = { leftX: 1, topY: 2, rightX: 3, bottomY: 4 };

  test("are read with their boxes and size", () => {
    const message = read({ type: "frame", sensorId: "Gate", timestamp: AT, objects: [{ id: 7, bbox, type: "Person", confidence: 0.5 }], info: { frameWidth: "1280", frameHeight: 720 } });
    expect(message).toEqual({
      kind: "frame",
      sensor: "Gate",
      frame: {
        at: Date.parse(AT),
        width: 1280,
        height: 720,
        objects: [{ id: "7", type: "Person", confidence: 0.5, box: { left: 1, top: 2, right: 3, bottom: 4 } }],
      },
    });
  });

  test("may write their time as other producers do", () => {
    expect(read({ type: "frame", sensorId: "Gate", "@timestamp": AT })).toMatchObject({ frame: { at: Date.parse(AT), objects: [] } });
  });

  test("bring the counts of the zones", () => {
    const counts = { fov: { Person: 3 }, rois: { z: { Person: 2, Bag: 1 }, y: {} }, tripwires: {} };
    expect(read({ type: "frame", sensorId: "Gate", timestamp: AT, counts })).toMatchObject({ frame: { zones: { z: 3, y: 0 } } });
  });

  test("lose boxes without extent, and nothing else", () => {
    const objects = [{ id: "1", bbox: { ...bbox, rightX: 0 } }, { id: "2" }, null, { id: "3", bbox }];
    const message = read({ type: "frame", sensorId: "Gate", timestamp: AT, objects });
    expect(message?.kind === "frame" && message.frame.objects.map((object) => object.id)).toEqual(["3"]);
  });
});

describe("crossings", () => {
  test.each([
    { type: "crossing", sensorId: "Gate", tripwireId: "w", direction: "in", objectId: "7", timestamp: AT },
    { type: "crossing", sensorId: "Gate", timestamp: AT, event: { id: "w", type: "IN" }, object: { id: "7" } },
    { type: "crossing", sensorId: "Gate", crossing: { tripwireId: "w", direction: "IN", objectId: 7, timestamp: AT } },
  ])("%j", (message) => {
    expect(read(message)).toEqual({
      kind: "crossing",
      sensor: "Gate",
      crossing: { tripwireId: "w", direction: "IN", objectId: "7", at: Date.parse(AT) },
    });
  });

  test("without a wire or a known direction are skipped", () => {
    expect(read({ type: "crossing", sensorId: "Gate", direction: "IN" })).toBeNull();
    expect(read({ type: "crossing", sensorId: "Gate", tripwireId: "w", direction: "ENTRY" })).toBeNull();
  });
});

test("alerts are read flat or nested", () => {
  const inner = { id: "a", type: "fov", sensorId: "Gate", startTimestamp: AT, count: 3 };
  expect(read({ type: "alert", sensorId: "Gate", alert: inner })).toMatchObject({ kind: "alert", alert: inner });
  const flat = read({ ...inner, type: "alert", ruleType: "occupancy" });
  expect(flat).toMatchObject({ kind: "alert", alert: { id: "a", type: "occupancy", startTimestamp: AT } });
});

test.each(["", "{", "null", "[]", "7", '{"type":"news"}', '{"type":"frame"}', '{"type":"alert"}'])(
  "%j is skipped",
  (raw) => expect(readFeedMessage(raw)).toBeNull(),
);

test("the websocket follows the page's own origin", () => {
  expect(feedUrl("Front door", "https://box.lan")).toBe("wss://box.lan/ws-emdx/?sensorId=Front%20door");
});
