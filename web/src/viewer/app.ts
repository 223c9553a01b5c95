/** The page put together: a clip on the stage and on the timeline, the controls, the keyboard, what is dropped. */
import { Browser } from "./browser";
import { compared, type Comparison } from "./compare";
import { clock, type Clip, frameAt, inflated, NAMES, type PageData, type RawClip, readClip, type Track } from "./data";
import { Face } from "./face";
import { kindOf, readCurves } from "./files";
import { Player } from "./player";
import { Recorder } from "./record";
import { samplesOf } from "./sound";
import { type Order, Timeline } from "./timeline";

const part = <Kind extends HTMLElement>(id: string): Kind => document.getElementById(id) as Kind;
const data = JSON.parse(part("data").textContent!) as PageData;
const player = new Player(part<HTMLAudioElement>("sound"));
const timeline = new Timeline(player);
const face = new Face(part<HTMLCanvasElement>("face"));
const playButton = part<HTMLButtonElement>("play");
const loopButton = part<HTMLButtonElement>("loop");
const speed = part<HTMLSelectElement>("speed");
const now = part("now");
const SPEEDS = Array.from(speed.options, (option) => Number(option.value));

let clip: Clip | null = null;
let comparison: Comparison | null = null;
let browser: Browser | null = null;
let moment = -1;
/** What the last picture showed, for measuring: picture's time, sound's time, frame. */
const drawn = { pictures: 0, at: 0, seconds: 0, frame: -1 };

function say(text: string, wrong = false): void {
  const said = part("said");
  said.textContent = text;
  said.classList.toggle("wrong", wrong);
  said.hidden = !text;
  clearTimeout(say.timer);
  if (text && !wrong) say.timer = window.setTimeout(() => say(""), 5000);
}
say.timer = 0;

async function tried(work: () => Promise<void> | void): Promise<void> {
  try {
    await work();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), true);
  }
}

/* ---- showing ---- */

function show(next: Clip, keep = false): void {
  const at = keep ? player.time : 0;
  const newSound = clip?.sound !== next.sound;
  clip = next;
  comparison = next.tracks.length > 1 ? compared(next.tracks[0], next.tracks[1]) : null;
  moment = -1;
  if (newSound || !keep) player.load(next.sound, next.seconds);
  player.duration = next.seconds;
  player.seek(at);
  part("title").textContent = next.name || data.title;
  document.title = `${next.name || data.title} · koekao`;
  const rates = next.tracks.map((track) => `${Number(track.fps.toFixed(2))} fps`);
  part("about").textContent = [clock(next.seconds), ...new Set(rates), next.sound ? "" : "no sound"].filter(Boolean).join("  ·  ");
  part("notes").replaceChildren(...next.notes.map((note) => Object.assign(document.createElement("li"), { textContent: note })));
  part("notes-box").hidden = !next.notes.length;
  captions();
  moments();
  part<HTMLOptionElement>("by-error").disabled = comparison === null;
  if (!comparison && timeline.order === "error") setOrder("region");
  document.body.classList.toggle("comparing", comparison !== null);
  timeline.show(next, comparison);
  face.stale = true;
  if (next.sound && newSound) {
    const sound = next.sound;
    void tried(async () => {
      const samples = await samplesOf(sound);
      if (clip?.sound === sound) timeline.hear(samples);
    });
  } else if (next.sound && clip.sound) void samplesOf(next.sound).then((samples) => timeline.hear(samples));
}

function captions(): void {
  const several = (clip?.tracks.length ?? 0) > 1;
  part("over").hidden = !several;
  part("captions").replaceChildren(...(several ? clip!.tracks : []).map((track, i) => {
    const caption = document.createElement("span");
    caption.className = i ? "second" : "first";
    caption.textContent = track.label;
    return caption;
  }));
  part("face").setAttribute("aria-label", several
    ? `Two faces: ${clip!.tracks.map((track) => track.label).join(" and ")}` : "The face as the curves move it");
}

function moments(): void {
  part("moments-box").hidden = !comparison?.moments.length;
  part("moments").replaceChildren(...(comparison?.moments ?? []).map((one, i) => {
    const row = document.createElement("li");
    const button = document.createElement("button");
    const parts = [["time", clock(one.seconds)], ["worst", one.curves.map(([name, by]) => `${name} ${by > 0 ? "+" : "−"}${Math.abs(by).toFixed(2)}`).join(", ")], ["amount", one.error.toFixed(3)]];
    for (const [kind, text] of parts) button.append(Object.assign(document.createElement("span"), { className: kind, textContent: text }));
    button.addEventListener("click", () => goToMoment(i));
    row.append(button);
    return row;
  }));
}

function goToMoment(i: number): void {
  const all = comparison?.moments ?? [];
  if (!all.length) return;
  moment = (i + all.length) % all.length;
  seek(all[moment].seconds);
  part("moments").querySelectorAll("button").forEach((button, k) => button.toggleAttribute("aria-current", k === moment));
}

/* ---- playing ---- */

