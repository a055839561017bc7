import { post, press } from "./wire.js";

const open = ({ act }) => location.assign(`/acts/${act}`);

for (const button of document.querySelectorAll("[data-lift]")) {
  button.addEventListener("click", () =>
    press(button, async () => open(await post("/api/lockdown/lift", { scope: button.dataset.lift }))),
  );
}

for (const button of document.querySelectorAll("[data-remove]")) {
  button.addEventListener("click", () =>
    press(button, async () => open(await post("/api/keys/remove", { key: button.dataset.remove }))),
  );
}

const lock = document.getElementById("lock");
lock.addEventListener("click", () =>
  press(lock, async () => {
    await post("/api/lockdown", { scope: "*" });
    location.reload();
  }),
);
