/** One picture after another: the face, the playhead and the clock are brought to the sound's time, if that moved. */
import { clock, frameAt } from "./data";
import { part } from "./parts";
import { type Stage } from "./stage";

/** What the last picture showed, for measuring: picture's time, sound's time, frame. */
export interface Drawn {
  pictures: number;
  at: number;
  seconds: number;
  frame: number;
}

export function pictures(stage: Stage): Drawn {
  const { player, timeline, face } = stage;
  const drawn = { pictures: 0, at: 0, seconds: 0, frame: -1 };
  const now = part("now");
  let lastTime = -1;
  let lastPicture = 0;
  const picture = (at: number): void => {
    requestAnimationFrame(picture);
    face.pace(player.playing, at - lastPicture);
    lastPicture = at;
    player.tick();
    const seconds = player.time;
    if (seconds !== lastTime || face.stale) {
      const tracks = stage.clip?.tracks ?? [];
      const frame = tracks.length ? frameAt(tracks[0], seconds) : -1;
      if (frame !== drawn.frame || face.stale || tracks.length > 1) face.draw(tracks, seconds);
      Object.assign(drawn, { pictures: drawn.pictures + 1, at: performance.now(), seconds, frame });
    }
    if (seconds !== lastTime) {
      lastTime = seconds;
      now.textContent = clock(seconds);
      timeline.tick(seconds);
    }
  };
  requestAnimationFrame(picture);
  return drawn;
}
