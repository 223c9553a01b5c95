// Sound to koekao's server, frames back, each drawn when its moment of the sound has come.
import { Face } from "./face.js";

const TAP = `registerProcessor("tap", class extends AudioWorkletProcessor {
  process([[block]], [[out]]) {
    if (block) { this.port.postMessage(block.slice()); out.set(block); }
    return true;
  }
});`;
const at = (id) => document.getElementById(id);
const say = (text) => (at("said").textContent = text);
const face = new Face(at("face"), await (await fetch("head.glb")).arrayBuffer());
const server = await (await fetch("server")).text();
let hearing = null; // what Stop ends

// Begin to send: `heard(audio)` gives the node whose sound the face shall say.
async function hear(heard, { audible }) {
  stop();
  const audio = new AudioContext({ sampleRate: 16000 }); // the browser resamples
  await audio.audioWorklet.addModule(URL.createObjectURL(new Blob([TAP], { type: "text/javascript" })));
  const source = await heard(audio);
  const socket = new WebSocket(server);
  await new Promise((opened, failed) => ((socket.onopen = opened), (socket.onerror = () => failed(new Error("no server")))));
  socket.send(JSON.stringify({ koekao: 1, sample_rate: audio.sampleRate, format: "f32" }));

  const frames = []; // [seconds of the sound, weights by name], in order
  let beganAt = null; // on the audio's clock
  const tap = new AudioWorkletNode(audio, "tap");
  tap.port.onmessage = ({ data }) => {
    beganAt ??= audio.currentTime - data.length / audio.sampleRate;
    if (socket.readyState === WebSocket.OPEN) socket.send(data);
  };
  socket.onmessage = ({ data }) => {
    const told = JSON.parse(data);
    if (told.blendshapes) frames.push([told.time, told.blendshapes]);
    if (told.error) say(`${told.error.where}: ${told.error.what}`);
  };
  // A frame is known some 0.14 s after its moment, so a sample's sound waits a little longer and lies on the face again.
  const delay = audio.createDelay(1);
  delay.delayTime.value = 0.3;
  const loudness = new GainNode(audio, { gain: audible ? 1 : 0 }); // what leads nowhere is not computed, so 0 it is
  source.connect(tap).connect(delay).connect(loudness).connect(audio.destination);
  source.start?.();

  const draw = () => {
    if (hearing?.socket !== socket) return;
    const now = beganAt === null ? -1 : audio.currentTime - beganAt - (audible ? delay.delayTime.value : 0);
    let due = null;
    while (frames.length && frames[0][0] <= now) due = frames.shift()[1];
    if (due) {
      face.draw(due);
      document.body.dataset.frames = Number(document.body.dataset.frames ?? 0) + 1; // for who watches from outside
    }
    requestAnimationFrame(draw);
  };
  hearing = { socket, audio };
  at("stop").disabled = false;
  requestAnimationFrame(draw);
}

function stop() {
  hearing?.socket.close();
  hearing?.audio.close();
  hearing = null;
  at("stop").disabled = true;
  say("press a button");
}

async function sample(audio) {
  const buffer = await audio.decodeAudioData(await (await fetch("speech.wav")).arrayBuffer());
  say("nobody speaks");
  return new AudioBufferSourceNode(audio, { buffer, loop: true });
}

async function microphone(audio) {
  const sound = await navigator.mediaDevices.getUserMedia({ audio: true });
  say("speak");
  return audio.createMediaStreamSource(sound);
}

const begin = (heard, how) => () => hear(heard, how).catch((error) => say(error.message));
at("sample").onclick = begin(sample, { audible: true });
at("microphone").onclick = begin(microphone, { audible: false });
at("stop").onclick = stop;
for (const id of ["sample", "microphone"]) at(id).disabled = false;
say("press a button");
face.draw({});
window.avatar = face;
document.body.dataset.ready = "yes";
