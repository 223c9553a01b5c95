/**
 * The animation that a face brings along (glTF: channels with the path `weights`) as curves, brought to even frames.
 *
 * Of several the last is read: what koekao writes stands behind what was in the face already. Whatever lies between its
 * keys (steps, lines, cubic splines) is computed by three. What it gives up: what else the file moves, as bones.
 */
import { type AnimationClip, type Interpolant, type KeyframeTrack } from "three";
import { N_CURVES, type Track, usualRate } from "./data";

/** Keys farther apart than this are not frames but poses, between which a face moves evenly. */
const LEAST_FPS = 20;
const POSES_FPS = 30;

/** three gives each track what computes its way between keys; its types do not tell. */
type Between = KeyframeTrack & { createInterpolant(): Interpolant };

/** Target and curve of each driven mesh, by the name that three gives to the track of its weights. */
export type Driven = Map<string, [target: number, curve: number][]>;

export const weightsOf = (mesh: { name: string; uuid: string }): string => `${mesh.name || mesh.uuid}.morphTargetInfluences`;

export function animationOf(animations: AnimationClip[], driven: Driven): Track | null {
  const own = animations.map(({ tracks }) => tracks.filter((track) => driven.has(track.name))).filter((tracks) => tracks.length);
  const tracks = own.at(-1);
  if (!tracks) return null;
  const most = tracks.reduce((a, b) => (b.times.length > a.times.length ? b : a)).times;
  const rate = usualRate(most);
  const fps = rate < LEAST_FPS ? POSES_FPS : rate;
  const end = Math.max(...tracks.map((track) => track.times[track.times.length - 1]));
  const frames = Math.round(end * fps) + 1;
  const curves = Array.from({ length: N_CURVES }, () => new Float32Array(frames));
  for (const track of tracks) sample(track, driven.get(track.name)!, fps, curves);
  return { label: "animation", fps, frames, curves, lost: null, head: null };
}

function sample(track: KeyframeTrack, pairs: [number, number][], fps: number, curves: Float32Array[]): void {
  const between = (track as Between).createInterpolant();
  for (let i = 0; i < curves[0].length; i++) {
    const weights = between.evaluate(i / fps) as ArrayLike<number>;
    for (const [target, curve] of pairs) curves[curve][i] = weights[target];
  }
}
