// From the form to a session: checks, sends, and puts what the service refuses beside what it is about.

import { send } from "./api.js";
import * as choices from "./choices.js";
import { blame, find, say, tell } from "./dom.js";
import * as songs from "./songs.js";
import { bytes } from "./words.js";

const SESSION = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const SIGNS = "abcdefghjkmnpqrstuvwxyz23456789";  // none that are taken for each other

let started = () => {};
let stop = null;

/** `began` is called with the status document of a session that stands. */
export const wire = began => {
  started = began;
  find("start").addEventListener("submit", event => {
    event.preventDefault();
    if (!stop) start();
  });
  find("stop").addEventListener("click", () => stop?.abort());
  find("another").addEventListener("click", () => {
    find("session").value = fresh();
    blame(find("session-error"), "", find("session"));
  });
  find("session").value = fresh();
};

const start = async () => {
  quiet();
  const session = find("session").value.trim();
  if (!songs.takeTyped()) {
    find("address").focus();
  } else if (!songs.count()) {
    songs.refuse("There is no song yet; choose one, or drop it here.");
    find("files").focus();
  } else if (!choices.check()) {
    return;
  } else if (!SESSION.test(session)) {
    blame(find("session-error"), "An ID has 1 to 64 letters, digits, _ or -, and begins with a letter or a digit.",
      find("session"));
    find("session").focus();
  } else if (await deliver(session, form())) {
    songs.clear();
    find("session").value = fresh();
  }
};

const form = () => {
  const made = new FormData();
  songs.files().forEach(file => made.append("songs", file, file.name));
  songs.addresses().forEach(address => made.append("song_url", address));
  made.append("style", choices.style());
  made.append("settings", JSON.stringify(choices.values()));
  made.append("priority", choices.priority());
  return made;
};

const deliver = async (session, made) => {
  stop = new AbortController();
  busy(true);
  try {
    const path = `api/phase3/start/${encodeURIComponent(session)}`;
    const status = await send(path, made, key(), { moved, again: () => tell(find("sent-words"), "Sending again …"), stop: stop.signal });
    say(`Session ${session} has begun.`);
    started(status);
    return true;
  } catch (error) {
    place(error);
    return false;
  } finally {
    stop = null;
    busy(false);
  }
};

const moved = (done, total) => {
  find("sent").value = total ? 100 * done / total : 0;
  tell(find("sent-words"), done < total ? `${bytes(done)} of ${bytes(total)}` : "Checking the songs …");
};

const busy = yes => {
  find("go").disabled = yes;
  find("go").textContent = yes ? "Sending …" : "Start";
  find("stop").hidden = find("sending").hidden = !yes;
  if (yes) moved(0, 1);
};

// -- what is wrong ---------------------------------------------------------------------------------------------------

const quiet = () => {
  for (const place of find("start").querySelectorAll(".error")) tell(place, "");
  for (const input of find("start").querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
};

/** Says it beside what it is about, and brings that into view: on a phone the button lies far below. */
const place = ({ message, field }) => {
  const setting = choices.placeOf(field.replace(/^settings\./, ""));
  if (setting) find("more").open = true;
  const about = setting?.input ?? { songs: find("files"), session_id: find("session") }[field];
  const name = { session_id: "session" }[field] ?? field.split(".")[0];
  const error = setting?.error ?? find(`${name}-error`) ?? find("start-error");
  blame(error, message, about);
  about?.focus({ preventScroll: true });
  error.scrollIntoView({ block: "center" });
};

// -- names -----------------------------------------------------------------------------------------------------------

const random = count => [...crypto.getRandomValues(new Uint8Array(count))];

const fresh = () => {
  const day = new Date();
  const two = number => String(number).padStart(2, "0");
  const date = `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
  return `${date}-${random(5).map(byte => SIGNS[byte % SIGNS.length]).join("")}`;
};

/** Of our own making, since `crypto.randomUUID` is missing where a page has no certificate. */
const key = () => random(16).map(byte => byte.toString(16).padStart(2, "0")).join("");
