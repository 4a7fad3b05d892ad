import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LiveSession, type LiveState } from "../src/api/whep";

/** Just enough of a peer connection to be negotiated with. */
class FakePeer extends EventTarget {
  static last: FakePeer | null = null;
  iceGatheringState = "complete";
  connectionState = "new";
  localDescription: { sdp: string } | null = null;
  remote = "";
  closed = false;
  onconnectionstatechange: (() => void) | null = null;
  ontrack: unknown = null;
  receivers = [{ jitterBufferTarget: null as number | null }];

  constructor() {
    super();
    FakePeer.last = this;
  }
  addTransceiver(): void {}
  createOffer() {
    return Promise.resolve({ type: "offer", sdp: "offer" });
  }
  setLocalDescription(description: { sdp: string }) {
    this.localDescription = description;
    return Promise.resolve();
  }
  setRemoteDescription({ sdp }: { sdp: string }) {
    this.remote = sdp;
    return Promise.resolve();
  }
  getReceivers() {
    return this.receivers;
  }
  close(): void {
    this.closed = true;
  }
  become(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

type Call = readonly [method: string, path: string];
let calls: Call[];
let reply: (call: Call) => Response;

function session() {
  const states: LiveState[] = [];
  const live = new LiveSession("s1", { state: (state) => states.push(state), stream: () => undefined });
  return { live, states };
}

const created = (): Response => new Response("answer", { status: 201, headers: { location: "/vst/api/v1/live/whep/s1/m1" } });

beforeEach(() => {
  vi.useFakeTimers();
  calls = [];
  reply = ([method]) => (method === "POST" ? created() : Response.json({ clock: { rtpTimestamp: 90, wallTimeUs: 5_000 } }));
  vi.stubGlobal("RTCPeerConnection", FakePeer);
  vi.stubGlobal("document", { baseURI: "http://box/" });
  vi.stubGlobal("fetch", (path: string, init: { method: string }) => {
    const call: Call = [init.method, path];
    calls.push(call);
    return Promise.resolve(reply(call));
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a session", () => {
  test("offers, takes the answer, learns the clock, and ends itself", async () => {
    const { live, states } = session();
    await vi.advanceTimersByTimeAsync(0);
    expect(calls).toEqual([["POST", "/vst/api/v1/live/whep/s1"]]);
    expect(FakePeer.last?.remote).toBe("answer");
    FakePeer.last?.become("connected");
    await vi.advanceTimersByTimeAsync(0);
    expect(states.map((state) => state.kind)).toEqual(["connecting", "live"]);
    expect(live.clock).toEqual({ rtpTimestamp: 90, wallMs: 5 });
    live.close();
    expect(FakePeer.last?.closed).toBe(true);
    expect(calls.at(-1)).toEqual(["DELETE", "/vst/api/v1/live/whep/s1/m1"]);
  });

  test("holds pictures for their metadata", async () => {
    const { live } = session();
    await vi.advanceTimersByTimeAsync(0);
    live.hold(140);
    expect(FakePeer.last?.receivers[0]?.jitterBufferTarget).toBe(140);
    live.hold(0);
    expect(FakePeer.last?.receivers[0]?.jitterBufferTarget).toBeNull();
    live.close();
  });
});

describe("trouble", () => {
  test("that time may mend is tried again, in the box's words", async () => {
    reply = () => Response.json({ error_message: "No viewer slot is free" }, { status: 503 });
    const { live, states } = session();
    await vi.advanceTimersByTimeAsync(0);
    expect(states.at(-1)).toEqual({ kind: "reconnecting", reason: "No viewer slot is free" });
    reply = created;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(FakePeer.last?.remote).toBe("answer");
    live.close();
  });

  test("that time will not mend is told and left", async () => {
    reply = () => Response.json({ error_message: "This camera sends H.265, which this browser cannot show" }, { status: 415 });
    const { live, states } = session();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states.at(-1)?.kind).toBe("failed");
    expect(calls).toHaveLength(1);
    live.close();
  });

  test("silence is noticed", async () => {
    const { live, states } = session();
    await vi.advanceTimersByTimeAsync(0);
    FakePeer.last?.become("connected");
    await vi.advanceTimersByTimeAsync(5_000);
    live.sawPicture();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(states.at(-1)?.kind).toBe("live");
    await vi.advanceTimersByTimeAsync(1_500);
    expect(states.some((state) => state.kind === "reconnecting")).toBe(true);
    live.close();
  });

  test("a box that forgot the session is asked for a new one", async () => {
    const { live, states } = session();
    await vi.advanceTimersByTimeAsync(0);
    reply = ([method]) => (method === "POST" ? created() : Response.json({}, { status: 404 }));
    FakePeer.last?.become("connected");
    await vi.advanceTimersByTimeAsync(0);
    expect(states.at(-1)).toEqual({ kind: "reconnecting", reason: "The box restarted" });
    live.close();
  });

  test("an answer that comes after leaving is given back", async () => {
    const { live } = session();
    live.close();
    await vi.advanceTimersByTimeAsync(0);
    expect(calls).toEqual([
      ["POST", "/vst/api/v1/live/whep/s1"],
      ["DELETE", "/vst/api/v1/live/whep/s1/m1"],
    ]);
  });
});
