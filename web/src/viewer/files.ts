/** Files that are dropped: curves in the layouts that koekao writes, told by their content. */
import { N_CURVES, placeOf, type Track, USUAL, usualRate } from "./data";

interface Rows {
  times: number[];
  rows: number[][];
  names: string[];
}

export function readCurves(name: string, text: string): Track {
  const rows = text.trimStart().startsWith("{") ? readJson(text) : readCsv(text);
  if (!rows.rows.length) throw new Error(`${name} holds no row of curves`);
  return onFrames(name, rows);
}

function readJson(text: string): Rows {
  const first = text.trimStart().split("\n", 1)[0];
  let whole: unknown = null;
  try {
    whole = JSON.parse(text);
  } catch {
    /* not one document: a line a frame */
  }
  const document = whole as { names?: string[]; frames?: { weights: number[]; time?: number }[]; metadata?: { fps?: number } } | null;
  if (document?.names && document.frames) {
    const fps = document.metadata?.fps ?? 30;
    const times = document.frames.map((frame, i) => frame.time ?? i / fps);
    return { times, rows: document.frames.map((frame) => frame.weights), names: document.names };
  }
  if (!first.includes("blendshapes")) throw new Error("no layout of curves in JSON that this page reads: jsonl or named JSON");
  const lines = text.split("\n").filter((line) => line.trim());
  const frames = lines.map((line) => JSON.parse(line) as { timestamp: number; blendshapes: Record<string, number> });
  const names = Object.keys(frames[0].blendshapes);
  return { times: frames.map((frame) => frame.timestamp), rows: frames.map((frame) => names.map((key) => frame.blendshapes[key] ?? 0)), names };
}

function readCsv(text: string): Rows {
  const lines = text.split(/\r?\n/).filter((line) => line.trim());
  const names = lines[0].split(",").map((cell) => cell.trim().replace(/^blendShapes\./, ""));
  const cells = lines.slice(1).map((line) => line.split(","));
  const clockColumn = names.findIndex((name) => /^(timecode|time|timestamp)$/i.test(name));
  const raw = cells.map((row) => row[clockColumn] ?? "");
  const timed = raw.length > 0 && raw.every((cell) => cell.trim() !== "" && Number.isFinite(Number(cell)));
  const times = timed ? raw.map(Number) : timecodes(raw);
  const kept = cells.map((row, i) => ({ row: row.map(Number), time: times[i] })).filter(({ row }) => row.length >= N_CURVES);
  return { times: kept.map(({ time }) => time), rows: kept.map(({ row }) => row), names };
}

/** hh:mm:ss:ff.fff of Live Link Face; its clock is the least usual rate that holds all frame numbers seen. */
function timecodes(cells: string[]): number[] {
  const parts = cells.map((cell) => cell.split(/[:;]/).map(Number));
  if (parts.some((part) => part.length !== 4)) return cells.map((_, i) => i / 30);
  const rate = USUAL.find((one) => one > Math.floor(Math.max(...parts.map((part) => part[3])))) ?? 60;
  const at = parts.map(([h, m, s, f]) => h * 3600 + m * 60 + s + f / rate);
  return at.map((time) => time - at[0]);
}

/** Rows brought to frames by time, as the rows' own rate has it. */
function onFrames(name: string, { times, rows, names }: Rows): Track {
  const places = names.map(placeOf);
  if (places.filter((place) => place >= 0).length < 5) throw new Error(`${name} names hardly any of the 52 curves`);
  const fps = usualRate(times);
  const frames = Math.max(1, Math.round(times[times.length - 1] * fps) + 1);
  const curves = Array.from({ length: N_CURVES }, () => new Float32Array(frames));
  for (let i = 0, row = 0; i < frames; i++) {
    const time = i / fps;
    while (row + 1 < rows.length - 1 && times[row + 1] <= time) row++;
    const next = Math.min(row + 1, rows.length - 1);
    const share = next > row ? Math.max(0, Math.min(1, (time - times[row]) / (times[next] - times[row]))) : 0;
    places.forEach((place, column) => {
      if (place >= 0) curves[place][i] = rows[row][column] * (1 - share) + rows[next][column] * share;
    });
  }
  return { label: name, fps, frames, curves, lost: null, head: null };
}

const SOUND = /\.(wav|flac|ogg|mp3|m4a)$/i;
export type Dropped = { kind: "sound" | "curves" | "face" | "model"; file: File };

export function kindOf(file: File): Dropped["kind"] {
  if (SOUND.test(file.name) || file.type.startsWith("audio/")) return "sound";
  if (/\.(glb|gltf)$/i.test(file.name)) return "face";
  if (/\.onnx$/i.test(file.name)) return "model";
  if (/\.(csv|jsonl?|txt)$/i.test(file.name)) return "curves";
  throw new Error(`${file.name}: expected sound (.wav), curves (.csv, .json, .jsonl) or a face (.glb)`);
}
