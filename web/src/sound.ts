/** Sound as the model wants it: one channel at its rate. The browser resamples. */

/** A sound file (whatever the browser can decode) to samples in [-1, 1]; its channels are mixed. */
export async function decode(file: ArrayBuffer, sampleRate: number): Promise<Float32Array> {
  const heard = await new OfflineAudioContext(1, 1, sampleRate).decodeAudioData(file);
  const mixed = heard.getChannelData(0).slice();
  for (let channel = 1; channel < heard.numberOfChannels; channel++) {
    heard.getChannelData(channel).forEach((value, i) => (mixed[i]! += value));
  }
  return mixed.map((value) => value / heard.numberOfChannels);
}

const TAP = `registerProcessor("tap", class extends AudioWorkletProcessor {
  process([input]) {
    if (input[0]) this.port.postMessage(input[0].slice());
    return true;
  }
});`;

/**
 * Hand the microphone's sound over in small chunks until the returned function is called.
 *
 * @throws where there is no microphone, or it is not allowed.
 */
export async function microphone(sampleRate: number, hear: (samples: Float32Array) => void): Promise<() => void> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  const context = new AudioContext({ sampleRate });
  const script = URL.createObjectURL(new Blob([TAP], { type: "text/javascript" }));
  await context.audioWorklet.addModule(script);
  URL.revokeObjectURL(script);
  const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0 });
  tap.port.onmessage = ({ data }) => hear(data);
  context.createMediaStreamSource(stream).connect(tap);
  return () => {
    stream.getTracks().forEach((track) => track.stop());
    void context.close();
  };
}
