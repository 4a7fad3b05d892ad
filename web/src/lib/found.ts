/** Cameras found on the network, in words. */

import type { DiscoveredCamera } from "../api/types";

export function foundName({ name, hardware, address }: DiscoveredCamera): string {
  return name || hardware || address;
}

/** "Acme IPC-42 · 192.168.1.20", without saying a thing twice. */
export function foundDetail(camera: DiscoveredCamera): string {
  const model = [camera.manufacturer, camera.hardware].filter((word) => word !== "" && word !== foundName(camera)).join(" ");
  const place = camera.address === foundName(camera) ? "" : camera.address;
  return [model, place].filter((part) => part !== "").join(" · ");
}

/** New ones first, then by address, so that rows keep their place while one looks. */
export function ordered(cameras: readonly DiscoveredCamera[]): DiscoveredCamera[] {
  const place = (camera: DiscoveredCamera): string => camera.address.split(".").map((part) => part.padStart(3, "0")).join(".");
  return [...cameras].sort((a, b) => Number(a.sensorId !== null) - Number(b.sensorId !== null) || place(a).localeCompare(place(b)));
}

/** The camera wants to know who asks; not to be taken for our own session's end. */
export function needsPassword(error: { readonly status: number; readonly code: string }): boolean {
  return error.code === "CameraUnauthorizedError";
}
