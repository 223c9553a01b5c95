/** The face: one model, drawn once a track from the same camera. What is drawn is drawn only when something changed. */
import {
  Box3, Color, DirectionalLight, Group, HemisphereLight, type Material, Mesh, type MeshStandardMaterial, NoToneMapping, PerspectiveCamera, Scene,
  SRGBColorSpace, Vector3, WebGLRenderer,
} from "three";
import { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";
import { animationOf, type Driven as Weights, weightsOf } from "./animation";
import { frameAt, placeOf, type Track } from "./data";
import { Morph, plain } from "./morph";

const FIELD_DEG = 18;
const DISTANCE_M = 1.1;
const SLOW_MS = 45;
const LEAST_QUALITY = 0.4;

interface Driven {
  mesh: Mesh;
  morph: Morph;
}

export class Face {
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(FIELD_DEG, 1, 0.05, 20);
  private renderer: WebGLRenderer | null = null;
  private model: Group | null = null;
  private driven: Driven[] = [];
  private head: { rotation: { set(x: number, y: number, z: number, order: "YXZ"): unknown } } | null = null;
  private yaw = 0;
  private pitch = 0;
  private zoom = 1;
  private centre = new Vector3(0, -0.015, 0);
  private reach = DISTANCE_M;
  private own = true;
  stale = true;

  constructor(readonly canvas: HTMLCanvasElement) {
    const sun = (x: number, y: number, z: number, colour: number, strength: number): void => {
      const light = new DirectionalLight(colour, strength);
      light.position.set(x, y, z);
      this.camera.add(light);
      this.camera.add(light.target);
    };
    this.scene.add(new HemisphereLight(0xdfe6f2, 0x5a4a44, 1.25));
    sun(-0.45, 0.62, 0.75, 0xfff0dd, 1.75);
    sun(0.85, 0.12, 0.55, 0xc9dcff, 0.55);
    sun(0.65, 0.45, -0.75, 0xdfe3ff, 0.9);
    this.scene.add(this.camera);
    this.turnable();
  }

  /** Get hold of what draws, after the first paint: a driver that draws in software takes a while. False: there is none. */
  begin(): boolean {
    try {
      this.renderer = new WebGLRenderer({ canvas: this.canvas, antialias: true, alpha: true });
    } catch {
      this.canvas.hidden = true;
      return false;
    }
    this.renderer.outputColorSpace = SRGBColorSpace;
    this.renderer.toneMapping = NoToneMapping;
    this.renderer.setClearColor(new Color(0), 0);
    this.renderer.autoClear = false;
    this.resize(this.canvas.clientWidth, this.canvas.clientHeight, devicePixelRatio);
    return true;
  }

  /** How many of the 52 curves move it, and its own animation; throws where the file has no target that is one of them. */
  async load(glb: ArrayBuffer, own: boolean): Promise<{ found: number; animation: Track | null }> {
    const read = await new GLTFLoader().parseAsync(glb, "");
    const driven: Driven[] = [];
    const found = new Set<number>();
    const weights: Weights = new Map();
    read.scene.traverse((node) => {
      const mesh = node as Mesh;
      if (!mesh.isMesh) return;
      mesh.frustumCulled = false; // what a face moves may leave the box of its rest
      const names = Object.entries(mesh.morphTargetDictionary ?? {});
      const pairs = names.map(([name, target]) => [target, placeOf(name)] as [number, number]);
      const kept = pairs.filter(([, curve]) => curve >= 0);
      for (const [, curve] of kept) found.add(curve);
      if (kept.length) driven.push({ mesh, morph: new Morph(mesh, kept) });
      weights.set(weightsOf(mesh), kept);
      if (own) mesh.material = plain(mesh.material as MeshStandardMaterial);
    });
    if (!found.size) throw new Error("none of its morph targets is named as one of the 52 ARKit curves");
    if (this.model) this.drop(this.model);
    this.model = read.scene;
    this.driven = driven;
    this.own = own;
    this.head = own ? (read.scene.getObjectByName("head") ?? null) : null;
    this.scene.add(read.scene);
    this.frame(driven);
    this.stale = true;
    return { found: found.size, animation: animationOf(read.animations, weights) };
  }

  private drop(model: Group): void {
    this.scene.remove(model);
    model.traverse((node) => {
      const mesh = node as Mesh;
      if (!mesh.isMesh) return;
      mesh.geometry.dispose();
      for (const material of ([] as Material[]).concat(mesh.material)) material.dispose();
    });
  }

  private frame(driven: Driven[]): void {
    this.centre.set(0, -0.015, 0);
    this.reach = DISTANCE_M;
    if (this.own) return;
    const box = new Box3();
    for (const { mesh } of driven) {
      mesh.geometry.computeBoundingBox();
      mesh.updateWorldMatrix(true, false);
      box.union(mesh.geometry.boundingBox!.clone().applyMatrix4(mesh.matrixWorld));
    }
    box.getCenter(this.centre);
    const size = box.getSize(new Vector3());
    this.reach = (Math.max(size.x, size.y) / 2 / Math.tan((FIELD_DEG * Math.PI) / 360)) * 1.25 + size.z / 2;
    this.camera.near = this.reach / 50;
    this.camera.far = this.reach * 20;
  }

  private ratio = 1;
  private quality = 1;
  private slow = 0;

  /** Told how long pictures take while playing: where they take too long they are drawn coarser until it is still. */
  pace(playing: boolean, took_ms: number): void {
    this.slow = playing && took_ms > SLOW_MS ? this.slow + 1 : 0;
    const wanted = !playing ? 1 : this.slow > 5 ? Math.max(LEAST_QUALITY, this.quality * 0.75) : this.quality;
    if (wanted === this.quality) return;
    this.slow = 0;
    this.quality = wanted;
    this.renderer?.setPixelRatio(this.ratio * wanted);
    this.stale = true;
  }

  resize(width: number, height: number, ratio: number): void {
    this.ratio = Math.min(ratio, 2);
    this.renderer?.setPixelRatio(this.ratio * this.quality);
    this.renderer?.setSize(width, height, false);
    this.stale = true;
  }

  /** Whether two tracks are drawn over each other, the second half seen through, and not side by side. */
  overlaid = false;

  private seeThrough(on: boolean): void {
    this.model?.traverse((node) => {
      const mesh = node as Mesh;
      if (!mesh.isMesh) return;
      for (const material of ([] as Material[]).concat(mesh.material)) {
        if (material.transparent === on) continue;
        material.transparent = on;
        material.opacity = on ? 0.5 : 1;
        material.needsUpdate = true;
      }
    });
  }

  /** Draw the tracks at a time. */
  draw(tracks: Track[], seconds: number): void {
    const size = this.renderer?.getSize(new Vector3() as never) as unknown as { x: number; y: number } | undefined;
    if (!this.renderer || !size || !this.model || !size.x) return;
    this.stale = false;
    this.renderer.setScissorTest(false);
    this.renderer.clear();
    this.renderer.setScissorTest(true);
    const shown = tracks.length ? tracks : [null];
    const over = this.overlaid && shown.length > 1;
    const width = over ? size.x : size.x / shown.length;
    shown.forEach((track, i) => {
      const left = over ? 0 : i * width;
      this.pose(track, seconds);
      this.look(width / size.y);
      this.renderer!.setViewport(left, 0, width, size.y);
      this.renderer!.setScissor(left, 0, width, size.y);
      if (over) this.seeThrough(i > 0);
      if (over && i) this.renderer!.clearDepth();
      this.renderer!.render(this.scene, this.camera);
    });
    if (over) this.seeThrough(false);
  }

  private pose(track: Track | null, seconds: number): void {
    const frame = track ? frameAt(track, seconds) : 0;
    for (const { morph } of this.driven) morph.set((curve) => (track?.frames ? track.curves[curve][frame] : 0));
    const at = track?.head?.subarray(3 * frame, 3 * frame + 3);
    // Eyes are turned by their curves alone; the rotations of eyes that files carry would turn them twice.
    this.head?.rotation.set(at?.[1] ?? 0, at?.[0] ?? 0, at?.[2] ?? 0, "YXZ");
  }

  private look(aspect: number): void {
    const away = (this.reach * Math.max(1, 0.68 / aspect)) / this.zoom;
    const flat = Math.cos(this.pitch) * away;
    this.camera.position.set(
      this.centre.x + Math.sin(this.yaw) * flat,
      this.centre.y + Math.sin(this.pitch) * away,
      this.centre.z + Math.cos(this.yaw) * flat,
    );
    this.camera.aspect = aspect;
    this.camera.lookAt(this.centre);
    this.camera.updateProjectionMatrix();
  }

  turn(yaw: number, pitch: number, zoom = 1): void {
    this.yaw = Math.max(-Math.PI, Math.min(Math.PI, this.yaw + yaw));
    this.pitch = Math.max(-1.2, Math.min(1.2, this.pitch + pitch));
    this.zoom = Math.max(0.5, Math.min(4, this.zoom * zoom));
    this.stale = true;
  }

  straight(): void {
    this.yaw = this.pitch = 0;
    this.zoom = 1;
    this.stale = true;
  }

  private turnable(): void {
    let held: [number, number] | null = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      held = [event.clientX, event.clientY];
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!held) return;
      this.turn((held[0] - event.clientX) / 160, (event.clientY - held[1]) / 160);
      held = [event.clientX, event.clientY];
    });
    for (const end of ["pointerup", "pointercancel"]) this.canvas.addEventListener(end, () => (held = null));
    this.canvas.addEventListener("dblclick", () => this.straight());
    this.canvas.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
        event.preventDefault();
        this.turn(0, 0, Math.exp(-event.deltaY / 300));
      },
      { passive: false },
    );
  }
}
