/** Buttons and keys: whatever can be clicked can be typed. */
import { type Order } from "./lanes";
import { part, tried } from "./parts";
import { type Stage } from "./stage";

const ZOOM = 1.6;
export type Keys = Record<string, (event: KeyboardEvent) => void>;

/** The keys by name; who has more adds them. */
export function controls(stage: Stage): Keys {
  const { player, timeline, face } = stage;
  const speed = part<HTMLSelectElement>("speed");
  const speeds = Array.from(speed.options, (option) => Number(option.value));
  const help = part<HTMLDialogElement>("help");
  const toggle = (): void => void tried(() => (player.playing ? player.pause() : player.play()));
  const setLoop = (on: boolean): void => {
    player.loop = on;
    part("loop").setAttribute("aria-pressed", String(on));
    timeline.redraw();
  };
  const setSpeed = (value: number): void => {
    player.rate = value;
    speed.value = String(value);
  };
  const faster = (by: number): void => setSpeed(speeds[Math.max(0, Math.min(speeds.length - 1, speeds.indexOf(player.rate) + by))]);
  const whole = (): void => timeline.view(0, player.duration);
  const keys: Keys = {
    " ": toggle,
    k: toggle,
    ArrowLeft: (event) => (event.shiftKey ? stage.seek(player.time - 1) : stage.toFrame(-1)),
    ArrowRight: (event) => (event.shiftKey ? stage.seek(player.time + 1) : stage.toFrame(1)),
    Home: () => stage.seek(0),
    End: () => stage.seek(player.duration),
    l: () => setLoop(!player.loop),
    "[": () => faster(-1),
    "]": () => faster(1),
    "+": () => timeline.zoom(ZOOM),
    "=": () => timeline.zoom(ZOOM),
    "-": () => timeline.zoom(1 / ZOOM),
    "0": whole,
    "/": () => part("search").focus(),
    n: () => stage.moveMoment(1),
    p: () => stage.moveMoment(-1),
    v: () => stage.sayValues(),
    t: () => switchTheme(stage),
    "?": () => help.showModal(),
  };
  const clicks: Record<string, () => void> = {
    play: toggle,
    back: () => stage.toFrame(-1),
    forward: () => stage.toFrame(1),
    loop: () => setLoop(!player.loop),
    "zoom-in": () => timeline.zoom(ZOOM),
    "zoom-out": () => timeline.zoom(1 / ZOOM),
    "zoom-all": whole,
    "help-button": () => help.showModal(),
    theme: () => switchTheme(stage),
    over: () => overlay(stage),
    straight: () => face.straight(),
  };
  for (const [id, act] of Object.entries(clicks)) part(id).addEventListener("click", act);
  speed.addEventListener("change", () => setSpeed(Number(speed.value)));
  const order = part<HTMLSelectElement>("order");
  order.addEventListener("change", () => stage.setOrder(order.value as Order));
  timeline.onSeek = (seconds) => stage.seek(seconds);
  timeline.onLoop = (span) => {
    player.span = span;
    setLoop(true);
  };
  player.onChange = () => {
    part("play").classList.toggle("playing", player.playing);
    part("play").setAttribute("aria-label", player.playing ? "Pause" : "Play");
    face.stale = true;
  };
  document.addEventListener("keydown", (event) => pressed(event, stage, keys));
  matchMedia(DARK).addEventListener("change", () => timeline.redraw());
  return keys;
}

const TURNS: Record<string, [number, number]> = {
  ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, 0.15], ArrowDown: [0, -0.15],
};

/** Fields and buttons keep the keys that are theirs, and the face the arrows, which turn it. */
function pressed(event: KeyboardEvent, stage: Stage, keys: Keys): void {
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || part<HTMLDialogElement>("help").open) return;
  if (target.matches("input, select, textarea")) {
    if (event.key === "Escape") target.blur();
    return;
  }
  if ((event.key === " " || event.key === "Enter") && target.matches("button, summary, a, label")) return;
  const turn = target === part("face") ? TURNS[event.key] : undefined;
  const act = turn ? () => stage.face.turn(...turn) : (keys[event.key] ?? keys[event.key.toLowerCase()]);
  if (!act) return;
  event.preventDefault();
  act(event);
}

function overlay({ face }: Stage): void {
  face.overlaid = !face.overlaid;
  face.stale = true;
  part("over").setAttribute("aria-pressed", String(face.overlaid));
  part("captions").classList.toggle("over", face.overlaid);
}

const DARK = "(prefers-color-scheme: dark)";

function switchTheme({ timeline }: Stage): void {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia(DARK).matches;
  root.dataset.theme = dark ? "light" : "dark";
  timeline.redraw();
}
