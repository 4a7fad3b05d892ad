/** The recorder of the pretend box: coverage, rules, disks, discovery, previews. `?old`: a box without any of it. */

import type { Forecast, Policy } from "../src/lib/forecast";
import type { RecordingRule } from "../src/lib/recordmode";
import { SIZE, type Scene } from "./scene";

interface MockCamera {
  readonly sensorId: string;
  readonly name: string;
  readonly online: boolean;
  readonly scene: Scene;
}

const GIB = 1024 ** 3;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
}

const iso = (at: number): string => new Date(at).toISOString();

interface Bad {
  readonly start: number;
  readonly end: number;
  readonly state: string;
  readonly cause: string;
  readonly by?: string;
}

/** Absences before now, by camera: minutes ago and minutes long. */
function absences(sensorId: string, now: number): Bad[] {
  const at = (daysAgo: number, hour: number, minutes: number, state: string, cause: string, by = ""): Bad => {
    const day = new Date(now - daysAgo * DAY);
    const start = new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime() + hour * HOUR;
    return { start, end: start + minutes * 60_000, state, cause, by };
  };
  const all: Record<string, Bad[]> = {
    "cam-plaza": [at(5, 3.2, 0.3, "camera_down", "camera"), at(2, 14.5, 45, "deleted", "deleted", "u-ben"), at(1, 9.1, 0.05, "recorder_down", "crash"), at(0, 2.4, 6, "network_down", "network")],
    "cam-gate": [
      ...[6, 5, 4, 3, 2, 1, 0].flatMap((d) => [at(d, 0, 480, "not_scheduled", "not_scheduled"), at(d, 18, 360, "not_scheduled", "not_scheduled")]),
      at(3, 10.2, 70, "camera_down", "camera"),
      at(1, 11.7, 4, "recorder_down", "disk_full"),
    ],
    "cam-yard": [at(4, 7, 500, "network_down", "network"), at(3, 0, 14, "recorder_down", "stopped"), ...Array.from({ length: 60 }, (_, i) => at(2, 6 + i * 0.13, 0.4, "camera_down", "camera")), at(0, 6.5, 5_000, "camera_down", "camera")],
  };
  return (all[sensorId.replace(/-sub$/, "")] ?? []).filter((bad) => bad.start < now).map((bad) => ({ ...bad, end: Math.min(bad.end, now) })).sort((a, b) => a.start - b.start);
}

function coverage(sensorId: string, start: number, end: number): Response {
  const now = Date.now();
  const first = now - (sensorId === "cam-yard" ? 4.5 : 26) * DAY;
  const agedUntil = now - 5.5 * DAY;
  const spans: { startTime: string; endTime: string; state: string; cause: string; by: string }[] = [];
  const add = (from: number, to: number, state: string, cause = "", by = ""): void => {
    const [a, b] = [Math.max(from, start, first), Math.min(to, end, now)];
    if (b > a) spans.push({ startTime: iso(a), endTime: iso(b), state, cause, by });
  };
  const kept = (from: number, to: number): void => {
    if (sensorId !== "cam-yard" && from < agedUntil) add(from, Math.min(to, agedUntil), "aged_out", "aged_out");
    add(sensorId === "cam-yard" ? from : Math.max(from, agedUntil), to, "recorded");
  };
  let at = first;
  for (const bad of absences(sensorId, now)) {
    if (bad.start > at) kept(at, bad.start);
    add(Math.max(bad.start, at), bad.end, bad.state, bad.cause, bad.by);
    at = Math.max(at, bad.end);
  }
  kept(at, now);
  return json({ streamId: sensorId, startTime: iso(start), endTime: iso(end), spans, seconds: {}, head: { seq: 48_213, hash: "9f2c41d07be85a6634c0e1f7b9a8d2350c6e4417fa9be0d3572c8816ae40fd19" } });
}

