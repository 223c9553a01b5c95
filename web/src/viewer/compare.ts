/** Two tracks beside each other: how far apart they are, frame by frame and curve by curve, and where it is worst. */
import { frameAt, N_CURVES, NAMES, type Track } from "./data";

const MOST_MOMENTS = 12;
const APART_S = 0.8;

export interface Moment {
  seconds: number;
  error: number;
  /** The curves that are farthest off there, with the sign of second minus first. */
  curves: [string, number][];
}

export interface Comparison {
  fps: number;
  /** Mean absolute difference of the 52 curves, a frame of the first track; NaN where either saw no face. */
  error: Float32Array;
  mean: number;
  byCurve: { mae: number; r: number }[];
  moments: Moment[];
}

export function compared(first: Track, second: Track): Comparison {
  const frames = Math.min(first.frames, Math.max(0, Math.floor((second.frames * first.fps) / second.fps + 1e-6)));
  const other = Int32Array.from({ length: frames }, (_, i) => frameAt(second, i / first.fps));
  const seen = Uint8Array.from(other, (j, i) => (first.lost?.[i] || second.lost?.[j] ? 0 : 1));
  const error = new Float32Array(frames);
  const byCurve = first.curves.map((a, k) => {
    const b = second.curves[k];
    let n = 0, sum = 0, sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (let i = 0; i < frames; i++) {
      const y = b[other[i]];
      const apart = Math.abs(a[i] - y);
      error[i] += apart / N_CURVES;
      if (!seen[i]) continue;
      n++;
      sum += apart; sa += a[i]; sb += y; saa += a[i] * a[i]; sbb += y * y; sab += a[i] * y;
    }
    const spread = Math.sqrt(Math.max(0, n * saa - sa * sa)) * Math.sqrt(Math.max(0, n * sbb - sb * sb));
    return { mae: n ? sum / n : NaN, r: spread > 1e-6 * n * n ? (n * sab - sa * sb) / spread : NaN };
  });
  let total = 0;
  let n = 0;
  for (let i = 0; i < frames; i++) {
    if (seen[i]) { total += error[i]; n++; } else error[i] = NaN;
  }
  const moments = momentsOf(first, second, other, error);
  return { fps: first.fps, error, mean: n ? total / n : NaN, byCurve, moments };
}

function momentsOf(first: Track, second: Track, other: Int32Array, error: Float32Array): Moment[] {
  const order = Array.from(error.keys()).filter((i) => error[i] > 0).sort((i, j) => error[j] - error[i]);
  const kept: number[] = [];
  for (const i of order) {
    if (kept.length === MOST_MOMENTS) break;
    if (kept.every((j) => Math.abs(i - j) >= APART_S * first.fps)) kept.push(i);
  }
  return kept.map((i) => {
    const apart = NAMES.map((name, k) => [name, second.curves[k][other[i]] - first.curves[k][i]] as [string, number]);
    apart.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
    return { seconds: i / first.fps, error: error[i], curves: apart.slice(0, 2) };
  });
}
