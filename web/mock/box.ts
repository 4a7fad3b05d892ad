/**
 * A pretend box inside the browser, for working on the pages without one: it answers the same requests,
 * sends the same websocket messages, and streams a drawn scene over a real peer connection, so that
 * the RTP clock, the overlay and every state of the page are exercised. Development only; never built.
 *
 * Query parameters: ?door=setup|signin, ?empty, ?slow, ?fail=<part of a path>.
 */

import type { AlertItem, AlertRule, Roi, Tripwire } from "../src/api/types";
import { recorder } from "./recorder";
import { Scene, SIZE } from "./scene";

const params = new URLSearchParams(location.search);
const FRAME_MS = 40;
const DETECTION_MS = 120;
const started = Date.now();

interface MockCamera {
  sensorId: string;
  name: string;
  online: boolean;
  reason: string;
  scene: Scene;
}

const cameras: MockCamera[] = params.has("empty")
  ? []
  : [
      { sensorId: "cam-plaza", name: "Plaza", online: true, reason: "", scene: new Scene(0, "PLAZA") },
      { sensorId: "cam-gate", name: "North gate", online: true, reason: "", scene: new Scene(2, "NORTH GATE") },
      { sensorId: "cam-yard", name: "Loading yard", online: false, reason: "The camera at 192.168.1.44 does not answer (connection timed out). Check its power and cable.", scene: new Scene(4, "YARD") },
    ];

const shapes = new Map<string, { tripwires: Tripwire[]; rois: Roi[] }>();
for (const { name } of cameras) {
  shapes.set(name, {
    tripwires: [
      {
        id: "wire-1",
        name: "Passage",
        wire: [{ x: 560, y: 300 }, { x: 640, y: 460 }, { x: 590, y: 690 }],
        direction: { p1: { x: 560, y: 470 }, p2: { x: 700, y: 450 }, entry: { name: "IN" }, exit: { name: "OUT" } },
      },
    ],
    rois: [{ id: "zone-1", name: "Bench", coordinates: [{ x: 840, y: 400 }, { x: 1120, y: 390 }, { x: 1190, y: 560 }, { x: 860, y: 590 }] }],
  });
}

const alerts: AlertItem[] = [0, 1, 2, 3, 4, 5].map((i) => ({
  id: `alert-${i}`,
  sensorId: i % 2 === 0 ? "Plaza" : "North gate",
  type: i % 3 === 0 ? "fov" : "tripwire",
  count: 5 + i,
  description: i % 3 === 0 ? `${5 + i} people in view for more than 10 s` : `${2 + i} people crossed Passage inwards within 1 min`,
  startTimestamp: new Date(started - (i * i * 2_900_000 + 45_000)).toISOString(),
  endTimestamp: new Date(started - (i * i * 2_900_000 + 21_000)).toISOString(),
}));

let signedIn = !params.has("door");
let setupDone = params.get("door") !== "setup";

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
}

function find(name: string | null): MockCamera | undefined {
  return cameras.find((camera) => camera.name === name || camera.sensorId === name);
}

function countAt(camera: MockCamera, at: number): number {
  return camera.scene.people(at).length;
}

function buckets<T>(query: URLSearchParams, each: (start: number, end: number) => T): (T & { start: string; end: string })[] {
  const size = Number(query.get("bucketSizeInSec")) * 1000;
  const from = Math.floor(Date.parse(query.get("fromTimestamp") ?? "") / size) * size;
  const to = Math.min(Date.parse(query.get("toTimestamp") ?? ""), Date.now());
  const result = [];
  for (let at = from; at < to; at += size) {
    result.push({ start: new Date(at).toISOString(), end: new Date(at + size).toISOString(), ...each(at, at + size) });
  }
  return result;
}

function occupancy(camera: MockCamera, query: URLSearchParams, share: number) {
  return buckets(query, (start, end) => {
    const count = Math.round(countAt(camera, (start + end) / 2) * share);
    return { objects: [{ type: "Person", average: count, min: count, max: count + 1 }] };
  });
}

