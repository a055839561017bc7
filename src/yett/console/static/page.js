// On every page: clocks that run, and a reload when what is shown is out of date.

const span = (seconds) => {
  const s = Math.max(0, Math.floor(seconds));
  if (s >= 7200) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
};

const ago = (seconds) => {
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
};

const reload = () => {
  if (!document.body.dataset.busy) location.reload();
};

const tick = () => {
  const now = Date.now();
  for (const clock of document.querySelectorAll("time[data-until]")) {
    const left = (Number(clock.dataset.until) - now) / 1000;
    clock.textContent = span(left);
    clock.classList.toggle("soon", left < 120);
    if (left <= 0 && left > -1 && !clock.dataset.over) {
      clock.dataset.over = "yes";
      setTimeout(reload, 1200);
    }
  }
  for (const clock of document.querySelectorAll("time[data-at]")) {
    clock.textContent = ago((now - Number(clock.dataset.at)) / 1000);
  }
};

tick();
setInterval(tick, 1000);

const shown = document.body.dataset.pulse;
if (shown) {
  const events = new EventSource("/events");
  events.addEventListener("pulse", (event) => {
    if (event.data !== shown) reload();
  });
  addEventListener("pagehide", () => events.close());
}

// Who comes back by the browser's "back" sees what is true now.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
