import { describe, expect, test } from "vitest";
import { editKey, encodingOf, settingFields, settingLabel, settingsChange, settingsOf, type StreamSettings } from "../src/lib/camerasettings";

const range = (Value: string, Min: string, Max: string) => ({ Value, Min, Max });
const SETTINGS: StreamSettings = {
  Encode: {
    Encoding: { Value: "H264", AllowedValues: ["H264", "H265"] },
    Options: [
      {
        H264: {
          Resolution: { Value: { Width: "1920", Height: "1080" }, AllowedValues: [{ Width: "1920", Height: "1080" }, { Width: "1280", Height: "720" }] },
          FrameRate: range("25", "1", "30"),
          Quality: range("5", "5", "5"),
        },
        H265: { FrameRate: range("20", "1", "25") },
      },
    ],
  },
  Image: { Brightness: range("50", "0", "100"), Sharpness: range("0.5", "0", "1"), IrCutFilterMode: { Value: "AUTO", AllowedValues: ["ON", "OFF"] }, ExposureMode: { Value: "AUTO", AllowedValues: [] } },
};

describe("fields", () => {
  const fields = settingFields(SETTINGS, "h264");

  test("are what the camera lets one choose", () => {
    expect(fields.map(editKey)).toEqual(["Encode.Encoding", "Encode.Resolution", "Encode.FrameRate", "Image.Brightness", "Image.Sharpness", "Image.IrCutFilterMode"]);
  });

  test("follow the codec chosen", () => {
    expect(settingFields(SETTINGS, "H265").find(({ key }) => key === "FrameRate")).toMatchObject({ value: "20", range: { max: 25 } });
  });

  test("keep the value in force even where the camera does not list it", () => {
    expect(fields.at(-1)).toMatchObject({ value: "AUTO", choices: ["AUTO", "ON", "OFF"] });
  });

  test("have steps that suit their range", () => {
    expect(fields.find(({ key }) => key === "Brightness")?.range?.step).toBe(1);
    expect(fields.find(({ key }) => key === "Sharpness")?.range?.step).toBe(0.01);
  });

  test("of nothing are none", () => {
    expect(settingFields({}, "")).toEqual([]);
    expect(encodingOf({})).toBe("");
    expect(encodingOf(SETTINGS)).toBe("H264");
  });
});

describe("a change", () => {
  const fields = settingFields(SETTINGS, "H264");

  test("holds what was changed and the codec it is for", () => {
    expect(settingsChange(fields, { "Encode.Resolution": "1280x720", "Image.Brightness": "60", "Encode.FrameRate": "25" })).toEqual({
      Encode: { Encoding: "H264", Resolution: { Width: "1280", Height: "720" } },
      Image: { Brightness: "60" },
    });
  });

  test("of the picture alone leaves the encoder alone", () => {
    expect(settingsChange(fields, { "Image.IrCutFilterMode": "ON" })).toEqual({ Image: { IrCutFilterMode: "ON" } });
  });

  test("of nothing is null", () => expect(settingsChange(fields, { "Image.Brightness": "50" })).toBeNull());
});

test.each([
  ["Brightness", "Brightness"],
  ["MinExposureTime", "Min exposure time"],
  ["ExposureGain", "Exposure gain"],
  ["GovLength", "Keyframe every … frames"],
])("%s is called %s", (key, label) => expect(settingLabel(key)).toBe(label));

test("settings are those of the stream, or the only ones", () => {
  expect(settingsOf({ a: SETTINGS, b: {} }, "a")).toBe(SETTINGS);
  expect(settingsOf({ token_1: SETTINGS }, "a")).toBe(SETTINGS);
  expect(settingsOf({ x: {}, y: {} }, "a")).toBeNull();
  expect(settingsOf(null, "a")).toBeNull();
});
