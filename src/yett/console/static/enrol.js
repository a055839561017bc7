import { post, press, register } from "./wire.js";

const form = document.getElementById("enrol");
const code = document.getElementById("code");
const name = document.getElementById("name");
const make = document.getElementById("make");

// The terminal's link carries the code behind the #, which no server ever sees.
if (code && location.hash.startsWith("#code=")) {
  code.value = decodeURIComponent(location.hash.slice(6));
  history.replaceState(null, "", location.pathname);
  name.focus();
}

const done = (title, told, words, link) => {
  form.hidden = true;
  document.getElementById("done-title").textContent = title;
  document.getElementById("done-text").textContent = told;
  document.getElementById("done-words").textContent = words;
  document.getElementById("done-link").href = link;
  document.getElementById("done").hidden = false;
};

const first = async () => {
  const asked = { code: code.value, name: name.value };
  const { options } = await post("/api/enrol/options", asked);
  const { person } = await post("/api/enrol", { ...asked, credential: await register(options) });
  done("Enrolled", `${person} can answer for agents now.`, "", "/");
};

const further = async () => {
  const { ticket, options } = await post("/api/keys/options", { name: name.value });
  const { act, words } = await post("/api/keys", { ticket, credential: await register(options) });
  done("Almost", "Someone who is enrolled now signs for this key. They must see these words:", words, `/acts/${act}`);
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  press(make, document.body.dataset.first === "yes" ? first : further);
});
