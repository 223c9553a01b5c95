/** What is dropped on the page or chosen in its dialog: a sound, curves, a face that may bring its own animation. */
import { kindOf, readCurves } from "./files";
import { part, say, tried } from "./parts";
import { type Stage } from "./stage";

/** What takes files; given to the page's own tests too. */
export function dropping(stage: Stage): (files: File[]) => Promise<void> {
  const take = (files: File[]): Promise<void> => taken(stage, files);
  const chosen = part<HTMLInputElement>("files");
  chosen.addEventListener("change", () => {
    const files = [...(chosen.files ?? [])];
    chosen.value = "";
    void tried(() => take(files));
  });
  part("open").addEventListener("click", () => chosen.click());
  let over = 0;
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      over = kind === "dragenter" ? over + 1 : kind === "dragleave" ? over - 1 : kind === "drop" ? 0 : over;
      document.body.classList.toggle("dropping", over > 0);
      if (kind === "drop") void tried(() => take([...((event as DragEvent).dataTransfer?.files ?? [])]));
    });
  }
  return take;
}

/** Curves go with the sound that is here, unless one comes with them; those in files of their own before a face's. */
async function taken(stage: Stage, files: File[]): Promise<void> {
  const all = files.map((file) => ({ kind: kindOf(file), file }));
  const of = (kind: string): File[] => all.filter((one) => one.kind === kind).map(({ file }) => file);
  if (of("model").length) throw new Error("a model is named on the command line: koekao view THING --model model.onnx");
  const [glb] = of("face");
  const moving = glb ? await faced(stage, glb) : null;
  const curves = of("curves").slice(0, 2);
  const read = await Promise.all(curves.map(async (file) => readCurves(file.name, await file.text())));
  const tracks = read.length || !moving ? read : [moving];
  const sound = of("sound")[0] ?? null;
  if (!sound && !tracks.length) return;
  const named = sound ?? curves[0] ?? glb;
  await stage.showTracks(named.name.replace(/\.\w+$/, ""), sound ?? stage.clip?.sound ?? null, tracks.length ? tracks : (stage.clip?.tracks ?? []));
}

async function faced(stage: Stage, glb: File) {
  const { found, animation } = await stage.face.load(await glb.arrayBuffer(), false);
  const plays = animation ? `; its own animation of ${(animation.frames / animation.fps).toFixed(1)} s` : "";
  say(`${glb.name}: ${found} of the 52 curves move this face${plays}`);
  return animation && { ...animation, label: glb.name };
}
