// Style and settings, built from what the service offers; nothing here knows a setting by its name.

import { blame, el, find, tell } from "./dom.js";
import { human } from "./words.js";

const PRIORITY = {
  name: "priority", type: "integer", default: 5, at_least: 0, at_most: 9, choices: [], unit: "",
  help: "the higher, the sooner it is made when many wait",
};

let styles = [];
let settings = [];

export const style = () => find("styles").querySelector("input:checked")?.value ?? "";
export const priority = () => find("set-priority").value || String(PRIORITY.default);

/** What differs from its default, as JSON wants it. */
export const values = () =>
  Object.fromEntries(settings.map(setting => [setting.name, value(setting)]).filter(([, given]) => given !== undefined));

export const setUp = options => {
  const before = style();
  styles = options.styles;
  const first = styles.some(one => one.name === before) ? before : options.style ?? styles[0]?.name;
  find("styles").replaceChildren(...styles.map(one => card(one, one.name === first)));
  describe();
  if (settings.length) return;  // what was typed stays when somebody signs in again
  settings = options.settings.filter(setting => setting.choices.length !== 1);  // where there is nothing to choose
  find("settings").replaceChildren(...[...settings, PRIORITY].map(field));
};

export const wire = () => {
  find("styles").addEventListener("change", describe);
  find("settings").addEventListener("input", () => {
    const count = Object.keys(values()).length + (Number(priority()) === PRIORITY.default ? 0 : 1);
    tell(find("changed"), count ? `${count} changed` : "");
  });
};

/** The place of the sentence about a setting, with its field; undefined for one that is not on the page. */
export const placeOf = name => {
  const input = find(`set-${name}`);
  return input && { input, error: find(`set-${name}-error`) };
};

/** True where the browser finds each value in its range; else the first one that is not has its sentence and the focus. */
export const check = () => {
  const wrong = [...settings, PRIORITY].filter(setting => {
    const { input, error } = placeOf(setting.name);
    blame(error, input.validity.valid ? "" : `Must be ${range(setting)}.`, input);
    return !input.validity.valid;
  });
  if (wrong.length) {
    find("more").open = true;
    placeOf(wrong[0].name).input.focus();
  }
  return !wrong.length;
};

// -- styles ----------------------------------------------------------------------------------------------------------

const card = (one, checked) =>
  el("label", { class: "style" },
    el("input", { type: "radio", name: "style", value: one.name, checked, class: "unseen", "aria-describedby": "style-words" }),
    el("img", { src: one.preview, alt: "", width: 320, height: 200, decoding: "async" }),
    el("span", { class: "name" }, human(one.name)));

const describe = () => {
  const chosen = styles.find(one => one.name === style());
  const words = (chosen?.prompt ?? "").split(",").map(part => part.trim());
  tell(find("style-words"), words.filter(part => part && !part.includes("{")).join(", "));
};

// -- settings --------------------------------------------------------------------------------------------------------

const field = setting => {
  const id = `set-${setting.name}`;
  const shared = { id, "aria-describedby": `${id}-help ${id}-error` };
  return el("p", { class: setting.longest > 100 ? "field long" : "field" },
    el("label", { for: id }, label(setting)),
    control(setting, shared),
    el("span", { class: "help", id: `${id}-help` }, help(setting)),
    el("span", { class: "error", id: `${id}-error`, role: "alert", hidden: true }));
};

/** The name without its unit, which stands below. */
const label = ({ name, unit }) =>
  human(unit && name.endsWith(`_${unit.toLowerCase()}`) ? name.slice(0, -unit.length - 1) : name);

const control = (setting, shared) => {
  const usual = setting.default ?? "";
  if (setting.choices?.length) {
    const options = setting.choices.map(choice =>
      el("option", { value: choice, selected: String(choice) === String(usual) }, human(String(choice))));
    if (setting.default === null) options.unshift(el("option", { value: "", selected: true }, "As it comes"));
    return el("select", shared, ...options);
  }
  if (setting.type === "text") return el("input", { ...shared, type: "text", value: usual, maxLength: setting.longest || 500 });
  return el("input", {
    ...shared, type: "number", inputMode: setting.type === "integer" ? "numeric" : "decimal",
    step: setting.type === "integer" ? "1" : "any", min: setting.at_least ?? undefined, max: setting.at_most ?? undefined,
    value: usual,
  });
};

const help = setting => {
  const text = setting.help.charAt(0).toUpperCase() + setting.help.slice(1);
  const bounded = !setting.choices?.length && setting.at_least !== null && setting.at_most < 1e6;
  return `${text}.${bounded ? ` ${human(range(setting))}.` : setting.unit ? ` In ${setting.unit}.` : ""}`;
};

const range = setting => {
  const number = setting.type === "integer" ? "a whole number" : "a number";
  const between = setting.at_least === null ? "" : `${setting.at_least} to ${setting.at_most}`;
  return between ? `${between}${setting.unit ? ` ${setting.unit}` : ""}` : number;
};

const value = setting => {
  const input = find(`set-${setting.name}`);
  const text = input.value.trim();
  if (!text || text === String(setting.default ?? "")) return undefined;
  return setting.type === "text" || setting.choices?.length ? text : Number(text);
};

