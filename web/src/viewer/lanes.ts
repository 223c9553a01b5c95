/** Which curves are shown in which order, in groups, and the row of each. */
import { type Comparison } from "./compare";
import { MOVING_RANGE, NAMES, rangeOf, regionOf, REGIONS, type Track } from "./data";

export type Order = "region" | "movement" | "error";

export interface Lane {
  curve: number;
  row: HTMLLIElement;
  canvas: HTMLCanvasElement;
  value: HTMLElement;
  pin: HTMLButtonElement;
  inSight: boolean;
  fresh: boolean;
  said: string;
}

export interface Wanted {
  tracks: Track[];
  comparison: Comparison | null;
  order: Order;
  pinned: Set<string>;
  /** Part of a name; all that move where it is empty. */
  named: string;
  still: boolean;
}

/** Title and curves of each group, what is pinned first. */
export function groups({ tracks, comparison, order, pinned, named, still }: Wanted): [string, number[]][] {
  const range = NAMES.map((_, k) => Math.max(0, ...tracks.map((track) => rangeOf(track.curves[k]))));
  const all = [...NAMES.keys()].filter((k) =>
    named ? NAMES[k].toLowerCase().includes(named) : still || range[k] > MOVING_RANGE || pinned.has(NAMES[k]));
  const rest = all.filter((k) => !pinned.has(NAMES[k]));
  const first: [string, number[]] = ["pinned", all.filter((k) => pinned.has(NAMES[k]))];
  const error = order === "error" ? comparison?.byCurve : undefined;
  const weight = (k: number): number => (error ? error[k].mae || 0 : range[k]);
  const title = order === "error" ? "largest error first" : "most movement first";
  const others: [string, number[]][] = order === "region"
    ? REGIONS.map((region) => [region, rest.filter((k) => regionOf(NAMES[k]) === region)])
    : [[title, rest.sort((a, b) => weight(b) - weight(a))]];
  return [first, ...others].filter(([, curves]) => curves.length);
}

export function groupOf(title: string, lanes: Lane[]): HTMLElement {
  const heading = document.createElement("h3");
  heading.textContent = title.charAt(0).toUpperCase() + title.slice(1);
  heading.append(Object.assign(document.createElement("span"), { textContent: String(lanes.length) }));
  const rows = document.createElement("ul");
  rows.setAttribute("aria-label", title);
  rows.append(...lanes.map(({ row }) => row));
  const section = document.createElement("section");
  section.append(heading, rows);
  return section;
}

export function laneOf(curve: number, pinned: boolean, comparison: Comparison | null, onPin: () => void): Lane {
  const name = NAMES[curve];
  const row = document.createElement("li");
  row.dataset.region = regionOf(name);
  const pin = Object.assign(document.createElement("button"), { className: "pin", title: pinned ? "Unpin" : "Pin to the top" });
  pin.setAttribute("aria-pressed", String(pinned));
  pin.setAttribute("aria-label", `Pin ${name}`);
  pin.addEventListener("click", onPin);
  const value = Object.assign(document.createElement("span"), { className: "value" });
  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  row.append(pin, labelOf(name), value, canvas);
  const scores = comparison?.byCurve[curve];
  if (scores) row.title = `${name}: mean error ${scores.mae.toFixed(3)}` + (Number.isNaN(scores.r) ? "" : `, r ${scores.r.toFixed(2)}`);
  return { curve, row, canvas, value, pin, inSight: false, fresh: false, said: "" };
}

/** The side stands apart, so that it is seen where the name is cut. */
function labelOf(name: string): HTMLElement {
  const label = Object.assign(document.createElement("span"), { className: "name", title: name });
  const stem = Object.assign(document.createElement("span"), { textContent: name });
  label.append(stem);
  const side = /^(.*)(Left|Right)$/.exec(name);
  if (side && !["jaw", "mouth"].includes(side[1])) {
    stem.textContent = side[1];
    label.append(Object.assign(document.createElement("b"), { textContent: side[2].charAt(0) }));
  }
  return label;
}
