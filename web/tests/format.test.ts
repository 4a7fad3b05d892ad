import { expect, test } from "vitest";
import { alertTitle, isOpen } from "../src/lib/alerttext";
import { backoffMs } from "../src/lib/backoff";
import { age, dayHeading, decimal, duration, fileStamp, fileStem, isoTime, plural, startOfDay } from "../src/lib/format";
import { readFragment } from "../src/lib/fragment";
import { splitCredentials } from "../src/lib/rtspurl";

test.each([
  [0, "now"],
  [4_000, "now"],
  [59_000, "59 s"],
  [61_000, "1 min"],
  [3_599_000, "59 min"],
  [7_200_000, "2 h"],
  [200_000_000, "2 d"],
  [-5_000, "now"],
])("age of %d ms is %s", (ms, text) => expect(age(1e12, 1e12 + ms)).toBe(text));

test.each([
  [0, "0:00"],
  [42_000, "0:42"],
  [725_000, "12:05"],
  [3_800_000, "1:03:20"],
])("%d ms lasts %s", (ms, text) => expect(duration(ms)).toBe(text));

test("days have names", () => {
  const now = new Date(2026, 4, 20, 0, 30).getTime();
  expect(dayHeading(now, now)).toBe("Today");
  expect(dayHeading(now - 3_600_000, now)).toBe("Yesterday");
  expect(dayHeading(new Date(2026, 4, 15, 9).getTime(), now)).toMatch(/^Friday/);
  expect(startOfDay(now)).toBe(new Date(2026, 4, 20).getTime());
});

test("numbers and names", () => {
  expect(plural(1, "camera")).toBe("1 camera");
  expect(plural(3, "camera")).toBe("3 cameras");
  expect(decimal(2)).toBe("2");
  expect(decimal(2.44)).toBe("2.4");
  expect(isoTime(1_767_225_600_000.4)).toBe("2026-01-01T00:00:00.000Z");
  expect(fileStem("  Front / door é ")).toBe("Front-door-é");
  expect(fileStem("../..")).toBe("camera");
  expect(fileStamp(new Date(2026, 0, 31, 14, 5, 9).getTime())).toBe("2026-01-31_14-05-09");
});

test("back-off doubles, is capped, and spreads", () => {
  expect(backoffMs(0, 0.5)).toBe(500);
  expect(backoffMs(2, 0.5)).toBe(2_000);
  expect(backoffMs(99, 0.5)).toBe(10_000);
  expect(backoffMs(99, 1)).toBe(12_000);
});

test("secrets come from the fragment", () => {
  expect(readFragment("#code=K7QF-2M9D")).toEqual({ code: "K7QF-2M9D", ticket: null });
  expect(readFragment("#ticket=a%2Bb")).toEqual({ code: null, ticket: "a+b" });
  expect(readFragment("")).toEqual({ code: null, ticket: null });
});

test.each([
  ["rtsp://10.0.0.5/1", "rtsp://10.0.0.5/1", "", ""],
  ["rtsp://ada:pa%40ss@10.0.0.5/1", "rtsp://10.0.0.5/1", "ada", "pa@ss"],
  ["rtsp://ada:p@ss:x@10.0.0.5/1", "rtsp://10.0.0.5/1", "ada", "p@ss:x"],
  ["rtsp://ada@cam/1", "rtsp://cam/1", "ada", ""],
  ["rtsp://ada:100%@cam/1", "rtsp://cam/1", "ada", "100%"],
  ["front door", "front door", "", ""],
])("credentials of %s", (address, url, username, password) => {
  expect(splitCredentials(address)).toEqual({ url, username, password });
});

test("an alert speaks for itself, or is spoken for", () => {
  const alert = { id: "1", sensorId: "x", type: "tripwire", count: 3, startTimestamp: "2026-01-01T00:00:00Z" };
  expect(alertTitle({ ...alert, description: "As written" })).toBe("As written");
  expect(alertTitle({ ...alert, directionName: "IN" })).toBe("3 crossed (IN)");
  expect(alertTitle({ ...alert, type: "roi" })).toBe("3 in the zone");
  expect(alertTitle({ ...alert, type: "fov" })).toBe("3 in view");
  expect(alertTitle({ ...alert, type: "new" })).toBe("Alert");
  expect(isOpen(alert)).toBe(true);
  expect(isOpen({ ...alert, endTimestamp: alert.startTimestamp })).toBe(false);
});
