import { layers, toggleLayer, type Layers } from "../../state/layers";

const NAMES: readonly [keyof Layers, string][] = [
  ["boxes", "Boxes"],
  ["ids", "IDs"],
  ["trails", "Trails"],
  ["shapes", "Wires"],
];

/** Which layers lie over the pictures. */
export function LayerToggles() {
  return (
    <div class="toggles" role="group" aria-label="Drawn over the picture">
      {NAMES.map(([key, label]) => (
        <button key={key} type="button" aria-pressed={layers.value[key]} onClick={() => toggleLayer(key)}>
          {label}
        </button>
      ))}
    </div>
  );
}
