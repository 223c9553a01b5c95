/** The sound and the curves over time: a lane a curve by region, what is pinned on top, and the values at the cursor. */
import { type Comparison } from "./compare";
import { clock, type Clip, frameAt, NAMES, regionOf } from "./data";
import { groupOf, groups, type Lane, laneOf, type Order } from "./lanes";
import { part } from "./parts";
import { type Player } from "./player";
import { pointing } from "./pointing";
import { drawSpectrum, drawWave } from "./sound";
import { drawCurve, drawLost, drawRuler, fit, xOf } from "./strokes";

/** What is longer than twice this begins with so many seconds in view. */
const FIRST_S = 20;

export class Timeline {
  from = 0;
  to = 1;
  order: Order = "region";
  pinned = new Set<string>();
  hover: number | null = null;
  onSeek: (seconds: number) => void = () => undefined;
  onLoop: (span: [number, number]) => void = () => undefined;
  private clip: Clip | null = null;
  private samples: Float32Array | null = null;
  private comparison: Comparison | null = null;
  private lanes: Lane[] = [];
  width = 0;
  private peak = 1;
  private readonly root = part("tracks");
  private readonly list = part("lanes");
  private readonly wave = part<HTMLCanvasElement>("wave");
  private readonly spectrum = part<HTMLCanvasElement>("spectrum");
  private readonly ruler = part<HTMLCanvasElement>("ruler");
  private readonly errors = part<HTMLCanvasElement>("errors");
  private readonly slider = part("scrub");
  private readonly head = part("playhead");
  private readonly ghost = part("cursor");
  private readonly search = part<HTMLInputElement>("search");
  private readonly still = part<HTMLInputElement>("still");
  private readonly sight = new IntersectionObserver((entries) => this.seen(entries), { root: this.list, rootMargin: "60px" });
  private told = "";

  constructor(private readonly player: Player) {
    new ResizeObserver(() => this.measure()).observe(this.list);
    this.search.addEventListener("input", () => this.arrange());
    this.still.addEventListener("change", () => this.arrange());
    pointing(this, this.root, this.list, this.slider);
  }

  show(clip: Clip | null, comparison: Comparison | null): void {
    this.clip = clip;
    this.comparison = comparison;
    this.samples = null;
    this.from = 0;
    const all = Math.max(0.1, clip?.seconds ?? 1);
    this.to = all > 2 * FIRST_S ? FIRST_S : all;
    part("error-row").hidden = comparison === null;
    part("sound-row").classList.toggle("mute", clip?.sound == null);
    this.slider.setAttribute("aria-valuemax", all.toFixed(2));
    this.arrange();
  }

  hear(samples: Float32Array | null): void {
    this.samples = samples;
    this.peak = 0.02; // silence is not blown up
    for (const value of samples ?? []) this.peak = Math.max(this.peak, Math.abs(value));
    this.drawSound();
  }

  /** Make the rows anew: which curves, in which order. */
  arrange(): void {
    this.sight.disconnect();
    this.lanes = [];
    const tracks = this.clip?.tracks ?? [];
    const named = this.search.value.trim().toLowerCase();
    const { comparison, order, pinned } = this;
    const found = groups({ tracks, comparison, order, pinned, named, still: this.still.checked });
    this.list.replaceChildren(...found.map(([title, curves]) => groupOf(title, curves.map((curve) => this.lane(curve)))));
    const hidden = NAMES.length - this.lanes.length;
    part("hidden-count").textContent = tracks.length && hidden ? `${hidden} hidden` : "";
    part("no-lanes").hidden = this.lanes.length > 0;
    part("no-lanes").textContent = !tracks.length ? "No curves yet." : named ? "No curve is named so." : "No curve moves; show still curves to see them.";
    this.measure();
  }

  private lane(curve: number): Lane {
    const name = NAMES[curve];
    const lane = laneOf(curve, this.pinned.has(name), this.comparison, () => {
      if (!this.pinned.delete(name)) this.pinned.add(name);
      this.arrange();
      this.lanes.find((one) => one.curve === curve)?.pin.focus();
    });
    this.lanes.push(lane);
    this.sight.observe(lane.row);
    return lane;
  }

  private seen(entries: IntersectionObserverEntry[]): void {
    for (const entry of entries) {
      const lane = this.lanes.find((one) => one.row === entry.target);
      if (lane) lane.inSight = entry.isIntersecting;
    }
    this.drawLanes();
    this.tell(true);
  }

  get gutter(): number {
    return parseFloat(getComputedStyle(this.root).getPropertyValue("--gutter"));
  }

  private measure(): void {
    this.width = Math.max(40, this.list.clientWidth - this.gutter - 12);
    this.root.style.setProperty("--w", `${this.width}px`);
    this.redraw();
  }

