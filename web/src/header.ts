/**
 * What an exported model says of itself: one JSON text among the metadata of the .onnx file (koekao.runtime.header).
 *
 * onnxruntime-web does not hand metadata out, so the file is looked through here: an .onnx file is a protocol buffer, a
 * row of fields `key, value`, and metadata is its field 14, each entry a name (1) and a text (2). All else is skipped.
 */
import { Clock } from "./clock";

export type Values = Float32Array | Float64Array | BigInt64Array | Uint8Array;
export type Dtype = "float32" | "float64" | "int64" | "bool";

export interface StateEntry {
  readonly name: string;
  readonly dtype: Dtype;
  /** Of one row: the graph's is [B, ...shape]. */
  readonly shape: readonly number[];
  readonly values: Values;
}

export interface Header {
  readonly model: string;
  readonly config: unknown;
  readonly koekao: string;
  readonly curves: readonly string[];
  readonly clock: Clock;
  readonly lookAheadFrames: number;
  readonly firstSamples: number;
  readonly weightsSha256: string;
  /** One stream before its first frame. */
  readonly state: readonly StateEntry[];
}

const VERSION = 1;
const KINDS = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, bool: Uint8Array } as const;

/** The header of a model file. Throws an Error that says what is wrong with the file. */
export function readHeader(file: Uint8Array): Header {
  const text = metadata(file).get("koekao");
  if (text === undefined) throw new Error("no model of koekao: make one with koekao export RUN -o model.onnx");
  const said = JSON.parse(text);
  if (said?.format !== "koekao-onnx") throw new Error("its koekao header names no format");
  if (said.version > VERSION) throw new Error(`format version ${said.version}; this page reads up to ${VERSION}`);
  return {
    model: said.model,
    config: said.config,
    koekao: said.koekao,
    curves: said.curves,
    clock: new Clock(said.sample_rate, said.fps),
    lookAheadFrames: said.look_ahead_frames,
    firstSamples: said.first_samples,
    weightsSha256: said.weights_sha256,
    state: said.state.map(entry),
  };
}

function entry(said: { name: string; dtype: Dtype; shape: number[]; base64?: string }): StateEntry {
  const kind = KINDS[said.dtype];
  const n = said.shape.reduce((product, size) => product * size, 1);
  const values = said.base64 === undefined ? new kind(n) : new kind(bytes(said.base64).buffer);
  if (values.length !== n) throw new Error(`state ${said.name} has ${values.length} values, not ${n}`);
  return { name: said.name, dtype: said.dtype, shape: said.shape, values };
}

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

const METADATA = 14;

function metadata(file: Uint8Array): Map<string, string> {
  const found = new Map<string, string>();
  for (const [field, value] of fields(file)) {
    if (field !== METADATA) continue;
    const parts = new Map(fields(value));
    const text = new TextDecoder();
    found.set(text.decode(parts.get(1)), text.decode(parts.get(2)));
  }
  return found;
}

/** The fields of a message that hold bytes, by number. */
function* fields(message: Uint8Array): Generator<[number, Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      if (byte === undefined || scale > 2 ** 63) throw new Error("no .onnx file, or a damaged one");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const wire = key % 8;
    if (wire === 0) varint();
    else if (wire === 1 || wire === 5) at += wire === 1 ? 8 : 4;
    else if (wire === 2) {
      const length = varint();
      if (at + length > message.length) throw new Error("no .onnx file, or a damaged one");
      yield [(key - wire) / 8, message.subarray(at, at + length)];
      at += length;
    } else throw new Error("no .onnx file, or a damaged one");
  }
}
