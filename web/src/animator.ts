/**
 * Curves for one stream of sound in chunks of any size: koekao.animation.Animators for one row, and the same frames.
 *
 * A frame is ready when all the sound it may hear has come: its own interval and the model's look-ahead. Less than one
 * frame of sound waits between pushes (before the first frame, the look-ahead).
 */
import * as ort from "onnxruntime-web/wasm";
import { readHeader, type Header } from "./header";

/** Longer sound is stepped in blocks of this many seconds, so that memory is bounded. */
const BLOCK_S = 20;

export interface LoadOptions {
  /** Where the WebAssembly of onnxruntime lies; by default beside this script. */
  wasm?: string | URL;
}

export class Animator {
  private state: Record<string, ort.Tensor> = {};
  private waiting = new Float32Array(0);
  private heard = 0;
  private next = 0;
  private over = false;
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly header: Header,
    private readonly session: ort.InferenceSession,
  ) {
    this.begin();
  }

  /** @param file the bytes of a file of `koekao export`. */
  static async load(file: Uint8Array, options: LoadOptions = {}): Promise<Animator> {
    const header = readHeader(file);
    ort.env.wasm.numThreads = 1; // more would want a page isolated from all others
    ort.env.wasm.wasmPaths = { wasm: options.wasm ?? new URL("ort-wasm-simd-threaded.wasm", import.meta.url) };
    const session = await ort.InferenceSession.create(file, { executionProviders: ["wasm"], logSeverityLevel: 3 });
    return new Animator(header, session);
  }

  /** The number of the frame that comes next; frame k belongs to the moment k / fps of the sound. */
  get nextFrame(): number {
    return this.next;
  }

  get nCurves(): number {
    return this.header.curves.length;
  }

  /**
   * Hear samples in [-1, 1] at the model's sample rate.
   *
   * @returns the frames that are ready now, one after the other, nCurves values in 0..1 each. Pushes are taken in the
   *   order in which they are called, whether or not they are waited for.
   */
  push(samples: Float32Array): Promise<Float32Array> {
    const mine = samples.slice(); // the caller may use his buffer again at once
    return this.inTurn(async () => {
      if (this.over) throw new Error("sound after finish(): reset() for a new sound");
      const wrong = mine.findIndex((value) => !Number.isFinite(value));
      if (wrong >= 0) throw new Error(`sample ${this.heard + wrong} is not finite`);
      this.wait(mine);
      this.heard += mine.length;
      return this.step(Math.max(0, this.header.clock.frameAt(this.heard) - this.header.lookAheadFrames));
    });
  }

  /** The sound is over: the frames still owed, every frame that begins before its end. */
  finish(): Promise<Float32Array> {
    return this.inTurn(async () => {
      if (this.over) return new Float32Array(0);
      this.over = true;
      const { clock, lookAheadFrames } = this.header;
      const until = clock.framesCovering(this.heard);
      this.wait(new Float32Array(clock.frameStart(until + lookAheadFrames) - this.heard));
      return this.step(until);
    });
  }

  /** Begin anew, as if nothing had been heard. */
  reset(): Promise<void> {
    return this.inTurn(async () => this.begin());
  }

  /** Give the memory of the model back. */
  release(): Promise<void> {
    return this.inTurn(() => this.session.release());
  }

  private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined); // who called is told; who comes next goes on
    return done;
  }

  private begin(): void {
    this.state = {};
    for (const { name, dtype, shape, values } of this.header.state) {
      this.state[name] = new ort.Tensor(dtype, values.slice() as never, [1, ...shape]);
    }
    this.waiting = new Float32Array(0);
    this.heard = this.next = 0;
    this.over = false;
  }

  private wait(samples: Float32Array): void {
    const all = new Float32Array(this.waiting.length + samples.length);
    all.set(this.waiting);
    all.set(samples, this.waiting.length);
    this.waiting = all;
  }

  /** Make the frames up to `until` (not included). */
  private async step(until: number): Promise<Float32Array> {
    const made = new Float32Array(Math.max(0, until - this.next) * this.nCurves);
    const block = Math.max(1, Math.floor(BLOCK_S * this.header.clock.framesPerSecond));
    for (let at = 0; this.next < until; ) {
      const curves = await this.stepBlock(Math.min(block, until - this.next));
      made.set(curves, at);
      at += curves.length;
    }
    return made;
  }

  private async stepBlock(nFrames: number): Promise<Float32Array> {
    const { clock, lookAheadFrames } = this.header;
    if (this.next === 0) this.lookAhead();
    const first = this.next + lookAheadFrames;
    const sound = this.take(clock.frameStart(first + nFrames) - clock.frameStart(first));
    const given: Record<string, ort.Tensor> = { sound: new ort.Tensor("float32", sound, [1, sound.length]) };
    for (const [name, value] of Object.entries(this.state)) given[`state.${name}`] = value;
    const after = await this.session.run(given);
    for (const name of Object.keys(this.state)) this.state[name] = after[`next.${name}`]!;
    this.next += nFrames;
    return after["curves"]!.data as Float32Array;
  }

  /** The sound that the first frame looks ahead to is past already when its own step comes. */
  private lookAhead(): void {
    const past = this.state["sound"]!.data as Float32Array;
    past.set(this.take(this.header.firstSamples), past.length - this.header.firstSamples);
  }

  private take(nSamples: number): Float32Array {
    const taken = this.waiting.slice(0, nSamples);
    this.waiting = this.waiting.slice(nSamples);
    return taken;
  }
}
