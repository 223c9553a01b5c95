/** What the page shows, as koekao.viewer wrote it: a clip (sound and one or two tracks of curves) or a list of takes. */
export const NAMES: string[] = [
  ["browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight cheekPuff cheekSquintLeft"],
  ["cheekSquintRight eyeBlinkLeft eyeBlinkRight eyeLookDownLeft eyeLookDownRight eyeLookInLeft eyeLookInRight"],
  ["eyeLookOutLeft eyeLookOutRight eyeLookUpLeft eyeLookUpRight eyeSquintLeft eyeSquintRight eyeWideLeft"],
  ["eyeWideRight jawForward jawLeft jawOpen jawRight mouthClose mouthDimpleLeft mouthDimpleRight mouthFrownLeft"],
  ["mouthFrownRight mouthFunnel mouthLeft mouthLowerDownLeft mouthLowerDownRight mouthPressLeft mouthPressRight"],
  ["mouthPucker mouthRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthSmileLeft"],
  ["mouthSmileRight mouthStretchLeft mouthStretchRight mouthUpperUpLeft mouthUpperUpRight noseSneerLeft"],
  ["noseSneerRight tongueOut"],
].flatMap(([line]) => line.split(" "));
export const N_CURVES = NAMES.length;
export const REGIONS = ["jaw", "mouth", "cheek", "nose", "brow", "eye", "tongue"];

/** A curve's name in any usual spelling to its place: jawOpen, JawOpen, mouthSmile_L, blendShape1.jawOpen. */
export function placeOf(name: string): number {
  const last = name.slice(name.lastIndexOf(".") + 1);
  const plain = last.charAt(0).toLowerCase() + last.slice(1);
  const direct = NAMES.indexOf(plain);
  return direct >= 0 ? direct : NAMES.indexOf(plain.replace(/_L$/, "Left").replace(/_R$/, "Right"));
}
export const regionOf = (name: string): string => REGIONS.find((region) => name.startsWith(region))!;

/** A curve of less range than this stands still (koekao.arkit.MOVING_RANGE). */
export const MOVING_RANGE = 0.05;

export interface Track {
  label: string;
  fps: number;
  frames: number;
  /** One array of values a curve, in the order of NAMES. */
  curves: Float32Array[];
  /** 1 where no face was seen. */
  lost: Uint8Array | null;
  /** Yaw, pitch, roll of the head a frame, radians. */
  head: Float32Array | null;
}

export interface Clip {
  name: string;
  seconds: number;
  sound: Blob | null;
  tracks: Track[];
  notes: string[];
}

export interface RawTrack {
  label: string;
  fps: number;
  frames: number;
  low: number;
  high: number;
  curves: string;
  lost: string | null;
  head: string | null;
}
export interface RawClip {
  name: string;
  seconds: number;
  sound: string | null;
  sound_type: string;
  tracks: RawTrack[];
  notes: string[];
}
export interface TakeRow {
  name: string;
  speaker: string;
  split: string;
  seconds: number;
}
export interface PageData {
  title: string;
  head: string;
  clip: RawClip | null;
  takes: TakeRow[] | null;
  /** Clips of a page without a server, by place in `takes`. */
  clips: RawClip[] | null;
  details: TakeDetail[] | null;
  model: string | null;
  library: string | null;
}
export interface TakeDetail {
  /** How far the mouth is open, 0 to 9 a slice. */
  spark: string;
  /** What the doctor says: level and words. */
  flags: [string, string][];
}

export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export async function inflated(base64: string): Promise<ArrayBuffer> {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

export async function readClip(raw: RawClip): Promise<Clip> {
  return {
    name: raw.name,
    seconds: raw.seconds,
    sound: raw.sound ? new Blob([bytesOf(raw.sound)], { type: raw.sound_type }) : null,
    tracks: await Promise.all(raw.tracks.map(readTrack)),
    notes: raw.notes,
  };
}

async function readTrack(raw: RawTrack): Promise<Track> {
  const steps = new Uint16Array(await inflated(raw.curves)); // a curve after the other
  const scale = (raw.high - raw.low) / 65535;
  const curves = NAMES.map((_, k) => {
    const own = new Float32Array(raw.frames);
    for (let i = 0; i < raw.frames; i++) own[i] = raw.low + scale * steps[k * raw.frames + i];
    return own;
  });
  return {
    label: raw.label,
    fps: raw.fps,
    frames: raw.frames,
    curves,
    lost: raw.lost ? new Uint8Array(await inflated(raw.lost)) : null,
    head: raw.head ? new Float32Array(await inflated(raw.head)) : null,
  };
}

export const USUAL = [24, 25, 30, 48, 50, 60];

/** Frames a second of these times, as the step in the middle has it; a usual rate where one is near. */
export function usualRate(times: ArrayLike<number>): number {
  const steps = Array.from(times).slice(1).map((time, i) => time - times[i]).sort((a, b) => a - b);
  const rate = steps.length ? 1 / steps[steps.length >> 1] : 30;
  return USUAL.find((one) => Math.abs(one / rate - 1) < 0.01) ?? rate;
}

/** The frame that is shown at a time: the last that has begun. A microsecond forgives what rounding took away. */
export function frameAt(track: Track, seconds: number): number {
  return Math.max(0, Math.min(track.frames - 1, Math.floor(seconds * track.fps + 1e-6 * track.fps)));
}

export function rangeOf(values: Float32Array): number {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return high - low;
}

export function clock(seconds: number): string {
  const hundredths = Math.max(0, Math.floor(100 * seconds + 1e-4));
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${Math.floor(hundredths / 6000)}:${two(Math.floor(hundredths / 100) % 60)}.${two(hundredths % 100)}`;
}
