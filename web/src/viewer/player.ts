/** Time: that of the audio element where there is sound, else of a clock that runs alike. */
export class Player {
  duration = 0;
  loop = false;
  /** What is looped: all where null. */
  span: [number, number] | null = null;
  onChange: () => void = () => undefined;
  private began = 0;
  private from = 0;
  private running = false;
  private speed = 1;
  private silent = true;

  constructor(readonly audio: HTMLAudioElement) {
    for (const event of ["play", "pause", "ended", "ratechange"]) audio.addEventListener(event, () => this.onChange());
    audio.addEventListener("ended", () => {
      if (this.loop) void this.play();
    });
  }

  load(sound: Blob | null, seconds: number): void {
    this.pause();
    if (this.audio.src) URL.revokeObjectURL(this.audio.src);
    this.silent = sound === null;
    this.duration = seconds;
    this.span = null;
    this.from = 0;
    if (sound) {
      this.audio.src = URL.createObjectURL(sound);
      this.audio.preservesPitch = true;
      this.audio.playbackRate = this.speed;
    } else {
      this.audio.removeAttribute("src");
    }
    this.onChange();
  }

  get playing(): boolean {
    return this.silent ? this.running : !this.audio.paused && !this.audio.ended;
  }

  get time(): number {
    if (!this.silent) return Math.min(this.duration, this.audio.currentTime);
    const passed = this.running ? ((performance.now() - this.began) / 1000) * this.speed : 0;
    return Math.min(this.duration, this.from + passed);
  }

  get rate(): number {
    return this.speed;
  }

  set rate(speed: number) {
    this.seek(this.time);
    this.speed = speed;
    this.audio.playbackRate = speed;
    this.audio.defaultPlaybackRate = speed;
    this.onChange();
  }

  async play(): Promise<void> {
    const [first, last] = this.loop && this.span ? this.span : [0, this.duration];
    if (this.time >= last - 0.01 || this.time < first - 0.01) this.seek(first);
    if (this.silent) {
      this.began = performance.now();
      this.running = true;
      this.onChange();
    } else {
      await this.audio.play();
    }
  }

  pause(): void {
    this.from = this.time;
    this.running = false;
    this.audio.pause();
    this.onChange();
  }

  seek(seconds: number): void {
    const to = Math.max(0, Math.min(this.duration, seconds));
    this.from = to;
    this.began = performance.now();
    if (!this.silent) this.audio.currentTime = to;
  }

  /** To be called for every picture: turns back where a loop ends. */
  tick(): void {
    if (!this.playing) return;
    const [first, last] = this.span && this.loop ? this.span : [0, this.duration];
    if (this.time < last) return;
    if (this.loop) this.seek(first);
    else this.pause();
  }
}