function seek(seconds: number): void {
  player.seek(seconds);
  if (seconds < timeline.from || seconds > timeline.to) timeline.view(seconds - (timeline.to - timeline.from) / 4, seconds + (timeline.to - timeline.from) * 0.75);
  face.stale = true;
}

const toggle = (): Promise<void> => tried(() => (player.playing ? player.pause() : player.play()));

function setLoop(on: boolean): void {
  player.loop = on;
  loopButton.setAttribute("aria-pressed", String(on));
  timeline.redraw();
}

function setSpeed(value: number): void {
  player.rate = value;
  speed.value = String(value);
}

function setOrder(order: Order): void {
  timeline.order = order;
  part<HTMLSelectElement>("order").value = order;
  timeline.arrange();
}

player.onChange = () => {
  playButton.classList.toggle("playing", player.playing);
  playButton.setAttribute("aria-label", player.playing ? "Pause" : "Play");
  face.stale = true;
};

let lastTime = -1;
let lastPicture = 0;
function picture(at: number): void {
  requestAnimationFrame(picture);
  face.pace(player.playing, at - lastPicture);
  lastPicture = at;
  player.tick();
  const seconds = player.time;
  if (seconds !== lastTime || face.stale) {
    const tracks = clip?.tracks ?? [];
    const frame = tracks.length ? frameAt(tracks[0], seconds) : -1;
    if (frame !== drawn.frame || face.stale || tracks.length > 1) face.draw(tracks, seconds);
    drawn.pictures++;
    drawn.at = performance.now();
    drawn.seconds = seconds;
    drawn.frame = frame;
  }
  if (seconds !== lastTime) {
    lastTime = seconds;
    now.textContent = clock(seconds);
    timeline.tick(seconds);
  }
}

/* ---- controls ---- */

const frameLength = (): number => 1 / (clip?.tracks[0]?.fps ?? 30);
/** To a frame's beginning, a little inside it. */
const toFrame = (by: number): void => {
  const track = clip?.tracks[0];
  player.pause();
  if (track) seek((frameAt(track, player.time) + by + 0.25) / track.fps);
  else seek(player.time + by * frameLength());
};

const KEYS: Record<string, (event: KeyboardEvent) => void> = {
  " ": () => void toggle(),
  k: () => void toggle(),
  ArrowLeft: (event) => (event.shiftKey ? seek(player.time - 1) : toFrame(-1)),
  ArrowRight: (event) => (event.shiftKey ? seek(player.time + 1) : toFrame(1)),
  Home: () => seek(0),
  End: () => seek(player.duration),
  l: () => setLoop(!player.loop),
  "[": () => setSpeed(SPEEDS[Math.max(0, SPEEDS.indexOf(player.rate) - 1)]),
  "]": () => setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, SPEEDS.indexOf(player.rate) + 1)]),
  "+": () => timeline.zoom(1.6),
  "=": () => timeline.zoom(1.6),
  "-": () => timeline.zoom(1 / 1.6),
  "0": () => timeline.view(0, player.duration),
  "/": () => part("search").focus(),
  n: () => goToMoment(moment + 1),
  p: () => goToMoment(moment < 0 ? -1 : moment - 1),
  v: () => sayValues(),
  t: () => switchTheme(),
  "?": () => part<HTMLDialogElement>("help").showModal(),
};

function sayValues(): void {
  const said = (clip?.tracks ?? []).map((track) => {
    const frame = frameAt(track, player.time);
    const most = NAMES.map((name, k) => [name, track.curves[k][frame]] as const).sort((a, b) => b[1] - a[1]).slice(0, 5);
    return `${track.label}: ${most.map(([name, value]) => `${name} ${value.toFixed(2)}`).join(", ")}`;
  });
  say(`${clock(player.time)}. ${said.join(". ")}`);
}

document.addEventListener("keydown", (event) => {
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || part<HTMLDialogElement>("help").open) return;
  if (target.matches("input, select, textarea")) {
    if (event.key === "Escape") target.blur();
    return;
  }
  if ((event.key === " " || event.key === "Enter") && target.matches("button, summary, a, label")) return;
  if (event.target === part("face") && event.key.startsWith("Arrow")) {
    event.preventDefault();
    const [yaw, pitch] = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, 0.15], ArrowDown: [0, -0.15] }[event.key]!;
    return face.turn(yaw, pitch);
  }
  const act = KEYS[event.key] ?? KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act(event);
});

playButton.addEventListener("click", () => void toggle());
part("back").addEventListener("click", () => toFrame(-1));
part("forward").addEventListener("click", () => toFrame(1));
loopButton.addEventListener("click", () => setLoop(!player.loop));
speed.addEventListener("change", () => setSpeed(Number(speed.value)));
part("zoom-in").addEventListener("click", () => timeline.zoom(1.6));
part("zoom-out").addEventListener("click", () => timeline.zoom(1 / 1.6));
part("zoom-all").addEventListener("click", () => timeline.view(0, player.duration));
part("order").addEventListener("change", (event) => setOrder((event.target as HTMLSelectElement).value as Order));
part("help-button").addEventListener("click", () => part<HTMLDialogElement>("help").showModal());
part("theme").addEventListener("click", () => switchTheme());
part("over").addEventListener("click", () => {
  face.overlaid = !face.overlaid;
  face.stale = true;
  part("over").setAttribute("aria-pressed", String(face.overlaid));
  part("captions").classList.toggle("over", face.overlaid);
});
part("straight").addEventListener("click", () => face.straight());
timeline.onSeek = seek;
timeline.onLoop = (span) => {
  player.span = span;
  setLoop(true);
};

