// The songs that somebody chose: files and addresses, refused here where the service would refuse them anyway.

import { blame, el, find } from "./dom.js";
import { bytes, many } from "./words.js";

let limits = { songs: 1, upload_mb: 100, song_minutes: 15 };
let chosen = [];  // {name, file} or {name, address}

export const files = () => chosen.filter(song => song.file).map(song => song.file);
export const addresses = () => chosen.filter(song => song.address).map(song => song.address);
export const count = () => chosen.length;

export const clear = () => {
  chosen = [];
  show();
};

export const refuse = sentence => blame(find("songs-error"), sentence, find("files"));

export const setUp = options => {
  limits = options.limits;
  find("limits").textContent =
    `Up to ${many(limits.songs, "song")}, each up to ${bytes(limits.upload_mb * 1e6)} and ` +
    `${many(limits.song_minutes, "minute")}.`;
  find("address-row").hidden = !options.web_songs;
};

export const wire = () => {
  const drop = find("drop");
  find("files").addEventListener("change", event => {
    take([...event.target.files]);
    event.target.value = "";  // so that the same file can be chosen again
  });
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, event => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  drop.addEventListener("dragleave", event => {
    if (!drop.contains(event.relatedTarget)) drop.classList.remove("over");
  });
  drop.addEventListener("drop", event => {
    event.preventDefault();
    drop.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
  for (const kind of ["dragover", "drop"]) {  // a song beside the zone must not take the place of the page
    addEventListener(kind, event => event.preventDefault());
  }
  find("add-address").addEventListener("click", addAddress);
  find("address").addEventListener("keydown", event => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    addAddress();
  });
};

/** Adds what is still in the row for addresses, as people expect who forget to press Add; false where it is none. */
export const takeTyped = () => !find("address").value.trim() || addAddress();

const take = found => {
  const refused = [];
  for (const file of found) {
    const known = chosen.some(song => song.file && song.name === file.name && song.file.size === file.size);
    if (known) continue;
    if (!file.size) refused.push(`${file.name}: is empty; choose another file.`);
    else if (file.size > limits.upload_mb * 1e6) {
      refused.push(`${file.name}: has ${bytes(file.size)}, at most ${bytes(limits.upload_mb * 1e6)} are taken; ` +
        "send a shorter or a compressed one.");
    } else if (chosen.length >= limits.songs) {
      refused.push(`${file.name}: is one too many, a session has at most ${many(limits.songs, "song")}; ` +
        "start another session for the rest.");
      break;
    } else chosen.push({ name: file.name, file });
  }
  refuse(refused.join(" "));
  show();
};

const addAddress = () => {
  const input = find("address");
  const text = input.value.trim();
  const error = wrong(text);
  blame(find("address-error"), error, input);
  if (error) return false;
  chosen.push({ name: text, address: text });
  input.value = "";
  refuse("");
  show();
  return true;
};

const wrong = text => {
  if (!/^[a-z][a-z0-9]*:\/\/\S+$/i.test(text)) return "Write a whole address of a song, such as https://example.org/song.mp3.";
  if (chosen.some(song => song.address === text)) return "This address is in the list already.";
  if (chosen.length >= limits.songs) return `A session has at most ${many(limits.songs, "song")}; start another session.`;
  return "";
};

const show = () => find("songs").replaceChildren(...chosen.map(row));

const row = (song, place) =>
  el("li", {},
    el("span", { class: "name" }, song.name),
    el("span", { class: "size" }, song.file ? bytes(song.file.size) : "address"),
    el("button", {
      type: "button", class: "plain", "aria-label": `Leave out ${song.name}`,
      on: { click: () => leaveOut(song, place) },
    }, "Remove"));

const leaveOut = (song, place) => {
  chosen = chosen.filter(other => other !== song);
  refuse("");
  show();
  const buttons = find("songs").querySelectorAll("button");  // the focus stays where the hand is
  (buttons[Math.min(place, buttons.length - 1)] ?? find("files")).focus();
};
