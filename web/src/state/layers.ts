/** Which overlay layers are drawn; remembered on this device. */

import { signal } from "@preact/signals";

export interface Layers {
  readonly boxes: boolean;
  readonly ids: boolean;
  readonly trails: boolean;
  readonly shapes: boolean;
}

const KEY = "vedette.layers";
export const DEFAULT_LAYERS: Layers = { boxes: true, ids: true, trails: true, shapes: true };

export function parseLayers(text: string | null): Layers {
  try {
    const stored = JSON.parse(text ?? "{}") as Partial<Record<keyof Layers, unknown>>;
    const pick = (key: keyof Layers): boolean => (typeof stored[key] === "boolean" ? stored[key] : DEFAULT_LAYERS[key]);
    return { boxes: pick("boxes"), ids: pick("ids"), trails: pick("trails"), shapes: pick("shapes") };
  } catch {
    return DEFAULT_LAYERS; // Written by another version, or by hand.
  }
}

export const layers = signal<Layers>(parseLayers(globalThis.localStorage?.getItem(KEY) ?? null));

export function toggleLayer(key: keyof Layers): void {
  layers.value = { ...layers.value, [key]: !layers.value[key] };
  globalThis.localStorage?.setItem(KEY, JSON.stringify(layers.value));
}
