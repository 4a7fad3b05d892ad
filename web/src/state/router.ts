/** Paths to pages; history entries, no hash, no library. */

import { signal } from "@preact/signals";

export type Route =
  | { readonly page: "live" }
  | { readonly page: "camera"; readonly sensorId: string }
  | { readonly page: "cameras" }
  | { readonly page: "camerasetup"; readonly sensorId: string }
  | { readonly page: "alerts" }
  | { readonly page: "coverage" }
  | { readonly page: "cameracoverage"; readonly sensorId: string }
  | { readonly page: "storage" }
  | { readonly page: "missing" };

export function parseRoute(path: string): Route {
  const [first = "", second, third, ...rest] = path.split("/").filter((part) => part !== "");
  if (first === "cameras" && second !== undefined && third === "setup" && rest.length === 0) {
    return { page: "camerasetup", sensorId: decodeURIComponent(second) };
  }
  if (third !== undefined) return { page: "missing" };
  if (first === "" || first === "index.html") return { page: "live" };
  if (first === "cameras" && second !== undefined) return { page: "camera", sensorId: decodeURIComponent(second) };
  if (first === "cameras") return { page: "cameras" };
  if (first === "coverage" && second !== undefined) return { page: "cameracoverage", sensorId: decodeURIComponent(second) };
  if (second !== undefined) return { page: "missing" };
  if (first === "alerts" || first === "coverage" || first === "storage") return { page: first };
  return { page: "missing" };
}

export function cameraPath(sensorId: string): string {
  return `/cameras/${encodeURIComponent(sensorId)}`;
}

export function setupPath(sensorId: string): string {
  return `${cameraPath(sensorId)}/setup`;
}

export function coveragePath(sensorId: string): string {
  return `/coverage/${encodeURIComponent(sensorId)}`;
}

export const route = signal<Route>(parseRoute(location.pathname));

export function navigate(path: string): void {
  if (path !== location.pathname) history.pushState(null, "", path);
  route.value = parseRoute(path);
  window.scrollTo(0, 0);
}

/** Plain clicks on our own links change the page in place; everything else stays the browser's. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const anchor = event.target instanceof Element ? event.target.closest("a") : null;
  if (!anchor || anchor.target !== "" || anchor.hasAttribute("download")) return;
  if (anchor.origin !== location.origin || parseRoute(anchor.pathname).page === "missing") return;
  event.preventDefault();
  navigate(anchor.pathname);
}

export function startRouter(): void {
  addEventListener("popstate", () => (route.value = parseRoute(location.pathname)));
  document.addEventListener("click", followLinks);
}
