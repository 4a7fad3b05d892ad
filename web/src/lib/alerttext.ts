/** What an alert says in a list. The box's own description wins. */

import type { AlertItem } from "../api/types";

export function alertTitle(alert: AlertItem): string {
  if (alert.description) return alert.description;
  const count = alert.count ?? 0;
  const way = alert.directionName ?? alert.direction ?? "";
  if (alert.type === "tripwire") return `${count} crossed${way === "" ? "" : ` (${way})`}`;
  if (alert.type === "roi") return `${count} in the zone`;
  if (alert.type === "fov" || alert.type === "fov_count") return `${count} in view`;
  return "Alert";
}

export function isOpen(alert: AlertItem): boolean {
  return alert.endTimestamp === undefined || alert.endTimestamp === null || alert.endTimestamp === "";
}
