// Elements, made without a word of HTML: whatever text goes in, it stays text.

export const find = id => document.getElementById(id);

/** An element with properties (`class`, `for`, `aria-*`, `data-*` as attributes) and children. */
export const el = (tag, properties = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, heard] of Object.entries(value)) made.addEventListener(event, heard);
    else if (name.includes("-") || name === "class" || name === "for" || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter(child => child !== undefined && child !== null));
  return made;
};

/** Only what differs is written, so that nothing that is read aloud or selected is disturbed. */
export const tell = (place, text) => {
  if (place.textContent !== text) place.textContent = text;
  place.hidden = !text;
};

/** The sentence beside what it is about; '' takes it away. */
export const blame = (place, sentence, about) => {
  tell(place, sentence);
  if (!about) return;
  if (sentence) about.setAttribute("aria-invalid", "true");
  else about.removeAttribute("aria-invalid");
};

const EVERY_MS = 5000;
const unsaid = new Map();
let said = 0;

/** Reads a text aloud, politely and at most every few seconds; of several about the same thing the last one counts. */
export const say = (text, about = "") => {
  if (!unsaid.size) setTimeout(speak, Math.max(100, said + EVERY_MS - Date.now()));
  unsaid.set(about, text);
};

const speak = () => {
  said = Date.now();
  find("said").textContent = [...unsaid.values()].join(" ");
  unsaid.clear();
};
