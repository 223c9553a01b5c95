// A face with morph targets out of a .glb, drawn with WebGL: the few parts of glTF that koekao's head has.
// Another face wants three.js and its GLTFLoader; the weights by name go to its mesh.morphTargetInfluences.

const KINDS = { 5121: Uint8Array, 5123: Uint16Array, 5125: Uint32Array, 5126: Float32Array };
const SIZES = { SCALAR: 1, VEC3: 3, VEC4: 4 };
const VERTEX = `attribute vec3 position, normal, colour;
uniform mat4 view; varying vec3 shade;
void main() {
  vec3 n = normalize(normal);
  float light = 0.35 + 0.65 * max(0.0, dot(n, normalize(vec3(0.4, 0.6, 1.0)))) + 0.15 * max(0.0, dot(n, vec3(-0.9, 0.1, 0.3)));
  shade = pow(colour * light, vec3(1.0 / 2.2));
  gl_Position = view * vec4(position, 1.0);
}`;
const FRAGMENT = `precision mediump float; varying vec3 shade; void main() { gl_FragColor = vec4(shade, 1.0); }`;

export class Face {
  constructor(canvas, glb) {
    this.canvas = canvas;
    this.gl = canvas.getContext("webgl", { antialias: true, preserveDrawingBuffer: true });
    if (!this.gl) throw new Error("this browser has no WebGL");
    const length = new DataView(glb).getUint32(12, true); // header 12, then JSON: length, "JSON", text; then the bytes
    this.document = JSON.parse(new TextDecoder().decode(new Uint8Array(glb, 20, length)));
    this.bytes = glb.slice(20 + length + 8);
    this.program = this.#program();
    this.parts = [];
    for (const node of this.document.scenes[this.document.scene].nodes) this.#place(node, [0, 0, 0]);
    this.weights = {};
  }

  // Draw with weights by name, `{ jawOpen: 0.4, ... }`; a name that is missing is 0.
  draw(weights) {
    const { gl, canvas } = this;
    this.weights = weights;
    canvas.width = canvas.clientWidth * devicePixelRatio;
    canvas.height = canvas.clientHeight * devicePixelRatio;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0.137, 0.149, 0.169, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    const zoom = 5.2, middle = -0.035, away = 1.1, near = 0.3, far = 3; // metres; the eyes are at 0
    const wide = (zoom * canvas.height) / canvas.width, a = -(far + near) / (far - near), b = (-2 * far * near) / (far - near);
    const view = [wide, 0, 0, 0, 0, zoom, 0, 0, 0, 0, a, -1, 0, -zoom * middle, b - a * away, away];
    gl.uniformMatrix4fv(gl.getUniformLocation(this.program, "view"), false, new Float32Array(view));
    for (const part of this.parts) {
      for (const name of ["position", "normal"]) this.#send(part, name, bent(part[name], part.targets, name, weights));
      this.#send(part, "colour", part.colour);
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, part.buffers.indices);
      gl.drawElements(gl.TRIANGLES, part.indices.length, gl.UNSIGNED_SHORT, 0);
    }
  }

  #place(number, above) {
    const node = this.document.nodes[number];
    const at = above.map((x, i) => x + (node.translation?.[i] ?? 0));
    if (node.mesh !== undefined) {
      const mesh = this.document.meshes[node.mesh];
      for (const each of mesh.primitives) this.parts.push(this.#part(each, at, mesh.extras?.targetNames ?? []));
    }
    for (const child of node.children ?? []) this.#place(child, at);
  }

  #part(primitive, at, names) {
    const { gl } = this, { POSITION, NORMAL, COLOR_0 } = primitive.attributes;
    const position = this.#read(POSITION).map((x, i) => x + at[i % 3]);
    const base = this.document.materials[primitive.material].pbrMetallicRoughness.baseColorFactor;
    const tint = this.#read(COLOR_0), width = (tint.length * 3) / position.length;
    const colour = position.map((_, i) => base[i % 3] * tint[Math.floor(i / 3) * width + (i % 3)]);
    const targets = (primitive.targets ?? []).map((target, i) => ({
      name: names[i],
      position: this.#sparse(target.POSITION),
      normal: this.#sparse(target.NORMAL),
    }));
    const indices = this.#read(primitive.indices);
    const buffers = Object.fromEntries(["position", "normal", "colour", "indices"].map((n) => [n, gl.createBuffer()]));
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffers.indices);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, indices, gl.STATIC_DRAW);
    return { position, normal: this.#read(NORMAL), colour, targets, indices, buffers };
  }

  #read(number) {
    const accessor = this.document.accessors[number];
    return this.#view(accessor.bufferView, accessor.componentType, accessor.count * SIZES[accessor.type], accessor.byteOffset);
  }

  // What moves in a target: which vertices, and by how much. koekao's targets are sparse, or empty.
  #sparse(number) {
    const sparse = this.document.accessors[number]?.sparse;
    if (!sparse) return { vertices: [], values: [] };
    const { count, indices, values } = sparse;
    const vertices = this.#view(indices.bufferView, indices.componentType, count, indices.byteOffset);
    return { vertices, values: this.#view(values.bufferView, 5126, 3 * count, values.byteOffset) };
  }

  #view(number, kind, n, offset = 0) {
    const begin = (this.document.bufferViews[number].byteOffset ?? 0) + offset;
    return new KINDS[kind](this.bytes, begin, n);
  }

  #send(part, name, values) {
    const { gl } = this, where = gl.getAttribLocation(this.program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, part.buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(where);
    gl.vertexAttribPointer(where, 3, gl.FLOAT, false, 0, 0);
  }

  #program() {
    const { gl } = this, program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error("WebGL: " + gl.getProgramInfoLog(program));
    gl.useProgram(program);
    return program;
  }
}

// The rest shape and what each target adds to it.
function bent(rest, targets, what, weights) {
  const values = new Float32Array(rest);
  for (const target of targets) {
    const weight = weights[target.name] ?? 0, moved = target[what];
    if (!weight) continue;
    for (let i = 0; i < moved.vertices.length; i++)
      for (let k = 0; k < 3; k++) values[3 * moved.vertices[i] + k] += weight * moved.values[3 * i + k];
  }
  return values;
}
