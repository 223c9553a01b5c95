/** Mouse and finger on the timeline: seek, loop a part (shift), look at values, zoom and move the view. */
import { type View } from "./strokes";

export interface Pointed extends View {
  readonly gutter: number;
  onSeek(seconds: number): void;
  onLoop(span: [number, number]): void;
  hoverAt(seconds: number | null): void;
  zoom(factor: number, at: number): void;
  view(from: number, to: number): void;
}

export function pointing(timeline: Pointed, root: HTMLElement, list: HTMLElement, slider: HTMLElement): void {
  const at = (event: PointerEvent): number => {
    const left = root.getBoundingClientRect().left + timeline.gutter;
    const share = Math.max(0, Math.min(1, (event.clientX - left) / timeline.width));
    return timeline.from + share * (timeline.to - timeline.from);
  };
  const inside = (event: PointerEvent): boolean =>
    event.clientX >= root.getBoundingClientRect().left + timeline.gutter - 4 && !(event.target as Element).closest("button");
  let held: { loop: number | null } | null = null;
  root.addEventListener("pointerdown", (event) => {
    if (!inside(event) || event.button !== 0 || (event.pointerType === "touch" && list.contains(event.target as Node))) return;
    held = { loop: event.shiftKey ? at(event) : null };
    if (!event.shiftKey) timeline.onSeek(at(event));
    slider.focus({ preventScroll: true });
    root.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  root.addEventListener("pointermove", (event) => {
    const here = inside(event) ? at(event) : null;
    timeline.hoverAt(event.pointerType === "mouse" && !held ? here : null);
    if (held && held.loop === null) timeline.onSeek(at(event));
    else if (held && held.loop !== null) {
      const [first, last] = [Math.min(held.loop, at(event)), Math.max(held.loop, at(event))];
      if (last - first > 0.1) timeline.onLoop([first, last]);
    }
  });
  root.addEventListener("click", (event) => {
    const tap = event as PointerEvent; // a finger that moves scrolls the lanes, one that does not seeks
    if (tap.pointerType === "touch" && inside(tap)) timeline.onSeek(at(tap));
  });
  for (const end of ["pointerup", "pointercancel"]) root.addEventListener(end, () => (held = null));
  root.addEventListener("pointerleave", () => timeline.hoverAt(null));
  root.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      timeline.zoom(Math.exp(-event.deltaY / 250), at(event as unknown as PointerEvent));
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      const by = (event.deltaX / timeline.width) * (timeline.to - timeline.from);
      timeline.view(timeline.from + by, timeline.to + by);
    }
  }, { passive: false });
}
