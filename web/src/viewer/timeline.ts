/** The sound and the curves over time: a lane a curve by region, what is pinned on top, and the values at the cursor. */
import { type Comparison } from "./compare";
import { clock, type Clip, frameAt, MOVING_RANGE, NAMES, rangeOf, regionOf, REGIONS } from "./data";
import { type Player } from "./player";
import { pointing } from "./pointing";
import { drawSpectrum, drawWave } from "./sound";
import { drawCurve, drawLost, xOf } from "./strokes";

export type Order = "region" | "movement" | "error";

interface Lane {
  curve: number;
  row: HTMLLIElement;
  canvas: HTMLCanvasElement;
  value: HTMLElement;
  pin: HTMLButtonElement;
  inSight: boolean;
  fresh: boolean;
  said: string;
}

const part = <Kind extends HTMLElement>(id: string): Kind => document.getElementById(id) as Kind;
const MOST_PIXELS = 4096;
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
    this.list.replaceChildren();
    const tracks = this.clip?.tracks ?? [];
    const wanted = this.search.value.trim().toLowerCase();
    const range = NAMES.map((_, k) => Math.max(0, ...tracks.map((track) => rangeOf(track.curves[k]))));
    const moving = (k: number): boolean => this.still.checked || range[k] > MOVING_RANGE;
    const all = NAMES.map((_, k) => k).filter((k) => {
      const name = NAMES[k];
      return wanted ? name.toLowerCase().includes(wanted) : moving(k) || this.pinned.has(name);
    });
    const pinned = all.filter((k) => this.pinned.has(NAMES[k]));
    const rest = all.filter((k) => !this.pinned.has(NAMES[k]));
    if (pinned.length) this.group("pinned", pinned);
    if (this.order === "region") {
      for (const region of REGIONS) this.group(region, rest.filter((k) => regionOf(NAMES[k]) === region));
    } else {
      const error = this.comparison?.byCurve;
      const weight = (k: number): number => (this.order === "error" && error ? error[k].mae || 0 : range[k]);
      this.group(this.order === "error" ? "largest error first" : "most movement first", rest.sort((a, b) => weight(b) - weight(a)));
    }
    const hidden = NAMES.length - all.length;
    part("hidden-count").textContent = tracks.length && hidden ? `${hidden} hidden` : "";
    part("no-lanes").hidden = all.length > 0;
    part("no-lanes").textContent = !tracks.length ? "No curves yet." : wanted ? "No curve is named so." : "No curve moves; show still curves to see them.";
    this.measure();
  }

  private group(title: string, curves: number[]): void {
    if (!curves.length) return;
    const section = document.createElement("section");
    const heading = document.createElement("h3");
    heading.textContent = title.charAt(0).toUpperCase() + title.slice(1);
    const count = document.createElement("span");
    count.textContent = String(curves.length);
    heading.append(count);
    const rows = document.createElement("ul");
    rows.setAttribute("aria-label", title);
    for (const curve of curves) rows.append(this.lane(curve));
    section.append(heading, rows);
    this.list.append(section);
  }

  private lane(curve: number): HTMLLIElement {
    const name = NAMES[curve];
    const row = document.createElement("li");
    row.dataset.region = regionOf(name);
    const pin = document.createElement("button");
    pin.className = "pin";
    pin.setAttribute("aria-pressed", String(this.pinned.has(name)));
    pin.setAttribute("aria-label", `Pin ${name}`);
    pin.title = this.pinned.has(name) ? "Unpin" : "Pin to the top";
    pin.addEventListener("click", () => {
      if (!this.pinned.delete(name)) this.pinned.add(name);
      this.arrange();
      const again = this.lanes.find((lane) => lane.curve === curve);
      again?.pin.focus();
    });
    const label = document.createElement("span");
    label.className = "name";
    const stem = document.createElement("span");
    stem.textContent = name;
    label.append(stem);
    label.title = name;
    const side = /^(.*)(Left|Right)$/.exec(name);
    if (side && !["jaw", "mouth"].includes(side[1])) {
      stem.textContent = side[1]; // the side stands apart, so that it is seen where the name is cut
      label.append(Object.assign(document.createElement("b"), { textContent: side[2].charAt(0) }));
    }
    const value = document.createElement("span");
    value.className = "value";
    const canvas = document.createElement("canvas");
    canvas.setAttribute("aria-hidden", "true");
    row.append(pin, label, value, canvas);
    const scores = this.comparison?.byCurve[curve];
    if (scores) row.title = `${name}: mean error ${scores.mae.toFixed(3)}` + (Number.isNaN(scores.r) ? "" : `, r ${scores.r.toFixed(2)}`);
    this.lanes.push({ curve, row, canvas, value, pin, inSight: false, fresh: false, said: "" });
    this.sight.observe(row);
    return row;
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

  private fit(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
    const ratio = Math.min(2, devicePixelRatio || 1);
    const width = Math.min(MOST_PIXELS, Math.round(this.width * ratio));
    const height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext("2d")!;
    context.clearRect(0, 0, width, height);
    return context;
  }

  private colour(name: string): string {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  private drawSound(): void {
    this.drawRuler();
    this.fit(this.wave);
    this.fit(this.spectrum);
    drawWave(this.wave, this.samples, this.from, this.to, this.colour("wave"), this.peak);
    drawSpectrum(this.spectrum, this.samples, this.from, this.to, this.colour("spectrum").split(" ").map(Number));
  }

  private drawRuler(): void {
    const context = this.fit(this.ruler);
    const ratio = this.ruler.width / this.width;
    const most = Math.max(2, this.width / 80);
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
    const step = steps.find((one) => (this.to - this.from) / one <= most) ?? 7200;
    context.scale(ratio, ratio);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = this.colour("muted");
    context.strokeStyle = this.colour("line");
    for (let k = Math.ceil(this.from / step - 1e-9); k * step <= this.to; k++) {
      const x = xOf(this, k * step);
      context.fillRect(Math.round(x), 14, 1, 6);
      const text = step < 1 ? clock(k * step).slice(0, -1) : clock(k * step).slice(0, -3);
      const wide = context.measureText(text).width;
      context.fillText(text, Math.max(0, Math.min(this.width - wide, x - wide / 2)), 11);
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
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
    const context = this.fit(this.errors);
    const top = Math.max(0.05, ...Array.from(this.comparison.error).filter((value) => value > 0));
    drawCurve(context, this, this.comparison.error, this.comparison.fps, this.colour("error"), 0.28, 0, top);
    part("error-mean").textContent = `mean ${this.comparison.mean.toFixed(3)}`;
  }

  private drawLanes(): void {
    const tracks = this.clip?.tracks ?? [];
    for (const lane of this.lanes) {
      if (!lane.inSight || lane.fresh || !tracks.length) continue;
      lane.fresh = true;
      const context = this.fit(lane.canvas);
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
