/** Lanes on canvas: a stretch of time over a width of pixels. */
import { type Track } from "./data";

export interface View {
  from: number;
  to: number;
  width: number;
}

export function xOf(view: View, seconds: number): number {
  return ((seconds - view.from) / (view.to - view.from)) * view.width;
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
