/** Clocks, sizes and visibility as hooks. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../api/client";

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

/** How wide the element is, 0 before it is laid out. */
export function useWidth(ref: { readonly current: Element | null }): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    setWidth(element.clientWidth);
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return width;
}

export interface Asked<T> {
  /** Undefined until the first answer. */
  readonly value: T | undefined;
  readonly error: string | null;
  readonly again: () => void;
}

/** Asks when the page is shown, whenever a dependency changes, and every `everyMs` (0: only then). */
export function useAsked<T>(ask: (signal: AbortSignal) => Promise<T>, everyMs: number, ...deps: unknown[]): Asked<T> {
  const [state, setState] = useState<{ value: T | undefined; error: string | null }>({ value: undefined, error: null });
  const [round, setRound] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    setState({ value: undefined, error: null });
  }, deps);
  useEffect(() => {
    const abort = new AbortController();
    latest.current(abort.signal).then(
      (value) => abort.signal.aborted || setState({ value, error: null }),
      (cause: unknown) => abort.signal.aborted || setState((old) => ({ ...old, error: messageOf(cause) })),
    );
    const timer = everyMs > 0 ? setTimeout(() => setRound((old) => old + 1), everyMs) : undefined;
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [round, everyMs, ...deps]);
  return { ...state, again: () => setRound((old) => old + 1) };
}
