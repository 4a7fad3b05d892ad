import { expect, test } from "vitest";
import { axisMarks } from "../src/lib/axis";
import { readAddress } from "../src/lib/address";

test.each([
  ["", { kind: "empty" }],
  [" rtsp://ada:pw@192.168.1.20/1 ", { kind: "stream", url: "rtsp://192.168.1.20/1", username: "ada", password: "pw" }],
  ["rtsps://cam/1", { kind: "stream", url: "rtsps://cam/1", username: "", password: "" }],
  ["ftp://cam/1", { kind: "stream", url: "ftp://cam/1", username: "", password: "" }],
  ["192.168.1.20", { kind: "device", host: "192.168.1.20" }],
  ["cam.local:8080", { kind: "device", host: "cam.local:8080" }],
  ["http://ada@192.168.1.20:80/onvif/device_service", { kind: "device", host: "192.168.1.20:80" }],
])("%s", (text, address) => expect(readAddress(text)).toEqual(address));

test("marks are hours within two days, days beyond", () => {
  const day = 86_400_000;
  const start = new Date(2026, 0, 5).getTime();
  const hours = axisMarks({ start, end: start + day }, 8);
  expect(hours.map(({ label }) => label)).toEqual(["00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]);
  const week = axisMarks({ start: start + 1, end: start + 7 * day }, 8);
  expect(week).toHaveLength(6);
  expect(week[0]?.label).toBe("Tue 6");
  const month = axisMarks({ start, end: start + 30 * day }, 6);
  expect(month.filter(({ label }) => label !== "")).toHaveLength(6);
  expect(month.every((mark) => mark.day)).toBe(true);
});
