/** The sound as a picture: waveform and spectrogram of what is in view, made when the view changes. */
export const RATE_HZ = 16000;

/** Samples at 16 kHz, which a picture and speech need. */
export async function samplesOf(sound: Blob): Promise<Float32Array> {
  const context = new OfflineAudioContext(1, 1, RATE_HZ);
  const decoded = await context.decodeAudioData(await sound.arrayBuffer());
  return decoded.getChannelData(0);
}

export function drawWave(
  canvas: HTMLCanvasElement, samples: Float32Array | null, from: number, to: number, colour: string, peak: number,
): void {
  const context = canvas.getContext("2d")!;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  if (!samples) return;
  const middle = height / 2;
  const scale = (0.95 * middle) / peak;
  context.fillStyle = colour;
  const perColumn = ((to - from) * RATE_HZ) / width;
  const step = Math.max(1, Math.floor(perColumn / 300)); // a long sound is looked at, not read
  for (let x = 0; x < width; x++) {
    const first = Math.floor(from * RATE_HZ + x * perColumn);
    const last = Math.max(first + 1, Math.floor(from * RATE_HZ + (x + 1) * perColumn));
    if (first >= samples.length) break;
    let low = 0;
    let high = 0;
    for (let i = first; i < last && i < samples.length; i += step) {
      const value = samples[i];
      if (value < low) low = value;
      else if (value > high) high = value;
    }
    const top = middle - high * scale;
    context.fillRect(x, top, 1, Math.max(1, middle - low * scale - top));
  }
}

const N_FFT = 512;
const WINDOW = Float32Array.from({ length: N_FFT }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / N_FFT));
const COS = Float32Array.from({ length: N_FFT / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / N_FFT));
const SIN = Float32Array.from({ length: N_FFT / 2 }, (_, i) => Math.sin((2 * Math.PI * i) / N_FFT));
const TURNED = Uint16Array.from({ length: N_FFT }, (_, i) => {
  let turned = 0;
  for (let bit = 1; bit < N_FFT; bit *= 2) turned = turned * 2 + ((i & bit) > 0 ? 1 : 0);
  return turned;
});

function fft(re: Float32Array, im: Float32Array): void {
  for (let size = 2; size <= N_FFT; size *= 2) {
    const half = size / 2;
    const stride = N_FFT / size;
    for (let start = 0; start < N_FFT; start += size) {
      for (let k = 0; k < half; k++) {
        const c = COS[k * stride];
        const s = SIN[k * stride];
        const i = start + k;
        const j = i + half;
        const x = re[j] * c + im[j] * s;
        const y = im[j] * c - re[j] * s;
        re[j] = re[i] - x;
        im[j] = im[i] - y;
        re[i] += x;
        im[i] += y;
      }
    }
  }
}

const MEL = (hz: number): number => 2595 * Math.log10(1 + hz / 700);
const HZ = (mel: number): number => 700 * (10 ** (mel / 2595) - 1);

/** @param ink colour of the loudest, as red, green, blue. */
export function drawSpectrum(
  canvas: HTMLCanvasElement, samples: Float32Array | null, from: number, to: number, ink: number[],
): void {
  const context = canvas.getContext("2d")!;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  if (!samples || !width || !height) return;
  const columns = Math.min(width, 900);
  const image = context.createImageData(columns, height);
  const rows = Array.from({ length: height }, (_, y) => {
    const hz = HZ(MEL(60) + (MEL(7600) - MEL(60)) * (1 - (y + 0.5) / height));
    return (hz / RATE_HZ) * N_FFT;
  });
  const re = new Float32Array(N_FFT);
  const im = new Float32Array(N_FFT);
  const power = new Float32Array(N_FFT / 2 + 1);
  for (let x = 0; x < columns; x++) {
    const centre = Math.round((from + ((x + 0.5) / columns) * (to - from)) * RATE_HZ);
    if (centre > samples.length) break;
    for (let i = 0; i < N_FFT; i++) {
      const at = centre - N_FFT / 2 + TURNED[i];
      re[i] = at >= 0 && at < samples.length ? samples[at] * WINDOW[TURNED[i]] : 0;
    }
    im.fill(0);
    fft(re, im);
    for (let k = 0; k <= N_FFT / 2; k++) power[k] = re[k] * re[k] + im[k] * im[k];
    for (let y = 0; y < height; y++) {
      const bin = Math.floor(rows[y]);
      const share = rows[y] - bin;
      const value = power[bin] * (1 - share) + power[bin + 1] * share;
      const strength = Math.max(0, Math.min(1, (10 * Math.log10(value + 1e-10) + 45) / 62));
      const at = 4 * (y * columns + x);
      image.data[at] = ink[0];
      image.data[at + 1] = ink[1];
      image.data[at + 2] = ink[2];
      image.data[at + 3] = 255 * strength ** 1.4;
    }
  }
  const small = new OffscreenCanvas(columns, height);
  small.getContext("2d")!.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(small, 0, 0, columns, height, 0, 0, width, height);
}