function crossings(query: URLSearchParams) {
  return buckets(query, (start, end) => {
    const span = (end - start) / 1000;
    const wave = (phase: number): number => Math.round(((1 + Math.sin(start / 17_000 + phase)) * span) / 14);
    const row = (type: string, count: number) => ({ type, objects: [{ type: "Person", count }] });
    return { events: [row("IN", wave(0)), row("OUT", wave(2))] };
  });
}

function timelines() {
  const at = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
  return [
    { startTime: at(800), endTime: at(300) },
    { startTime: at(285), endTime: at(31) },
    { startTime: at(30), endTime: at(4) },
    { startTime: at(3.6), endTime: at(0.1) },
  ];
}

const sessions = new Map<string, { peer: RTCPeerConnection; stop: () => void; clock: { rtpTimestamp: number; wallTimeUs: number } | null }>();

/** The far end of the peer connection, in the same page. */
async function whep(camera: MockCamera, offer: string): Promise<Response> {
  const canvas = Object.assign(document.createElement("canvas"), SIZE);
  const ctx = canvas.getContext("2d")!;
  let drawnAt = Date.now();
  const timer = setInterval(() => {
    drawnAt = Date.now();
    camera.scene.draw(ctx, drawnAt);
  }, FRAME_MS);
  const peer = new RTCPeerConnection({ encodedInsertableStreams: true } as RTCConfiguration);
  const id = crypto.randomUUID();
  const entry: { peer: RTCPeerConnection; stop: () => void; clock: { rtpTimestamp: number; wallTimeUs: number } | null } = { peer, stop: () => clearInterval(timer), clock: null };
  sessions.set(id, entry);
  const sender = peer.addTrack(canvas.captureStream(25).getVideoTracks()[0]!);
  const { readable, writable } = (sender as unknown as { createEncodedStreams(): { readable: ReadableStream; writable: WritableStream } }).createEncodedStreams();
  const stamp = new TransformStream<{ timestamp: number }, unknown>({
    transform(chunk, controller) {
      entry.clock ??= { rtpTimestamp: chunk.timestamp, wallTimeUs: drawnAt * 1000 };
      controller.enqueue(chunk);
    },
  });
  void readable.pipeThrough(stamp).pipeTo(writable);
  await peer.setRemoteDescription({ type: "offer", sdp: offer });
  await peer.setLocalDescription(await peer.createAnswer());
  await new Promise((resolve) => setTimeout(resolve, 300));
  return new Response(peer.localDescription!.sdp, {
    status: 201,
    headers: { "content-type": "application/sdp", location: `/vst/api/v1/live/whep/${camera.sensorId}/${id}` },
  });
}

function sessionReply(id: string, method: string): Response {
  const session = sessions.get(id);
  if (!session) return json({ error_code: "VMSNoDataError", error_message: "No such session" }, 404);
  if (method === "DELETE") {
    session.stop();
    session.peer.close();
    sessions.delete(id);
    return new Response(null, { status: 200 });
  }
  return json({ mediaSessionId: id, streamId: "", state: "PLAYING", clock: session.clock, stats: {} });
}

async function picture(camera: MockCamera): Promise<Response> {
  const canvas = Object.assign(document.createElement("canvas"), SIZE);
  camera.scene.draw(canvas.getContext("2d")!, Date.now());
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg"));
  return new Response(blob);
}

function accounts(path: string, method: string, body: Record<string, string>): Response {
  if (path === "status") return json({ setupRequired: !setupDone });
  if (path === "me") return signedIn ? json({ id: "u-ada", name: "Ada", role: "admin" }) : json({ error_code: "ClientUnauthorizedError", error_message: "Please sign in." }, 401);
  if (path === "users") return json({ users: [{ id: "u-ada", name: "Ada" }, { id: "u-ben", name: "Ben" }] });
  if (path === "tokens") return json({ tokens: [] });
  if (path === "setup" || path === "ticket") {
    signedIn = setupDone = true;
    return json({});
  }
  if (path === "session" && method === "DELETE") {
    signedIn = false;
    return json({});
  }
  if (body.password === "wrong") return json({ error_code: "ClientUnauthorizedError", error_message: "Name or password is not right." }, 401);
  signedIn = true;
  return json({});
}

