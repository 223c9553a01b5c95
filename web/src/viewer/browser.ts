/** The takes of a corpus as a list: only the rows in sight exist, so ten thousand takes are as quick as ten. */
import { type TakeDetail, type TakeRow } from "./data";
import { part } from "./parts";

const ROW = 52;
const BLOCK = 100;

export class Browser {
  onOpen: (place: number) => void = () => undefined;
  private readonly box = part("take-list");
  private readonly tall = document.createElement("div");
  private readonly filter = part<HTMLInputElement>("take-search");
  private readonly sorting = part<HTMLSelectElement>("take-sort");
  private readonly split = part<HTMLSelectElement>("take-split");
  private shown: number[] = [];
  private details: (TakeDetail | undefined)[];
  private readonly asked = new Set<number>();
  private chosen = -1;
  private readonly rows = new Map<number, HTMLElement>();

  constructor(private readonly takes: TakeRow[], details: TakeDetail[] | null) {
    this.details = details ?? new Array(takes.length);
    this.tall.setAttribute("role", "presentation");
    this.box.append(this.tall);
    this.box.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.box);
    this.filter.addEventListener("input", () => this.arrange());
    this.sorting.addEventListener("change", () => this.arrange());
    this.split.addEventListener("change", () => this.arrange());
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("click", (event) => {
      const row = (event.target as Element).closest<HTMLElement>("[data-place]");
      if (row) this.open(Number(row.dataset.place));
    });
    const splits = [...new Set(takes.map((take) => take.split).filter(Boolean))];
    for (const name of splits) this.split.append(new Option(name, name));
    this.split.hidden = splits.length < 2;
    this.arrange();
    if (!details) void this.walk();
  }

  open(place: number): void {
    this.chosen = place;
    this.onOpen(place);
    this.reveal(place);
    this.draw(true);
  }

  /** The take before (-1) or after (1) in the order shown. */
  beside(step: number): void {
    const next = this.shown[this.shown.indexOf(this.chosen) + step];
    if (next !== undefined) this.open(next);
  }

  private reveal(place: number): void {
    const y = this.shown.indexOf(place) * ROW;
    if (y < this.box.scrollTop) this.box.scrollTop = y;
    else if (y + ROW > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = y + ROW - this.box.clientHeight;
  }

  private arrange(): void {
    const wanted = this.filter.value.trim().toLowerCase();
    const split = this.split.value;
    const flagged = this.sorting.value === "flagged";
    this.shown = [];
    this.takes.forEach((take, i) => {
      if (split && take.split !== split) return;
      if (wanted && !take.name.toLowerCase().includes(wanted) && !take.speaker.toLowerCase().includes(wanted) &&
        !this.details[i]?.flags.some(([, what]) => what.toLowerCase().includes(wanted))) return;
      if (flagged && !this.details[i]?.flags.length) return;
      this.shown.push(i);
    });
    const flags = (i: number): number => {
      const weights: Record<string, number> = { problem: 100, look: 1 };
      return (this.details[i]?.flags ?? []).reduce((sum, [level]) => sum + (weights[level] ?? 0), 0);
    };
    if (this.sorting.value === "longest") this.shown.sort((a, b) => this.takes[b].seconds - this.takes[a].seconds);
    if (this.sorting.value === "shortest") this.shown.sort((a, b) => this.takes[a].seconds - this.takes[b].seconds);
    if (this.sorting.value === "worst" || flagged) this.shown.sort((a, b) => flags(b) - flags(a));
    this.tall.style.height = `${this.shown.length * ROW}px`;
    part("take-count").textContent = this.shown.length === this.takes.length
      ? `${this.takes.length.toLocaleString("en")} takes` : `${this.shown.length.toLocaleString("en")} of ${this.takes.length.toLocaleString("en")}`;
    this.draw(true);
  }

  private draw(anew = false): void {
    if (anew) {
      this.rows.forEach((row) => row.remove());
      this.rows.clear();
    }
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW) - 4);
    const last = Math.min(this.shown.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / ROW) + 4);
    for (const [at, row] of this.rows) {
      if (at < first || at >= last) {
        row.remove();
        this.rows.delete(at);
      }
    }
    for (let at = first; at < last; at++) {
      if (!this.rows.has(at)) {
        const row = this.row(this.shown[at], at);
        this.rows.set(at, row);
        this.tall.append(row);
      }
      if (!this.details[this.shown[at]]) void this.ask(Math.floor(this.shown[at] / BLOCK));
    }
    const active = this.shown.indexOf(this.chosen);
    if (active >= first && active < last) this.box.setAttribute("aria-activedescendant", `take-${this.chosen}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  private row(place: number, at: number): HTMLElement {
    const take = this.takes[place];
    const detail = this.details[place];
    const row = document.createElement("div");
    row.id = `take-${place}`;
    row.dataset.place = String(place);
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(place === this.chosen));
    row.setAttribute("aria-setsize", String(this.shown.length));
    row.setAttribute("aria-posinset", String(at + 1));
    row.style.transform = `translateY(${at * ROW}px)`;
    const name = document.createElement("span");
    name.className = "take-name";
    name.textContent = take.name;
    const about = document.createElement("span");
    about.className = "take-about";
    const whole = Math.round(take.seconds);
    about.textContent = [`${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`, take.split, take.speaker].filter(Boolean).join(" · ");
    row.append(name, about, spark(detail?.spark ?? ""));
    const told = (detail?.flags ?? []).filter(([level]) => level !== "note");
    if (told.length) {
      const flag = document.createElement("span");
      flag.className = `flag ${told[0][0]}`;
      flag.textContent = String(told.length);
      flag.title = told.map(([level, what]) => `${level}: ${what}`).join("\n");
      flag.setAttribute("aria-label", `${told.length} findings`);
      flag.setAttribute("role", "img");
      row.append(flag);
    }
    return row;
  }

  flagsOf(place: number): [string, string][] {
    return this.details[place]?.flags ?? [];
  }

  async ask(block: number): Promise<void> {
    if (this.asked.has(block)) return;
    this.asked.add(block);
    const answer = await fetch(`details/${block * BLOCK}/${BLOCK}`);
    if (!answer.ok) return;
    ((await answer.json()) as TakeDetail[]).forEach((detail, i) => (this.details[block * BLOCK + i] = detail));
    if (this.sorting.value === "worst" || this.sorting.value === "flagged") this.arrange();
    else this.draw(true);
  }

  /** All that is not yet known, block by block, so that flags can be sorted by. */
  private async walk(): Promise<void> {
    for (let block = 0; block * BLOCK < this.takes.length; block++) {
      await this.ask(block);
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  private key(event: KeyboardEvent): void {
    const at = this.shown.indexOf(this.chosen);
    const page = Math.max(1, Math.floor(this.box.clientHeight / ROW) - 1);
    const steps: Record<string, number> = {
      ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: this.shown.length - 1,
    };
    const to = steps[event.key];
    if (to === undefined || !this.shown.length) return;
    event.preventDefault();
    event.stopPropagation();
    this.open(this.shown[Math.max(0, Math.min(this.shown.length - 1, to))]);
  }
}

const SVG = "http://www.w3.org/2000/svg";

function spark(digits: string): SVGElement {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 100 24");
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.setAttribute("aria-hidden", "true");
  if (digits.length > 1) {
    const line = document.createElementNS(SVG, "path");
    const points = Array.from(digits, (digit, i) => `${((100 * i) / (digits.length - 1)).toFixed(1)} ${(23 - 2.4 * Number(digit)).toFixed(1)}`);
    line.setAttribute("d", `M0 24L${points.join("L")}L100 24Z`);
    drawing.append(line);
  }
  return drawing;
}
