/**
 * Morph targets moved here and not by the graphics card: of 52 targets a few move few places each, while a card (or what
 * draws in its stead in software) walks all of them for every vertex of every picture. Only what is not 0 is kept.
 */
import { type BufferAttribute, type Mesh, type MeshStandardMaterial, MeshPhongMaterial } from "three";

interface Sparse {
  at: Uint32Array;
  by: Float32Array;
}

export class Morph {
  private readonly rest: Float32Array[];
  private readonly targets: Sparse[][];
  private readonly attributes: BufferAttribute[];
  private last = "";

  /** @param pairs place of a target, place of its curve. */
  constructor(mesh: Mesh, private readonly pairs: [number, number][]) {
    const { geometry } = mesh;
    const names = (["position", "normal"] as const).filter((name) => geometry.attributes[name] && geometry.morphAttributes[name]);
    this.attributes = names.map((name) => geometry.attributes[name] as BufferAttribute);
    this.rest = this.attributes.map((attribute) => dense(attribute));
    this.targets = names.map((name, a) =>
      pairs.map(([target]) => sparse(geometry.morphAttributes[name]![target] as BufferAttribute, geometry.morphTargetsRelative ? null : this.rest[a])),
    );
    this.attributes.forEach((attribute, i) => geometry.setAttribute(names[i], own(attribute, this.rest[i])));
    this.attributes = names.map((name) => geometry.attributes[name] as BufferAttribute);
    geometry.morphAttributes = {};
    delete mesh.morphTargetInfluences;
    delete mesh.morphTargetDictionary;
  }

  /** Put every vertex where these weights (by curve) have it. */
  set(weight: (curve: number) => number): void {
    const weights = this.pairs.map(([, curve]) => weight(curve));
    const told = weights.join();
    if (told === this.last) return;
    this.last = told;
    this.attributes.forEach((attribute, a) => {
      const values = attribute.array as Float32Array;
      values.set(this.rest[a]);
      weights.forEach((w, k) => {
        if (!w) return;
        const { at, by } = this.targets[a][k];
        for (let i = 0; i < at.length; i++) values[at[i]] += w * by[i];
      });
      attribute.needsUpdate = true;
    });
  }
}

function dense(attribute: BufferAttribute): Float32Array {
  const values = new Float32Array(3 * attribute.count);
  for (let i = 0; i < attribute.count; i++) {
    values[3 * i] = attribute.getX(i);
    values[3 * i + 1] = attribute.getY(i);
    values[3 * i + 2] = attribute.getZ(i);
  }
  return values;
}

function sparse(attribute: BufferAttribute, rest: Float32Array | null): Sparse {
  const values = dense(attribute);
  if (rest) for (let i = 0; i < values.length; i++) values[i] -= rest[i];
  const at = Uint32Array.from(values.keys()).filter((i) => Math.abs(values[i]) > 1e-6);
  return { at, by: Float32Array.from(at, (i) => values[i]) };
}

function own(attribute: BufferAttribute, rest: Float32Array): BufferAttribute {
  const made = new (attribute.constructor as new (array: Float32Array, size: number) => BufferAttribute)(rest.slice(), 3);
  made.usage = 35048; // dynamic
  return made;
}

/** The gloss of a rough material in the older way, which costs a fraction of the physical one where software draws. */
export function plain(material: MeshStandardMaterial): MeshPhongMaterial {
  const rough = Math.max(0.08, material.roughness);
  const made = new MeshPhongMaterial({ color: material.color, vertexColors: material.vertexColors, side: material.side });
  made.shininess = Math.min(900, 2 / rough ** 4);
  made.specular.setScalar(0.02 + 0.12 * Math.max(0, 0.6 - rough));
  made.name = material.name;
  return made;
}
