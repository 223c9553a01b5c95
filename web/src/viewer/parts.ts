/** The parts of the page by their ids, and the line in which it says something. */
export const part = <Kind extends HTMLElement>(id: string): Kind => document.getElementById(id) as Kind;

const SAID_MS = 5000;
let silence = 0;

/** What is wrong stays until something else is said. */
export function say(text: string, wrong = false): void {
  const said = part("said");
  said.textContent = text;
  said.classList.toggle("wrong", wrong);
  said.hidden = !text;
  clearTimeout(silence);
  if (text && !wrong) silence = window.setTimeout(() => say(""), SAID_MS);
}

/** Do something; what goes wrong is said. */
export async function tried(work: () => Promise<void> | void): Promise<void> {
  try {
    await work();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), true);
  }
}