const rules = new Map<string, RecordingRule>();
function rule(id: string): RecordingRule {
  const base = { schedule: [], timeZone: "Europe/Berlin", preRollSeconds: 5, postRollSeconds: 10, audio: false };
  if (id === "cam-gate") return { ...base, mode: "schedule", schedule: [{ cron: "0 8 * * 1-5", durationSeconds: 36_000 }, { cron: "30 21 * * 0,6", durationSeconds: 21_600 }, { cron: "0 12 1 * *", durationSeconds: 600 }] };
  return { ...base, mode: id.endsWith("-sub") ? "off" : "always" };
}

let policy: Policy = { maxAgeHours: 720, maxGibPerStream: 0, maxGib: 0, minFreeGib: 20, maxUsedPercent: 0 };

function forecast(asked: Partial<Policy>, cameras: readonly MockCamera[]): Forecast {
  const now = Date.now();
  const streams = cameras.map(({ sensorId, name }, i) => ({ streamId: sensorId, name, bytes: (310 - i * 90) * GIB, bytesPerDay: (28 - i * 9.3) * GIB, oldest: iso(now - (11 - i) * DAY), protectedBytes: i === 0 ? 2.1 * GIB : 0 }));
  const days = (asked.maxAgeHours || 1e9) / 24;
  const gone = streams.map((stream) => {
    const old = (now - Date.parse(stream.oldest)) / DAY;
    const share = Math.max(0, (old - days) / old);
    const over = asked.maxGib && asked.maxGib < 600 ? (600 - asked.maxGib) / 600 : 0;
    const cut = Math.min(1, Math.max(share, over));
    return { streamId: stream.streamId, segments: Math.round(cut * 4_000), bytes: Math.round(cut * stream.bytes), until: cut > 0 ? iso(now - (1 - cut) * old * DAY) : null };
  });
  const total = gone.reduce((sum, stream) => sum + stream.bytes, 0);
  return {
    volumes: [
      { name: "main", tier: 0, state: "connected", totalBytes: 930 * GIB, freeBytes: 212 * GIB, usedBytes: 640 * GIB },
      { name: "archive", tier: 1, state: "disconnected", totalBytes: 7_400 * GIB, freeBytes: 7_000 * GIB, usedBytes: 380 * GIB },
    ],
    bytesPerDay: streams.reduce((sum, stream) => sum + stream.bytesPerDay, 0),
    daysRemaining: 4.6,
    retentionDays: Math.min(days, 14.9),
    clockSuspect: false,
    oldest: streams[0]?.oldest ?? null,
    streams: streams.map((stream) => ({ ...stream, protectedBytes: Object.keys(asked).length > 0 ? 0 : stream.protectedBytes })),
    wouldDelete: { segments: gone.reduce((sum, stream) => sum + stream.segments, 0), bytes: total, streams: gone.filter(({ segments }) => segments > 0) },
  };
}

interface Kept {
  readonly streamId: string;
  readonly startTime: string;
  readonly endTime: string;
}
const protection = (streamId: string, hoursAgo: number, minutes: number): Kept & { by: string; since: string } => {
  const start = Date.now() - hoursAgo * HOUR;
  return { streamId, startTime: iso(start), endTime: iso(start + minutes * 60_000), by: "u-ada", since: iso(start + 2 * HOUR) };
};
let kept = [protection("cam-plaza", 50, 12), protection("cam-plaza", 20, 3), protection("cam-gate", 130, 90)];

const found = [
  { endpoint: "urn:uuid:aa", name: "Hall camera", hardware: "IPC-42", manufacturer: "Acme", serialNumber: "A42-0091", address: "192.168.1.61", xaddrs: [], lastSeen: iso(Date.now() - 4_000), sensorId: null as string | null },
  { endpoint: "urn:uuid:bb", name: "", hardware: "DN-4K", manufacturer: "Nordlicht", serialNumber: "", address: "192.168.1.7", xaddrs: [], lastSeen: iso(Date.now() - 90_000), sensorId: null as string | null },
  { endpoint: "urn:uuid:cc", name: "Plaza", hardware: "IPC-42", manufacturer: "Acme", serialNumber: "A42-0090", address: "192.168.1.20", xaddrs: [], lastSeen: iso(Date.now() - 2_000), sensorId: "cam-plaza" as string | null },
];