function sensors(path: string, method: string, body: Record<string, string>): Response | null {
  if (path === "list") return json(cameras.map(({ sensorId, name, online }) => ({ sensorId, name, state: online ? "online" : "offline", type: "sensor_onvif" })));
  if (path === "status") return json(Object.fromEntries(cameras.map((c) => [c.sensorId, { name: c.name, state: c.online ? "online" : "offline", errorCode: c.online ? "NoError" : "CommunicationError", errorMessage: c.reason }])));
  if (path === "streams") return json(cameras.map((c) => ({ [c.sensorId]: [
    { streamId: c.sensorId, isMain: true, name: c.name, url: "rtsp://192.168.1.20/1", metadata: { codec: "h264", resolution: "1280x720", framerate: "25", bitrate: "2840" } },
    ...(c.sensorId === "cam-plaza" ? [{ streamId: `${c.sensorId}-sub`, isMain: false, name: c.name, url: "rtsp://192.168.1.20/2", metadata: { codec: "h264", resolution: "640x360", framerate: "10", bitrate: "320" } }] : []),
  ] })));
  if (path === "add" && !body.sensorUrl?.startsWith("rtsp://")) return json({ error_code: "InvalidParameterError", error_message: "This is no RTSP address: it should begin with rtsp:// or rtsps://." }, 400);
  if (path === "add") {
    cameras.push({ sensorId: `cam-${cameras.length}`, name: body.name ?? "", online: true, reason: "", scene: new Scene(cameras.length, "NEW") });
    return json({ sensorId: "x" });
  }
  if (method === "DELETE") {
    cameras.splice(cameras.findIndex((c) => c.sensorId === path), 1);
    return json({});
  }
  return null;
}

function config(method: string, query: URLSearchParams, body: { sensorId?: string; tripwires?: Tripwire[]; rois?: Roi[] }): Response {
  const key = query.get("sensorId") ?? body.sensorId ?? "";
  const stored = shapes.get(key) ?? { tripwires: [], rois: [] };
  shapes.set(key, stored);
  const replace = <T extends { id: string }>(old: T[], fresh: T[] = []): T[] => [...old.filter((o) => !fresh.some((f) => f.id === o.id)), ...fresh];
  if (method === "POST") Object.assign(stored, { tripwires: replace(stored.tripwires, body.tripwires), rois: replace(stored.rois, body.rois) });
  if (method === "DELETE") {
    stored.tripwires = stored.tripwires.filter((wire) => wire.id !== query.get("tripwireId"));
    stored.rois = stored.rois.filter((roi) => roi.id !== query.get("roiId"));
  }
  return json({ sensorId: key, ...stored });
}

const storedRules = new Map<string, AlertRule[]>();

function rules(path: string, method: string, query: URLSearchParams, body: { sensorId?: string; rules?: AlertRule[] }): Response {
  const key = path + (query.get("sensorId") ?? body.sensorId ?? "");
  const old = storedRules.get(key) ?? [];
  const added = (body.rules ?? []).map((rule) => ({ ...rule, ruleId: crypto.randomUUID() }));
  storedRules.set(key, method === "DELETE" ? old.filter((rule) => rule.ruleId !== query.get("ruleId")) : [...old, ...added]);
  return json({ rules: storedRules.get(key) });
}

