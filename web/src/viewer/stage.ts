/** What is shown: a clip on the face, on the timeline and in words; and the moment of it that is seen and heard. */
import { compared, type Comparison } from "./compare";
import { clock, type Clip, frameAt, NAMES, type Track } from "./data";
import { type Face } from "./face";
import { type Order } from "./lanes";
import { part, say, tried } from "./parts";
import { type Player } from "./player";
import { RATE_HZ, samplesOf } from "./sound";
import { type Timeline } from "./timeline";

export class Stage {
  clip: Clip | null = null;
  comparison: Comparison | null = null;
  private moment = -1;

  constructor(readonly player: Player, readonly timeline: Timeline, readonly face: Face, private readonly title: string) {}

  show(next: Clip): void {
    this.clip = next;
    this.comparison = next.tracks.length > 1 ? compared(next.tracks[0], next.tracks[1]) : null;
    this.moment = -1;
    this.player.load(next.sound, next.seconds);
    this.player.seek(0);
    this.tell(next);
    this.captions(next.tracks);
    this.moments();
    part<HTMLOptionElement>("by-error").disabled = this.comparison === null;
    if (!this.comparison && this.timeline.order === "error") this.setOrder("region");
    document.body.classList.toggle("comparing", this.comparison !== null);
    this.timeline.show(next, this.comparison);
    this.face.stale = true;
    void tried(async () => {
      const samples = next.sound && (await samplesOf(next.sound));
      if (this.clip === next) this.timeline.hear(samples);
    });
  }

  /** Files or what was recorded, as a clip: as long as the sound, or as the longer of the curves. */
  async showTracks(name: string, sound: Blob | null, tracks: Track[]): Promise<void> {
    const ends = tracks.map((track) => track.frames / track.fps);
    const seconds = sound ? (await samplesOf(sound)).length / RATE_HZ : Math.max(...ends);
    this.show({ name, seconds, sound, tracks, notes: [] });
  }

  private tell(clip: Clip): void {
    const name = clip.name || this.title;
    part("title").textContent = name;
    document.title = `${name} · koekao`;
    const rates = clip.tracks.map((track) => `${Number(track.fps.toFixed(2))} fps`);
    const told = [clock(clip.seconds), ...new Set(rates), clip.sound ? "" : "no sound"];
    part("about").textContent = told.filter(Boolean).join("  ·  ");
    part("notes").replaceChildren(...clip.notes.map((note) => Object.assign(document.createElement("li"), { textContent: note })));
    part("notes-box").hidden = !clip.notes.length;
  }

  private captions(tracks: Track[]): void {
    const several = tracks.length > 1;
    const labels = several ? tracks.map((track) => track.label) : [];
    part("over").hidden = !several;
    part("captions").replaceChildren(...labels.map((textContent, i) =>
      Object.assign(document.createElement("span"), { className: i ? "second" : "first", textContent })));
    part("face").setAttribute("aria-label", several ? `Two faces: ${labels.join(" and ")}` : "The face as the curves move it");
  }

  private moments(): void {
    const all = this.comparison?.moments ?? [];
    part("moments-box").hidden = !all.length;
    part("moments").replaceChildren(...all.map((one, i) => {
      const worst = one.curves.map(([name, by]) => `${name} ${by > 0 ? "+" : "−"}${Math.abs(by).toFixed(2)}`);
      const told = { time: clock(one.seconds), worst: worst.join(", "), amount: one.error.toFixed(3) };
      const button = document.createElement("button");
      for (const [className, textContent] of Object.entries(told)) {
        button.append(Object.assign(document.createElement("span"), { className, textContent }));
      }
      button.addEventListener("click", () => this.goToMoment(i));
      const row = document.createElement("li");
      row.append(button);
      return row;
    }));
  }

  /** To the moment before (-1) or after (1) the one gone to last, round and round. */
  moveMoment(by: number): void {
    this.goToMoment(this.moment < 0 && by < 0 ? -1 : this.moment + by);
  }

  private goToMoment(i: number): void {
    const all = this.comparison?.moments ?? [];
    if (!all.length) return;
    this.moment = (i + all.length) % all.length;
    this.seek(all[this.moment].seconds);
    part("moments").querySelectorAll("button").forEach((button, k) => button.toggleAttribute("aria-current", k === this.moment));
  }

  seek(seconds: number): void {
    const { from, to } = this.timeline;
    this.player.seek(seconds);
    if (seconds < from || seconds > to) this.timeline.view(seconds - (to - from) / 4, seconds + (to - from) * 0.75);
    this.face.stale = true;
  }

  /** To a frame's beginning, a little inside it. */
  toFrame(by: number): void {
    const track = this.clip?.tracks[0];
    this.player.pause();
    if (track) this.seek((frameAt(track, this.player.time) + by + 0.25) / track.fps);
    else this.seek(this.player.time + by / 30);
  }

  setOrder(order: Order): void {
    part<HTMLSelectElement>("order").value = order;
    this.timeline.order = order;
    this.timeline.arrange();
  }

  /** The largest values of this moment, in words. */
  sayValues(): void {
    const said = (this.clip?.tracks ?? []).map((track) => {
      const frame = frameAt(track, this.player.time);
      const all = NAMES.map((name, k) => [name, track.curves[k][frame]] as const).sort((a, b) => b[1] - a[1]);
      return `${track.label}: ${all.slice(0, 5).map(([name, value]) => `${name} ${value.toFixed(2)}`).join(", ")}`;
    });
    say(`${clock(this.player.time)}. ${said.join(". ")}`);
  }
}