const range = (Value: string, Min: string, Max: string) => ({ Value, Min, Max });
const SETTINGS = {
  Encode: {
    Encoding: { Value: "H264", AllowedValues: ["H264", "H265"] },
    Options: ["H264", "H265"].map((name) => ({
      [name]: {
        Resolution: { Value: { Width: "1280", Height: "720" }, AllowedValues: [{ Width: "1920", Height: "1080" }, { Width: "1280", Height: "720" }] },
        FrameRate: range("25", "1", "30"),
        Bitrate: range("2840", "256", "8192"),
        GovLength: range("50", "1", "150"),
        Profiles: { Value: "High", AllowedValues: name === "H264" ? ["Baseline", "Main", "High"] : ["Main"] },
      },
    })),
  },
  Image: { Brightness: range("50", "0", "100"), Contrast: range("46", "0", "100"), ColorSaturation: range("60", "0", "100"), Sharpness: range("35", "0", "100"), IrCutFilterMode: { Value: "AUTO", AllowedValues: ["ON", "OFF", "AUTO"] } },
};

async function picture(camera: MockCamera, at: number, width: number): Promise<Response> {
  const canvas = Object.assign(document.createElement("canvas"), SIZE);
  camera.scene.draw(canvas.getContext("2d")!, at);
  const small = Object.assign(document.createElement("canvas"), { width, height: Math.round((width * SIZE.height) / SIZE.width) });
  small.getContext("2d")!.drawImage(canvas, 0, 0, small.width, small.height);
  return new Response(await new Promise<Blob | null>((resolve) => small.toBlob(resolve, "image/jpeg", 0.7)));
}

function readings(start: number, end: number): Response {
  const step = Math.max(60_000, (end - start) / 200);
  const rows = [];
  for (let at = start; at < end; at += step) {
    rows.push({ name: "temperature", timestamp: iso(at), value: 18 + 6 * Math.sin(at / 9_000_000), unit: "°C" });
    if (Math.floor(at / step) % 2 === 0) rows.push({ name: "humidity", timestamp: iso(at), value: 52 + 8 * Math.sin(at / 5_000_000), unit: "%" });
    if (Math.floor(at / step) % 40 === 0) rows.push({ name: "door", timestamp: iso(at), value: Math.floor(at / step) % 80 === 0 ? "open" : "closed" });
  }
  return json({ readings: rows });
}

function device(sensorId: string, part: string, method: string, cameras: readonly MockCamera[]): Response | null {
  const camera = cameras.find((one) => one.sensorId === sensorId);
  if (!camera) return null;
  if (part === "info" && method === "GET") return json({ sensorId, name: camera.name, state: camera.online ? "online" : "offline", type: "sensor_onvif", manufacturer: "Acme", hardware: "IPC-42", firmwareVersion: "5.7.12", serialNumber: "A42-0090", sensorIp: "192.168.1.20", location: "South square", tags: "outdoor, mast" });
  if (part === "settings") return json(method === "GET" ? { [sensorId]: SETTINGS, [`${sensorId}-sub`]: { Encode: SETTINGS.Encode } } : {});
  if (part === "network") return json({ ipAddressV4: "192.168.1.20", subnetMaskV4: "255.255.255.0", dhcpV4: "on", isIpv4Enabled: true });
  if (part === "ptz" && method === "GET") return sensorId === "cam-plaza" ? json({ supported: true, presets: [{ token: "1", name: "Fountain" }, { token: "2", name: "Stairs" }] }) : json({ error_code: "VMSNotSupportedError", error_message: "This camera cannot be turned." }, 501);
  if (method === "POST") return json({});
  return null;
}

