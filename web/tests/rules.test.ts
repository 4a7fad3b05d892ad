import { describe, expect, test } from "vitest";
import { sentence, targets, toRule, WHOLE_PICTURE, type RuleForm } from "../src/lib/rules";

const FORM: RuleForm = { target: WHOLE_PICTURE, count: 5, seconds: 10, direction: "any" };

describe("toRule", () => {
  test("of the whole picture has no id", () => {
    expect(toRule(FORM)).toEqual({
      type: "fov",
      name: "At least 5 people in view for 10 s",
      ruleType: "occupancy",
      countThreshold: 5,
      holdTime: 10,
    });
  });

  test("of a zone names it", () => {
    expect(toRule({ ...FORM, count: 1, target: { kind: "roi", id: "z", name: "Bench" } })).toMatchObject({
      id: "z",
      name: "At least 1 person in Bench for 10 s",
    });
  });

  test("of a wire counts over time, one way or both", () => {
    const target = { kind: "tripwire", id: "w", name: "Gate" } as const;
    expect(toRule({ ...FORM, target, direction: "entry" })).toEqual({
      id: "w",
      type: "tripwire",
      name: "At least 5 people over Gate inwards within 10 s",
      ruleType: "increment",
      countThreshold: 5,
      timeInterval: 10,
      direction: "entry",
    });
    expect(toRule({ ...FORM, target })).not.toHaveProperty("direction");
  });
});

test("other people's rules can be read too", () => {
  const rule = { name: "", ruleType: "vacancy", countThreshold: 0, holdTime: 60 } as const;
  expect(sentence(rule, "Desk")).toBe("At most 0 people in Desk for 60 s");
  expect(sentence({ ...rule, ruleType: "flowrate", timeInterval: 5, direction: "exit" }, "Gate")).toBe("At least 0 people over Gate outwards within 5 s");
});

test("targets are the picture, the zones, the wires", () => {
  const found = targets([{ id: "w", name: "Gate", wire: [] }], [{ id: "z", name: "Bench", coordinates: [] }]);
  expect(found.map(({ kind, id }) => kind + id)).toEqual(["fov", "roiz", "tripwirew"]);
});
