/** Ten seconds of the browser's microphone, animated by a model in the page: only where the page is served with one. */
import { type Track } from "./data";
import { part, tried } from "./parts";
import { type Stage } from "./stage";

const LONGEST_S = 10;

interface Library {
  Animator: { load(file: Uint8Array, options: { wasm: string }): Promise<Animator> };
}
interface Animator {
  header: { clock: { sampleRate: number; framesPerSecond: number }; curves: readonly string[] };
  nCurves: number;
  push(samples: Float32Array): Promise<Float32Array>;
  finish(): Promise<Float32Array>;
  reset(): Promise<void>;
}

/** The button that records, stops and plays what was made of it. */
export function recording(stage: Stage, library: string, model: string): void {
  const recorder = new Recorder(library, model);
  const button = part<HTMLButtonElement>("record");
  const words = button.querySelector("span")!;
  const idle = words.textContent;
  button.hidden = false;
  button.addEventListener("click", () => void tried(async () => {
    if (recorder.recording) return recorder.stop();
    stage.player.pause();
    button.classList.add("on");
    try {
      const sound = await recorder.record((left) => (words.textContent = `Stop (${Math.ceil(left)} s)`));
      words.textContent = "Animating";
      await stage.showTracks("Microphone", sound, [await recorder.animate(sound, "model")]);
      await stage.player.play();
    } finally {
      button.classList.remove("on");
      words.textContent = idle;
    }
  }));
}

class Recorder {
  private animator: Animator | null = null;
  private stopNow: (() => void) | null = null;

  constructor(private readonly library: string, private readonly model: string) {}

  get recording(): boolean {
    return this.stopNow !== null;
  }

  stop(): void {
    this.stopNow?.();
  }

  /** The sound that was heard as WAV; `tell` is called with the seconds that are left. */
  async record(tell: (left: number) => void): Promise<Blob> {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const context = new AudioContext();
    const source = context.createMediaStreamSource(stream);
    // A worklet would want a script of its own; what an analyser-free processor costs does not matter for ten seconds.
    const tap = context.createScriptProcessor(4096, 1, 1);
    const parts: Float32Array[] = [];
    source.connect(tap);
    tap.connect(context.destination);
    const began = performance.now();
    await new Promise<void>((done) => {
      this.stopNow = done;
      tap.onaudioprocess = (event) => {
        parts.push(event.inputBuffer.getChannelData(0).slice());
        const left = LONGEST_S - (performance.now() - began) / 1000;
        tell(Math.max(0, left));
        if (left <= 0) done();
      };
    });
    this.stopNow = null;
    tap.disconnect();
    for (const track of stream.getTracks()) track.stop();
    const rate = context.sampleRate;
    await context.close();
    return wav(parts, rate);
  }

  async animate(sound: Blob, label: string): Promise<Track> {
    if (!this.animator) {
      const library = (await import(this.library)) as Library;
      const answer = await fetch(this.model);
      if (!answer.ok) throw new Error("the model is not served");
      const wasm = new URL("ort-wasm-simd-threaded.wasm", new URL(this.library, location.href)).href;
      this.animator = await library.Animator.load(new Uint8Array(await answer.arrayBuffer()), { wasm });
    }
    const animator = this.animator;
    await animator.reset();
    const context = new OfflineAudioContext(1, 1, animator.header.clock.sampleRate);
    const samples = (await context.decodeAudioData(await sound.arrayBuffer())).getChannelData(0);
    const made = [await animator.push(samples), await animator.finish()];
    const n = animator.nCurves;
    const frames = (made[0].length + made[1].length) / n;
    const curves = Array.from({ length: n }, () => new Float32Array(frames));
    let at = 0;
    for (const part of made) {
      for (let i = 0; i < part.length / n; i++, at++) for (let k = 0; k < n; k++) curves[k][at] = part[i * n + k];
    }
    return { label, fps: animator.header.clock.framesPerSecond, frames, curves, lost: null, head: null };
  }
}

function wav(parts: Float32Array[], rate: number): Blob {
  const n = parts.reduce((sum, part) => sum + part.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * n));
  const text = (at: number, word: string): void => {
    for (let i = 0; i < word.length; i++) view.setUint8(at + i, word.charCodeAt(i));
  };
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * n, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * n, true);
  let at = 44;
  for (const part of parts) for (const value of part) {
    view.setInt16(at, Math.max(-32768, Math.min(32767, Math.round(32767 * value))), true);
    at += 2;
  }
  return new Blob([view], { type: "audio/wav" });
}
