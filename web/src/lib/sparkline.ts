/** An SVG path for a row of values: stepped, because counts do not slide from 2 to 3. */
export function stepPath(values: readonly { at: number; value: number }[], from: number, to: number, top: number, width: number, height: number): string {
  const x = (at: number): number => ((at - from) / (to - from)) * width;
  const y = (value: number): number => height - 1 - (Math.min(value, top) / top) * (height - 2);
  let path = "";
  let last: number | null = null;
  for (const { at, value } of values) {
    if (at < from || at > to) continue;
    const [px, py] = [x(at).toFixed(1), y(value).toFixed(1)];
    path += last === null ? `M${px} ${py}` : `H${px}V${py}`;
    last = value;
  }
  return path === "" ? path : `${path}H${width}`;
}
