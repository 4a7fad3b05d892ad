/** Clocks, sizes and visibility as hooks. */

import { useEffect, useRef, useState } from "preact/hooks";

/** Runs now and then every `ms` while the page is visible. */
export function useInterval(work: () => void, ms: number, ...deps: unknown[]): void {
  const latest = useRef(work);
  latest.current = work;
  useEffect(() => {
    const tick = (): void => {
      if (document.visibilityState === "visible") latest.current();
    };
    latest.current();
    const timer = setInterval(tick, ms);
    document.addEventListener("visibilitychange", tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", tick);
    };
  }, [ms, ...deps]);
}

export function useNow(ms: number): number {
  const [now, setNow] = useState(Date.now);
  useInterval(() => setNow(Date.now()), ms);
  return now;
}

/** Whether the element is on screen, and the page in front: pictures nobody sees are not fetched. */
export function useSeen(ref: { readonly current: Element | null }, lingerMs: number): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    let inView = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const settle = (): void => {
      clearTimeout(timer);
      if (inView && document.visibilityState === "visible") setSeen(true);
      else timer = setTimeout(() => setSeen(false), lingerMs);
    };
    const observer = new IntersectionObserver(
      (entries) => {
        inView = entries.at(-1)?.isIntersecting ?? false;
        settle();
      },
      { rootMargin: "200px" },
    );
    observer.observe(element);
    document.addEventListener("visibilitychange", settle);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      document.removeEventListener("visibilitychange", settle);
    };
  }, [lingerMs]);
  return seen;
}

/** Re-runs when the system switches between light and dark (canvas colours do not follow CSS by themselves). */
export function useColourScheme(): "light" | "dark" {
  const query = matchMedia("(prefers-color-scheme: dark)");
  const [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const follow = (): void => setDark(query.matches);
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, []);
  return dark ? "dark" : "light";
}
