/** The page put together: what it shows, what can be done, and what it begins with. */
import { Browser } from "./browser";
import { controls, type Keys } from "./controls";
import { inflated, type PageData, type RawClip, readClip } from "./data";
import { dropping } from "./dropping";
import { Face } from "./face";
import { part, tried } from "./parts";
import { pictures } from "./pictures";
import { Player } from "./player";
import { recording } from "./record";
import { Stage } from "./stage";
import { Timeline } from "./timeline";

const data = JSON.parse(part("data").textContent!) as PageData;
const canvas = part<HTMLCanvasElement>("face");
const player = new Player(part<HTMLAudioElement>("sound"));
const timeline = new Timeline(player);
const face = new Face(canvas);
const stage = new Stage(player, timeline, face, data.title);
const keys = controls(stage);
const take = dropping(stage);
if (data.model && data.library) recording(stage, data.library, data.model);

function openTakes(keys: Keys): void {
  if (!data.takes) return;
  part("takes").hidden = false;
  document.body.classList.add("browsing");
  const browser = new Browser(data.takes, data.details);
  let wanted = -1;
  browser.onOpen = (place) => void tried(async () => {
    wanted = place;
    const clip = await readClip(data.clips?.[place] ?? (await fetched(place)));
    const flags = browser.flagsOf(place).map(([level, what]) => `${level}: ${what}`);
    if (wanted === place) stage.show({ ...clip, notes: [...flags, ...clip.notes] });
  });
  browser.open(0);
  keys["j"] = () => browser.beside(1);
  keys["h"] = () => browser.beside(-1);
}

async function fetched(place: number): Promise<RawClip> {
  const answer = await fetch(`take/${place}`);
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said as RawClip;
}

new ResizeObserver(() => {
  face.resize(canvas.clientWidth, canvas.clientHeight, devicePixelRatio);
}).observe(canvas.parentElement!);
part("title").textContent = data.title;
const drawn = pictures(stage);
void tried(async () => {
  if (data.clip) stage.show(await readClip(data.clip));
  else openTakes(keys);
  // After the first paint: a driver that draws in software takes a while to begin.
  requestAnimationFrame(() => requestAnimationFrame(() => void tried(async () => {
    if (face.begin()) await face.load(await inflated(data.head), true);
    else part("no-face").hidden = false;
    document.body.dataset.ready = "yes";
  })));
});

/** For tests and for the console. */
Object.assign(window, { koekao: { player, timeline, face, drawn, take, get clip() { return stage.clip; }, get comparison() { return stage.comparison; } } });
