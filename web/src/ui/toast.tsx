/** A sentence at the edge of the screen that goes away by itself. */

import { signal } from "@preact/signals";

const SHOWN_MS = 4_000;
const toasts = signal<readonly { readonly id: number; readonly text: string }[]>([]);
let next = 0;

export function toast(text: string): void {
  const id = next++;
  toasts.value = [...toasts.value, { id, text }];
  setTimeout(() => (toasts.value = toasts.value.filter((item) => item.id !== id)), SHOWN_MS);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text }) => <div key={id} class="toast">{text}</div>)}
    </div>
  );
}
