/** Lanes and the ruler on canvas: a stretch of time over a width of pixels. */
import { clock, type Track } from "./data";

const MOST_PIXELS = 4096;
const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];

export interface View {
  from: number;
  to: number;
  width: number;
}

export function xOf(view: View, seconds: number): number {
  return ((seconds - view.from) / (view.to - view.from)) * view.width;
}

/** The canvas empty, with as many pixels as the screen has for it. */
export function fit(canvas: HTMLCanvasElement, view: View): CanvasRenderingContext2D {
  const ratio = Math.min(2, devicePixelRatio || 1);
  const width = Math.min(MOST_PIXELS, Math.round(view.width * ratio));
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d")!;
  context.clearRect(0, 0, width, height);
  return context;
}

/** Ticks and their times, as many as there is room for. */
export function drawRuler(context: CanvasRenderingContext2D, view: View, ink: string, line: string): void {
  const ratio = context.canvas.width / view.width;
  const most = Math.max(2, view.width / 80);
  const step = STEPS_S.find((one) => (view.to - view.from) / one <= most) ?? 7200;
  context.scale(ratio, ratio);
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = ink;
  context.strokeStyle = line;
  for (let k = Math.ceil(view.from / step - 1e-9); k * step <= view.to; k++) {
    const x = xOf(view, k * step);
    context.fillRect(Math.round(x), 14, 1, 6);
    const text = step < 1 ? clock(k * step).slice(0, -1) : clock(k * step).slice(0, -3);
    const wide = context.measureText(text).width;
    context.fillText(text, Math.max(0, Math.min(view.width - wide, x - wide / 2)), 11);
  }
  context.setTransform(1, 0, 0, 1, 0, 0);
}

/** Where a track saw no face. */
export function drawLost(context: CanvasRenderingContext2D, view: View, tracks: Track[], colour: string): void {
  const ratio = context.canvas.width / view.width;
  context.fillStyle = colour;
  for (const track of tracks) {
    if (!track.lost) continue;
    for (let i = 0, end = 0; i < track.frames; i = end + 1) {
      end = i;
      if (!track.lost[i]) continue;
      while (end + 1 < track.frames && track.lost[end + 1]) end++;
      const x = xOf(view, i / track.fps) * ratio;
      context.fillRect(x, 0, Math.max(1, xOf(view, (end + 1) / track.fps) * ratio - x), context.canvas.height);
    }
  }
}

/** A curve as a line, over an area of `fill` where that is not 0; of many frames a pixel the least and the most. */
export function drawCurve(
  context: CanvasRenderingContext2D, view: View, values: Float32Array, fps: number, colour: string, fill: number,
  low: number, high: number,
): void {
  const { width, height } = context.canvas;
  const ratio = width / view.width;
  const pad = 2 * ratio;
  const y = (value: number): number => height - pad - ((value - low) / (high - low)) * (height - 2 * pad);
  const first = Math.max(0, Math.floor(view.from * fps) - 1);
  const last = Math.min(values.length - 1, Math.ceil(view.to * fps) + 1);
  const perPixel = ((view.to - view.from) * fps) / width;
  const line = new Path2D();
  let open = false;
  for (let i = first; i <= last; ) {
    const until = Math.max(i + 1, Math.min(last + 1, Math.floor(i + perPixel)));
    let least = values[i];
    let most = values[i];
    for (let j = i + 1; j < until; j++) {
      if (values[j] < least) least = values[j];
      if (values[j] > most) most = values[j];
    }
    const x = xOf(view, i / fps) * ratio;
    if (Number.isNaN(least)) open = false;
    else if (!open) {
      line.moveTo(x, y(most));
      open = true;
    } else line.lineTo(x, y(most));
    if (most - least > 1e-3) line.lineTo(x, y(least));
    i = until;
  }
  context.lineJoin = "round";
  context.lineWidth = 1.4 * ratio;
  context.strokeStyle = colour;
  if (fill) {
    const area = new Path2D(line);
    area.lineTo(xOf(view, last / fps) * ratio, y(Math.max(low, 0)));
    area.lineTo(xOf(view, first / fps) * ratio, y(Math.max(low, 0)));
    context.globalAlpha = fill;
    context.fillStyle = colour;
    context.fill(area);
    context.globalAlpha = 1;
  }
  context.stroke(line);
}
