/**
 * Exact arithmetic between frames and samples, as koekao.clock: frame k starts at floor(k * rate / fps + 1/2).
 *
 * Whole numbers below 2^53 divided and rounded down are exact, which holds for years of any stream.
 */
export class Clock {
  private readonly n: number;
  private readonly d: number;

  /** @param fps frames a second as a fraction in text: "30", "30000/1001". */
  constructor(
    readonly sampleRate: number,
    readonly fps: string,
  ) {
    const [above, below = "1"] = fps.split("/");
    this.n = sampleRate * Number(below);
    this.d = Number(above);
    if (!(Number.isSafeInteger(this.n) && this.n > 0 && Number.isSafeInteger(this.d) && this.d > 0)) {
      throw new Error(`a clock of ${sampleRate} Hz and ${fps} frames a second cannot be`);
    }
  }

  /** The sample at which a frame starts. */
  frameStart(frame: number): number {
    return Math.floor((2 * frame * this.n + this.d) / (2 * this.d));
  }

  /** The frame that a sample lies in. */
  frameAt(sample: number): number {
    return Math.floor((2 * sample * this.d + this.d - 1) / (2 * this.n));
  }

  /** How many frames it takes to cover so many samples; the last may be covered in part. */
  framesCovering(nSamples: number): number {
    return nSamples > 0 ? this.frameAt(nSamples - 1) + 1 : 0;
  }

  /** Frames a second, rounded. */
  get framesPerSecond(): number {
    return (this.d * this.sampleRate) / this.n;
  }
}
