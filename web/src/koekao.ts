/** koekao in the browser: `const animator = await Animator.load(bytes); await animator.push(samples)`. */
export { Animator, type LoadOptions } from "./animator";
export { Clock } from "./clock";
export { readHeader, type Header, type StateEntry } from "./header";
export { decode, microphone } from "./sound";
