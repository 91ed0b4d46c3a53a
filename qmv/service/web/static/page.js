// The page: reads what the service offers, then lets each part do its own.

import { ask, link } from "./api.js";
import * as choices from "./choices.js";
import { blame, find, say, tell } from "./dom.js";
import * as sessions from "./sessions.js";
import * as songs from "./songs.js";
import * as start from "./start.js";

const AGAIN_MS = 2000;

const begin = async () => {
  try {
    const options = await ask("api/options");
    if (options.needs_token) {
      signedIn(false);
      return;
    }
    songs.setUp(options);
    choices.setUp(options);
    signedIn(true);
    await sessions.refresh();
  } catch (error) {
    if (error.status === 401) return;
    if (error.status) tell(find("start-error"), error.message);
    setTimeout(begin, AGAIN_MS);
  }
};

/** That a token was given here, so that it can be taken back: the cookie that stands for it is not for scripts. */
const remember = word => {
  try {
    localStorage.setItem("qmv-signed-in", word);
  } catch {
    return;  // a browser that keeps nothing
  }
  find("logout").hidden = word !== "yes";
};

const remembered = () => {
  try {
    return localStorage.getItem("qmv-signed-in") === "yes";
  } catch {
    return false;
  }
};

const signedIn = yes => {
  const was = !find("login").hidden;
  find("login").hidden = yes;
  find("new").hidden = find("sessions").hidden = !yes;
  find("logout").hidden = !yes || !remembered();
  if (!yes && !was) find("token").focus();
};

const login = async event => {
  event.preventDefault();
  try {
    await ask("api/login", { method: "POST", json: { token: find("token").value } });
    find("token").value = "";
    remember("yes");
    blame(find("token-error"), "", find("token"));
    await begin();
    find("files").focus();
  } catch (error) {
    blame(find("token-error"), error.message, find("token"));
    find("token").focus();
  }
};

const logout = async () => {
  await ask("api/logout", { method: "POST" });
  remember("no");
  location.reload();  // nothing of what was seen stays
};

link.addEventListener("lost", () => { find("lost").hidden = false; });
link.addEventListener("back", () => {
  if (!find("lost").hidden) say("The connection is back.");
  find("lost").hidden = true;
});
link.addEventListener("login", () => {
  sessions.stopAll();
  signedIn(false);
});
find("login-form").addEventListener("submit", login);
find("logout").addEventListener("click", logout);
songs.wire();
choices.wire();
start.wire(sessions.added);
sessions.wire();
begin();
