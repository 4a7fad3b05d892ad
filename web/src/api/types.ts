/** Wire shapes, spelled as the services publish them. */

import type { Point } from "../lib/geometry";

export interface Me {
  readonly id: string;
  readonly name: string;
  readonly role: string;
}

export interface SensorInfo {
  readonly sensorId: string;
  readonly name: string;
  readonly state: "online" | "offline" | "removed";
  readonly type?: string;
  readonly sensorIp?: string;
  readonly location?: string;
  readonly manufacturer?: string;
  readonly hardware?: string;
  readonly hardwareId?: string;
  readonly firmwareVersion?: string;
  readonly serialNumber?: string;
  readonly tags?: string;
}

export interface SensorStatus {
  readonly state: "online" | "offline";
  readonly errorCode: string;
  readonly errorMessage: string;
  readonly name?: string;
}

export interface StreamInfo {
  readonly streamId: string;
  readonly isMain?: boolean;
  readonly name?: string;
  readonly url?: string;
  readonly metadata?: {
    readonly codec?: string;
    readonly resolution?: string;
    readonly framerate?: string;
    readonly bitrate?: string;
  };
}

/** By RTSP address, or by network address: then its own device service tells the rest. */
export interface NewSensor {
  readonly sensorUrl?: string;
  readonly sensorIp?: string;
  readonly name: string;
  readonly username: string;
  readonly password: string;
}

export interface DiscoveredCamera {
  readonly endpoint: string;
  readonly name: string;
  readonly hardware: string;
  readonly manufacturer: string;
  readonly serialNumber: string;
  readonly address: string;
  readonly xaddrs: readonly string[];
  readonly lastSeen: string;
  /** Set when it is on this box already. */
  readonly sensorId: string | null;
}

export type RecordingStatus = "off" | "schedule" | "user" | "event" | "alwaysOn" | "error" | "statusUnknown";

export interface TimelineEntry {
  readonly startTime: string;
  readonly endTime: string;
}

export interface Tripwire {
  readonly id: string;
  readonly name: string;
  readonly wire: readonly Point[];
  readonly direction?: {
    readonly p1: Point;
    readonly p2: Point;
    readonly entry?: { readonly name: string };
    readonly exit?: { readonly name: string };
  };
  /** What walking from p1 to p2 counts as; "in" where the box does not say. */
  readonly arrowMeans?: "in" | "out";
}

export interface Roi {
  readonly id: string;
  readonly name: string;
  readonly coordinates: readonly Point[];
}

export interface Shapes {
  readonly tripwires: readonly Tripwire[];
  readonly rois: readonly Roi[];
}

export interface OccupancyBucket {
  readonly start: string;
  readonly end: string;
  readonly objects: readonly { type: string; average: number; min: number; max: number }[];
}

export interface TripwireBucket {
  readonly start: string;
  readonly end: string;
  readonly events: readonly { type: string; objects: readonly { type: string; count: number }[] }[];
}

export type RuleKind = "fov" | "roi" | "tripwire";

export interface AlertRule {
  /** The wire or zone it is about; none for the whole picture. */
  readonly id?: string | null;
  readonly ruleId?: string | null;
  readonly name: string;
  readonly type?: string | null;
  readonly ruleType: "occupancy" | "vacancy" | "increment" | "flowrate";
  readonly countThreshold: number;
  /** Seconds over which crossings are counted. */
  readonly timeInterval?: number;
  /** Seconds for which an occupancy must hold. */
  readonly holdTime?: number | null;
  readonly direction?: "entry" | "exit" | null;
}

export interface AlertItem {
  readonly id: string;
  readonly sensorId: string;
  readonly type: string;
  readonly ruleType?: string;
  readonly ruleId?: string;
  readonly count?: number;
  readonly direction?: string;
  readonly directionName?: string;
  readonly description?: string;
  readonly startTimestamp: string;
  readonly endTimestamp?: string;
}