function switchTheme(): void {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  timeline.redraw();
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => timeline.redraw());

/* ---- files ---- */

async function take(files: File[]): Promise<void> {
  const kinds = files.map((file) => ({ kind: kindOf(file), file }));
  const glb = kinds.find(({ kind }) => kind === "face");
  if (glb) {
    const found = await face.load(await glb.file.arrayBuffer(), false);
    say(`${glb.file.name}: ${found} of the 52 curves move this face`);
  }
  if (kinds.some(({ kind }) => kind === "model")) throw new Error("a model is named on the command line: koekao view THING --model model.onnx");
  const sound = kinds.find(({ kind }) => kind === "sound")?.file ?? null;
  const curves = kinds.filter(({ kind }) => kind === "curves").slice(0, 2);
  if (!sound && !curves.length) return;
  const tracks = await Promise.all(curves.map(async ({ file }) => readCurves(file.name, await file.text())));
  const heard = sound ?? (curves.length ? (clip?.sound ?? null) : null);
  const shown = tracks.length ? tracks : (clip?.tracks ?? []);
  await showFiles((sound ?? curves[0].file).name.replace(/\.\w+$/, ""), heard, shown);
}

async function showFiles(name: string, sound: Blob | null, tracks: Track[]): Promise<void> {
  const seconds = sound ? (await samplesOf(sound)).length / 16000 : Math.max(...tracks.map((track) => track.frames / track.fps));
  show({ name, seconds, sound, tracks, notes: [] });
}

part<HTMLInputElement>("files").addEventListener("change", (event) => {
  const input = event.target as HTMLInputElement;
  const files = [...(input.files ?? [])];
  input.value = "";
  void tried(() => take(files));
});
part("open").addEventListener("click", () => part("files").click());
let over = 0;
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    over = kind === "dragenter" ? over + 1 : kind === "dragleave" ? over - 1 : kind === "drop" ? 0 : over;
    document.body.classList.toggle("dropping", over > 0);
    if (kind === "drop") void tried(() => take([...((event as DragEvent).dataTransfer?.files ?? [])]));
  });
}

/* ---- microphone ---- */

if (data.model && data.library) {
  const recorder = new Recorder(data.library, data.model);
  const button = part<HTMLButtonElement>("record");
  const words = button.querySelector("span")!;
  button.hidden = false;
  button.addEventListener("click", () => void tried(async () => {
    if (recorder.recording) return recorder.stop();
    player.pause();
    button.classList.add("on");
    try {
      const sound = await recorder.record((left) => (words.textContent = `Stop (${Math.ceil(left)} s)`));
      words.textContent = "Animating";
      await showFiles("Microphone", sound, [await recorder.animate(sound, "model")]);
      await player.play();
    } finally {
      button.classList.remove("on");
      words.textContent = "Record 10 s";
    }
  }));
}

/* ---- takes ---- */

function openTakes(): void {
  if (!data.takes) return;
  part("takes").hidden = false;
  document.body.classList.add("browsing");
  browser = new Browser(data.takes, data.details);
  let wanted = -1;
  browser.onOpen = (place) => void tried(async () => {
    wanted = place;
    const raw = data.clips?.[place] ?? (await fetched(place));
    const read = await readClip(raw);
    if (wanted === place) show({ ...read, notes: [...browser!.flagsOf(place).map(([level, what]) => `${level}: ${what}`), ...read.notes] });
  });
  browser.open(0);
  KEYS["j"] = () => browser!.beside(1);
  KEYS["h"] = () => browser!.beside(-1);
}

async function fetched(place: number): Promise<RawClip> {
  const answer = await fetch(`take/${place}`);
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said as RawClip;
}

/* ---- beginning ---- */

const canvas = part<HTMLCanvasElement>("face");
new ResizeObserver(() => {
  face.resize(canvas.clientWidth, canvas.clientHeight, devicePixelRatio);
}).observe(canvas.parentElement!);
part("title").textContent = data.title;
requestAnimationFrame(picture);
void tried(async () => {
  if (data.clip) show(await readClip(data.clip));
  else openTakes();
  // After the first paint: a driver that draws in software takes a while to begin.
  requestAnimationFrame(() => requestAnimationFrame(() => void tried(async () => {
    if (face.begin()) await face.load(await inflated(data.head), true);
    else part("no-face").hidden = false;
    document.body.dataset.ready = "yes";
  })));
});

/** For tests and for the console. */
Object.assign(window, { koekao: { player, timeline, face, drawn, take, get clip() { return clip; }, get comparison() { return comparison; } } });
