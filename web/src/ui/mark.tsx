/** The mark: a V that is a field of view, an arc swept across it, and the one thing being watched. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden="true" class="mark">
      <path
        d="M4.6 7.4 16 28 27.4 7.4"
        stroke="currentColor"
        stroke-width="2.8"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
      <path d="M8.6 5.7a15 15 0 0 1 14.8 0" stroke="currentColor" stroke-width="2.8" stroke-linecap="round" />
      <circle cx="16" cy="13.2" r="3.1" class="mark__lamp" />
    </svg>
  );
}