  redraw(): void {
    for (const lane of this.lanes) lane.fresh = false;
    this.drawSound();
    this.drawErrors();
    this.drawLanes();
    this.tick(this.player.time);
    this.tell(true);
  }

  view(from: number, to: number): void {
    const all = this.clip?.seconds ?? 1;
    const span = Math.min(all, Math.max(0.25, to - from));
    this.from = Math.max(0, Math.min(all - span, from));
    this.to = this.from + span;
    this.redraw();
  }

  zoom(factor: number, at = this.player.time): void {
    const share = Math.max(0, Math.min(1, (at - this.from) / (this.to - this.from)));
    const span = (this.to - this.from) / factor;
    this.view(at - share * span, at + (1 - share) * span);
  }

  private colour(name: string): string {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  private drawSound(): void {
    this.drawTimes();
    fit(this.wave, this);
    fit(this.spectrum, this);
    drawWave(this.wave, this.samples, this.from, this.to, this.colour("wave"), this.peak);
    drawSpectrum(this.spectrum, this.samples, this.from, this.to, this.colour("spectrum").split(" ").map(Number));
  }

  private drawTimes(): void {
    drawRuler(fit(this.ruler, this), this, this.colour("muted"), this.colour("line"));
    const loop = this.player.span;
    const band = part("loop-band");
    band.hidden = !loop || !this.player.loop;
    if (loop) {
      band.style.left = `${this.gutter + Math.max(0, xOf(this, loop[0]))}px`;
      band.style.width = `${Math.max(1, Math.min(this.width, xOf(this, loop[1])) - Math.max(0, xOf(this, loop[0])))}px`;
    }
  }

  private drawErrors(): void {
    if (!this.comparison) return;
    const context = fit(this.errors, this);
    const top = Math.max(0.05, ...Array.from(this.comparison.error).filter((value) => value > 0));
    drawCurve(context, this, this.comparison.error, this.comparison.fps, this.colour("error"), 0.28, 0, top);
    part("error-mean").textContent = `mean ${this.comparison.mean.toFixed(3)}`;
  }

  private drawLanes(): void {
    const tracks = this.clip?.tracks ?? [];
    for (const lane of this.lanes) {
      if (!lane.inSight || lane.fresh || !tracks.length) continue;
      lane.fresh = true;
      const context = fit(lane.canvas, this);
      let low = 0;
      let high = 1;
      for (const track of tracks) for (const value of track.curves[lane.curve]) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
      drawLost(context, this, tracks, this.colour("lost"));
      tracks.forEach((track, i) => {
        const colour = tracks.length > 1 ? this.colour(i ? "second" : "first") : this.colour(regionOf(NAMES[lane.curve]));
        drawCurve(context, this, track.curves[lane.curve], track.fps, colour, tracks.length > 1 ? (i ? 0 : 0.14) : 0.18, low, high);
      });
    }
  }

  /** For every picture: the playhead, and the view follows it a page at a time. */
  tick(seconds: number): void {
    if (this.player.playing && (seconds > this.to || seconds < this.from) && this.to - this.from < (this.clip?.seconds ?? 0)) {
      this.view(seconds, seconds + this.to - this.from);
      return;
    }
    const x = xOf(this, seconds);
    this.head.hidden = x < -1 || x > this.width + 1;
    this.head.style.transform = `translateX(${this.gutter0() + x}px)`;
    this.tell(false);
  }

  private gutterKept = 0;
  private gutter0(): number {
    return this.gutterKept || (this.gutterKept = this.gutter);
  }

  private tell(always: boolean): void {
    const tracks = this.clip?.tracks ?? [];
    if (always) this.gutterKept = this.gutter;
    const at = this.hover ?? this.player.time;
    const now = tracks.map((track) => frameAt(track, at)).join() + (this.hover === null ? "" : "h");
    if (!always && now === this.told) return;
    this.told = now;
    for (const lane of this.lanes) {
      if (!lane.inSight) continue;
      const said = tracks.map((track) => (track.frames ? track.curves[lane.curve][frameAt(track, at)].toFixed(2) : "")).join(" / ");
      if (said !== lane.said) lane.value.textContent = lane.said = said;
    }
    this.slider.setAttribute("aria-valuenow", this.player.time.toFixed(2));
    this.slider.setAttribute("aria-valuetext", `${clock(this.player.time)} of ${clock(this.clip?.seconds ?? 0)}`);
  }

  /** Values are told at a time that is pointed at, else where the playhead is. */
  hoverAt(seconds: number | null): void {
    this.hover = seconds;
    this.ghost.hidden = seconds === null;
    if (seconds !== null) {
      this.ghost.style.transform = `translateX(${this.gutter0() + xOf(this, seconds)}px)`;
      part("cursor-time").textContent = clock(seconds);
    }
    this.tell(false);
  }
}