function analytics(path: string, method: string, query: URLSearchParams, body: object): Response | null {
  const camera = find(query.get("sensorId"));
  if (path.startsWith("config/rule/")) return rules(path, method, query, body);
  if (path.startsWith("config/")) return config(method, query, body);
  if (path === "alerts") return json({ alerts: alerts.filter((alert) => alert.sensorId === query.get("sensorId")) });
  if (!camera) return json({ error: "No camera of this name" }, 404);
  const bucketSizeInSec = Number(query.get("bucketSizeInSec"));
  if (path === "metrics/occupancy/fov/histogram") return json({ bucketSizeInSec, histogram: occupancy(camera, query, 1) });
  if (path === "metrics/occupancy/roi/histogram") return json({ bucketSizeInSec, rois: [{ id: query.get("roiId"), histogram: occupancy(camera, query, 0.34) }] });
  if (path === "metrics/tripwire/histogram") return json({ bucketSizeInSec, tripwires: [{ id: query.get("tripwireId"), histogram: crossings(query) }] });
  if (path === "metrics/tripwire") return json({ tripwireKpis: [{ id: query.get("tripwireId"), events: [{ type: "IN", objects: [{ type: "*", count: 128 }] }, { type: "OUT", objects: [{ type: "*", count: 117 }] }] }] });
  return null;
}

async function answer(url: URL, method: string, raw: string): Promise<Response | null> {
  const path = url.pathname;
  const body = raw.startsWith("{") ? (JSON.parse(raw) as Record<string, string>) : {};
  const after = (prefix: string): string | null => (path.startsWith(prefix) ? path.slice(prefix.length) : null);
  const account = after("/api/v1/accounts/");
  if (account !== null) return accounts(account, method, body);
  const fail = params.get("fail");
  if (fail && path.includes(fail)) return json({ error_message: "The recorder is starting again; this takes a few seconds." }, 503);
  if (params.has("old") && /coverage|mode|forecast|policy|protect|discovered|preview|help|ptz|settings|readings|\/data/.test(path)) return json({ error_code: "VMSNoDataError", error_message: "There is no such route." }, 404);
  const recorded = await recorder(url, method, body, cameras);
  if (recorded) return recorded;
  const sensor = after("/vst/api/v1/sensor/");
  if (sensor !== null) return sensors(sensor, method, body);
  const live = after("/vst/api/v1/live/whep/")?.split("/");
  if (live?.[1]) return sessionReply(live[1], method);
  if (live?.[0]) return whep(find(live[0])!, raw);
  if (path.endsWith("/picture")) return picture(find(path.split("/").at(-2) ?? "") ?? cameras[0]!);
  if (path.endsWith("/timelines")) return json(timelines());
  const emdx = after("/emdx/api/v2/");
  return emdx === null ? null : analytics(emdx, method, url.searchParams, body);
}

export function installFetch(): void {
  const real = window.fetch.bind(window);
  window.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : String(input), location.href);
    const text = typeof init?.body === "string" ? init.body : "";
    if (params.has("slow")) await new Promise((resolve) => setTimeout(resolve, 60_000));
    const reply = await answer(url, init?.method ?? "GET", text);
    return reply ?? real(input, init);
  };
}

/** Frames 120 ms after their picture, a crossing now and then, an alert once. */
export class MockSocket extends EventTarget {
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(url: string) {
    super();
    const camera = find(new URL(url).searchParams.get("sensorId"));
    let n = 0;
    setTimeout(() => this.onopen?.());
    this.timer = setInterval(() => {
      if (!camera) return;
      n += 1;
      this.frame(camera, Date.now());
      if (n % 90 === 45) this.send({ type: "crossing", sensorId: camera.name, tripwireId: "wire-1", direction: n % 180 === 45 ? "IN" : "OUT", objectId: "11", timestamp: new Date().toISOString() });
    }, FRAME_MS);
  }

  close(): void {
    clearInterval(this.timer);
    this.onclose?.();
  }

  private frame(camera: MockCamera, at: number): void {
    const objects = camera.scene.people(at).map(({ id, box }) => ({ id, bbox: box, type: "Person", confidence: 0.8 }));
    const message = { type: "frame", sensorId: camera.name, timestamp: new Date(at).toISOString(), objects, info: { frameWidth: "1280", frameHeight: "720" } };
    setTimeout(() => this.send(message), DETECTION_MS);
  }

  private send(message: unknown): void {
    this.onmessage?.(new MessageEvent("message", { data: JSON.stringify(message) }));
  }
}
