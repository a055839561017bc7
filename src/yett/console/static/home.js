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
// Two presses: closing is free, but opening again takes a key.
lock.addEventListener("click", () => {
  if (!lock.dataset.armed) {
    const asked = lock.textContent;
    lock.dataset.armed = "yes";
    lock.textContent = "Yes, refuse everything now";
    setTimeout(() => {
      delete lock.dataset.armed;
      lock.textContent = asked;
    }, 5000);
    return;
  }
  press(lock, async () => {
    await post("/api/lockdown", { scope: "*" });
    location.reload();
  });
});