function record(streamId: string, part: string, method: string, query: URLSearchParams, body: object): Response | null {
  const stored = rules.get(streamId) ?? rule(streamId);
  if (part === "coverage") return coverage(streamId, Date.parse(query.get("startTime") ?? ""), Date.parse(query.get("endTime") ?? ""));
  if (part === "mode") {
    if (method === "POST") rules.set(streamId, body as RecordingRule);
    return json(rules.get(streamId) ?? stored);
  }
  if (part === "status") return json({ recordingStatus: { always: "alwaysOn", schedule: "schedule", event: "off", manual: "off", off: "off" }[stored.mode] });
  return method === "POST" ? json({}) : null;
}

export async function recorder(url: URL, method: string, body: object, cameras: readonly MockCamera[]): Promise<Response | null> {
  const [service, first = "", second = "", third = "", fourth = ""] = (url.pathname.split("/vst/api/v1/")[1] ?? "").split("/").map(decodeURIComponent);
  const query = url.searchParams;
  if (service === "record" && first === "status") return json(Object.fromEntries(cameras.map((c) => [c.sensorId, { id: c.sensorId, recording_status: c.online ? (c.sensorId === "cam-gate" ? "schedule" : "alwaysOn") : "error" }])));
  if (service === "record" && second) return record(first, second, method, query, body);
  if (service === "sensor" && first === "discovered") {
    if (method === "GET") return json(found);
    const camera = found.find(({ endpoint }) => endpoint === second);
    if (third === "add" && camera?.hardware === "DN-4K" && !("password" in body)) return json({ error_code: "CameraUnauthorizedError", error_message: "The camera wants a user name and a password." }, 403);
    if (camera) camera.sensorId = "cam-new";
    return json({ sensorId: "cam-new" });
  }
  if (service === "sensor" && first === "scan") return json({});
  if (service === "sensor" && first === "import") return json({ added: ["x"], skipped: [{ name: "Gate", reason: "Sensor exists already" }] });
  if (service === "sensor" && second === "data") return readings(Date.parse(query.get("startTime") ?? ""), Date.parse(query.get("endTime") ?? ""));
  if (service === "sensor" && second) return device(first, second, method, cameras);
  if (service !== "storage") return null;
  if (first === "help") return json([{ method: "GET", endpoint: "/storage/stream/{streamId}/previews" }]);
  if (first === "policy") {
    if (method === "POST") policy = body as Policy;
    return json(policy);
  }
  if (first === "forecast") return json(forecast(query.size > 0 ? Object.fromEntries([...query].map(([key, value]) => [key, Number(value)])) : policy, cameras));
  if (first === "protections") return json(kept);
  if (first === "file" && second === "protect") {
    const { ranges, protect } = body as { ranges: Kept[]; protect: boolean };
    const same = (a: Kept, b: Kept): boolean => a.streamId === b.streamId && a.startTime === b.startTime;
    kept = protect ? [...kept, ...ranges.map((one) => ({ ...one, by: "u-ada", since: iso(Date.now()) }))] : kept.filter((one) => !ranges.some((gone) => same(one, gone)));
    return json({ invalidFiles: [] });
  }
  if (first === "file" && third === "url") return json({ videoUrl: `${location.origin}/t/9f2c41d0.mp4`, expiryISO: iso(Date.now() + 7 * DAY), expiryMinutes: Number(query.get("expiryMinutes")) });
  if (first === "file" && method === "DELETE") return json({ spaceSaved: 117, deleted: { segments: 12, bytes: 123_456_789, startTime: query.get("startTime"), endTime: query.get("endTime") } });
  if (first === "stream" && third === "previews") {
    const [start, end, count] = [Date.parse(query.get("startTime") ?? ""), Date.parse(query.get("endTime") ?? ""), Number(query.get("count"))];
    return json({ times: Array.from({ length: count }, (_, i) => iso(start + ((i + 0.5) * (end - start)) / count)) });
  }
  const camera = cameras.find(({ sensorId }) => sensorId === second);
  if (first === "stream" && third === "preview" && camera && fourth === "") return picture(camera, Date.parse(query.get("startTime") ?? ""), Number(query.get("width")));
  return null;
}
