/** The page: a model and a sound are chosen or dropped, and the curves follow the sound as bars. */
import { Animator } from "./animator";
import { decode, microphone } from "./sound";

const part = <Kind extends HTMLElement>(id: string): Kind => document.getElementById(id) as Kind;
const said = part<HTMLOutputElement>("said");
const player = part<HTMLAudioElement>("player");
const micButton = part<HTMLButtonElement>("microphone");

let animator: Animator | undefined;
let sound: File | undefined;
let curves = new Float32Array(0);
let stopListening: (() => void) | undefined;

function say(text: string, wrong = false): void {
  said.textContent = text;
  said.className = wrong ? "wrong" : "";
}

/** Run what a person asked for; an error is said on the page. */
async function tried(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), true);
  }
}

async function takeModel(file: File): Promise<void> {
  say(`reading ${file.name}`);
  await animator?.release();
  animator = undefined;
  micButton.disabled = true;
  animator = await Animator.load(new Uint8Array(await file.arrayBuffer()));
  micButton.disabled = false;
  const { clock, curves: names, lookAheadFrames, model } = animator.header;
  part("curves").replaceChildren(
    ...names.map((name) => {
      const row = document.createElement("li");
      row.append(name, Object.assign(document.createElement("meter"), { max: 1 }));
      return row;
    }),
  );
  say(`${file.name}: ${model}, ${clock.fps} fps, ${clock.sampleRate} Hz, look-ahead ${lookAheadFrames} frames`);
  if (sound) await animate(animator, sound);
}

async function takeSound(file: File): Promise<void> {
  sound = file;
  if (animator) await animate(animator, file);
  else say("now choose a model");
}

async function animate(by: Animator, file: File): Promise<void> {
  stopListening?.();
  say(`animating ${file.name}`);
  const samples = await decode(await file.arrayBuffer(), by.header.clock.sampleRate);
  const began = performance.now();
  await by.reset();
  const parts = [await by.push(samples), await by.finish()];
  curves = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  parts.reduce((at, part) => (curves.set(part, at), at + part.length), 0);
  const took = (performance.now() - began) / 1000;
  URL.revokeObjectURL(player.src);
  player.src = URL.createObjectURL(file);
  player.hidden = false;
  show(0);
  const nFrames = curves.length / by.nCurves;
  say(`${file.name}: ${nFrames} frames in ${took.toFixed(2)} s`);
  document.dispatchEvent(new CustomEvent("koekao-curves", { detail: { curves, nFrames, took } }));
}

async function listen(by: Animator): Promise<void> {
  if (stopListening) return stopListening();
  await by.reset();
  player.hidden = true;
  const stop = await microphone(by.header.clock.sampleRate, (samples) => {
    void tried(async () => {
      const made = await by.push(samples);
      if (made.length) draw(made.subarray(made.length - by.nCurves));
    });
  });
  micButton.textContent = "Stop";
  say("listening");
  stopListening = () => {
    stop();
    stopListening = undefined;
    micButton.textContent = "Microphone";
    say("");
  };
}

function show(frame: number): void {
  if (!animator) return;
  const last = curves.length / animator.nCurves - 1;
  const at = Math.max(0, Math.min(frame, last)) * animator.nCurves;
  draw(curves.subarray(at, at + animator.nCurves));
}

function draw(values: Float32Array): void {
  const bars = document.querySelectorAll<HTMLMeterElement>("#curves meter");
  values.forEach((value, i) => {
    const bar = bars[i];
    if (bar) bar.value = value;
  });
}

function follow(): void {
  if (animator && !player.paused) show(animator.header.clock.frameAt(player.currentTime * animator.header.clock.sampleRate));
  requestAnimationFrame(follow);
}

function take(files: Iterable<File>): void {
  void tried(async () => {
    for (const file of files) await (file.name.endsWith(".onnx") ? takeModel(file) : takeSound(file));
  });
}

for (const id of ["model", "sound"]) {
  part<HTMLInputElement>(id).addEventListener("change", ({ target }) => take((target as HTMLInputElement).files ?? []));
}
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  take(event.dataTransfer?.files ?? []);
});
micButton.addEventListener("click", () => void tried(async () => animator && listen(animator)));
player.addEventListener("seeked", () => {
  if (animator) show(animator.header.clock.frameAt(player.currentTime * animator.header.clock.sampleRate));
});
follow();
